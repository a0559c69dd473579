"""The timetable: from rules to starts, from starts to rows, and what one course costs in a large school.

R1  expansion of every course over two weeks: ours against croniter and croniter-rs asked course by course
R2  thirteen changes of clocks: how many each expands exactly
T2  a sweep of plan where nothing has changed, against the first one, on SQLite and PostgreSQL
T3  importing 5,000 courses
T4  memory of the first plan, for a number of courses and for four times as many
T5  bringing in a file of one course, and changing one course by a file, in a large school against one of 1,000

``python -m benchmarks.timetable`` takes some minutes; ``--full`` plans 100,000 courses.
"""

import argparse
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from sqlalchemy import func, insert, select

from benchmarks import recurrence
from benchmarks.harness import Ratio, measure, table, verdict
from benchmarks.recurrence import CRONS, ZONE
from benchmarks.schools import NOW as SCHOOL_NOW
from benchmarks.schools import school
from tests import services
from worker import logs
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.timetable import plan
from worker.operations.timetable.import_timetable import import_timetable
from worker.settings import Settings
from worker.store.tables import Course, Occurrence, Slot
from worker.timetables import CourseDraft, SlotDraft, TimetableDraft

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
_IMPORTED = 5000
_SMALL = 1000

Make = Callable[[], Context]


@contextmanager
def databases() -> Iterator[dict[str, Make]]:
    """Fresh, migrated databases of both kinds, as often as they are asked for."""
    with tempfile.TemporaryDirectory() as name, services.postgres() as postgres:
        folder = Path(name)
        template = services.sqlite_template(folder)
        numbers = iter(range(10**6))

        def sqlite() -> Context:
            path = folder / f"{next(numbers)}.db"
            shutil.copyfile(template, path)
            return _context(folder, f"sqlite:///{path}")

        yield {"SQLite": sqlite, "PostgreSQL": lambda: _context(folder, postgres.migrated())}


def _context(folder: Path, url: str) -> Context:
    settings = Settings(data_dir=folder, database_url=url, secret_key="a key for benchmarks only", timezone=ZONE)
    return contexts.make(settings)


def fill(context: Context, courses: int) -> None:
    """Courses and slots, nothing planned."""
    with context.database.write() as session:
        rows = [
            {"code": f"c{number:06}", "title": "Course", "timezone": ZONE, "options": {}} for number in range(courses)
        ]
        session.execute(insert(Course), rows)
        ids = session.scalars(select(Course.id).order_by(Course.id)).all()
        slots = [{"course_id": id, "cron": CRONS[id % len(CRONS)], "minutes": 90} for id in ids]
        session.execute(insert(Slot), slots)


def planning(kind: str, make: Make, courses: int) -> Iterator[list[object]]:
    context = make()
    fill(context, courses)
    first, cpu = _timed(lambda: plan.sweep(context, NOW))
    again = [_timed(lambda: plan.sweep(context, NOW)) for _ in range(7)]
    with context.database.read() as session:
        count = session.scalar(select(func.count()).select_from(Occurrence)) or 0
    context.database.dispose()
    for name, base, times in (
        ("wall", first, [wall for wall, _ in again]),
        ("CPU", cpu, [spent for _, spent in again]),
    ):
        ratio = Ratio(median(times) / base, min(times) / base, max(times) / base)
        seconds = f"first {base:.2g} s, {count:,} occurrences"
        yield ["T2", f"plan, nothing changed / first, {name}, {kind}", ratio, seconds, "0.02", verdict(ratio, 0.02)]


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - began, time.process_time() - cpu


def importing(kind: str, make: Make) -> list[object]:
    context = make()
    courses = tuple(
        CourseDraft(f"c{number}", "Course", ZONE, teacher_id=f"t{number}", slots=(SlotDraft(CRONS[number % 140], 90),))
        for number in range(_IMPORTED)
    )
    wall, cpu = _timed(lambda: import_timetable(context, TimetableDraft(courses), NOW))
    again, _ = _timed(lambda: import_timetable(context, TimetableDraft(courses), NOW + timedelta(minutes=1)))
    context.database.dispose()
    told = f"{wall:.2g} s ({cpu:.2g} s of CPU); the same again {again:.2g} s"
    return ["T3", f"importing {_IMPORTED:,} courses, planned, {kind}", told, "", "", ""]


def memory(make: Make, courses: int) -> list[object]:
    peaks = []
    for size in (courses, 4 * courses):
        context = make()
        fill(context, size)
        tracemalloc.start()
        plan.sweep(context, NOW)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
        context.database.dispose()
    told = f"{peaks[0]:.3g} MiB for {courses:,} courses, {peaks[1]:.3g} MiB for {4 * courses:,}"
    return ["T4", "memory of the first plan, SQLite", told, "", "", ""]


def one_course(kind: str, make: Make, sizes: list[int]) -> Iterator[list[object]]:
    """T5: each round brings in a new course and changes a known one, in schools of all sizes."""
    with ExitStack() as stack:
        schools = {size: stack.enter_context(school(str(_url_of(make)), size)) for size in (_SMALL, *sizes)}
        for what, number in (("one new course", 10**6), ("one changed course", 0)):
            cases = {str(size): partial(_bring_one, context, count(number)) for size, context in schools.items()}
            for each in cases.values():
                each()
            found = measure(cases, rounds=9)
            for size in sizes:
                ratio = found.ratio(str(size), str(_SMALL), wall=True)
                told = f"{median(found.wall[str(size)]) * 1000:.2g} ms"
                label = f"{what}, {size:,} courses stored / {_SMALL:,}, {kind}"
                yield ["T5", label, ratio, told, "1.5", verdict(ratio, 1.5)]


def _url_of(make: Make) -> object:
    context = make()
    context.database.dispose()
    return context.database.engine.url.render_as_string(hide_password=False)


def _bring_one(context: Context, numbers: Iterator[int]) -> None:
    """A file of one course: a new one, or one that is there at another hour, planned and looked at for clashes."""
    number = next(numbers)
    slots = (SlotDraft("0 10 * * 1", 90), SlotDraft("0 10 * * 3", 90))
    draft = CourseDraft(f"c{number}", f"Course {number}", "UTC", teacher_id=f"t{number}", slots=slots)
    changes = import_timetable(context, TimetableDraft((draft,)), SCHOOL_NOW, names=False)
    assert changes.occurrences > 0


NOTES = """\
* R1: ours expands each expression once a zone and window, and shares it; nothing is remembered from before the run. The
  others are asked for 500 courses; it costs them the same for each. The bounds are those of 100,000 courses.
* R2: what is right, `dateutil` says (RFC 5545).
* T2: the first sweep expands and stores; most of it is the database writing rows and indexes. The processor time of
  SQLite is that of the program, that of PostgreSQL the client's alone.
* T5: wall time of a file of one course: read against the school, written, planned, looked at for clashes, what is gone
  counted.
* T4: Python's own allocations at their highest. Batches of a thousand slots are planned and forgotten.
"""


def main(courses: int) -> str:
    """The table."""
    sizes = [courses // 10, courses * 3 // 10, courses]
    rows = [*recurrence.expansion(sizes), *recurrence.changes_of_clocks()]
    with databases() as makes:
        logs.configure(Settings(log_level="ERROR"))
        for kind, make in makes.items():
            rows += planning(kind, make, courses)
        for kind, make in makes.items():
            rows += one_course(kind, make, sizes)
        rows += [importing(kind, make) for kind, make in makes.items()]
        rows.append(memory(makes["SQLite"], min(courses, 5000)))
    head = f"## Timetable, {courses:,} courses of two classes a week, horizon of two weeks\n\n"
    return head + table(("", "what", "measured (range)", "", "at most", "kept"), rows) + "\n" + NOTES


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("--full", action="store_true", help="100,000 courses")
    sys.stdout.write(main(100_000 if given.parse_args().full else 5_000))
