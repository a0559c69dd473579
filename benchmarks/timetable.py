"""The timetable: from rules to starts, and from starts to rows.

T1  first expansion of every course over two weeks: ours against croniter asked course by course
T2  a sweep of plan where nothing has changed, against the first one, on SQLite and PostgreSQL
T3  importing 5,000 courses
T4  memory of the first plan, for a number of courses and for four times as many

``python -m benchmarks.timetable`` takes less than a minute; ``--full`` plans 100,000 courses.
"""

import argparse
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import func, insert, select

from benchmarks.harness import Ratio, measure, table, verdict
from tests import services
from worker import logs
from worker.domain import cron, timetable
from worker.domain.timetable import Rule
from worker.operations import context as contexts
from worker.operations import plan
from worker.operations.context import Context
from worker.operations.import_timetable import import_timetable
from worker.settings import Settings
from worker.store.tables import Course, Occurrence, Slot
from worker.timetables import CourseDraft, SlotDraft, TimetableDraft

ZONE = "Asia/Tehran"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
AFTER, BEFORE = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC)
#: Two days a week, every half hour of the day: what the courses of a large school have in common.
CRONS = [
    f"{minute} {hour} * * {day},{(day + 2) % 7}" for day in range(7) for hour in range(8, 18) for minute in (0, 30)
]
_SAMPLE = 500  #: courses that croniter is asked; it costs the same for each
_IMPORTED = 5000

Make = Callable[[], Context]


def ours(courses: int) -> int:
    """Every course from its text, nothing remembered from before."""
    for cached in (timetable._expand, timetable._checked, timetable.known_zone, cron.normalise_cron, cron.cron_fields):
        cached.cache_clear()
    return sum(
        len(timetable.starts(Rule(CRONS[number % len(CRONS)], 90, ZONE), AFTER, BEFORE)) for number in range(courses)
    )


def theirs(courses: int) -> int:
    """One croniter a course, in the course's zone."""
    count, zone = 0, ZoneInfo(ZONE)
    for number in range(courses):
        walk = croniter(CRONS[number % len(CRONS)], AFTER.astimezone(zone), ret_type=datetime)
        while walk.get_next() < BEFORE:
            count += 1
    return count


def expansion(courses: int) -> list[object]:
    assert ours(_SAMPLE) == theirs(_SAMPLE)
    found = measure({"ours": lambda: ours(courses), "croniter": lambda: theirs(_SAMPLE)}, rounds=5)
    scale = _SAMPLE / courses
    raw = found.ratio("ours", "croniter")
    ratio = Ratio(raw.median * scale, raw.low * scale, raw.high * scale)
    seconds = f"{median(found.cpu['ours']):.2g} s for {courses:,} courses"
    return ["T1", "expansion, ours / croniter, CPU a course", ratio, seconds, "0.01", verdict(ratio, 0.01)]


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
    for count in (courses, 4 * courses):
        context = make()
        fill(context, count)
        tracemalloc.start()
        plan.sweep(context, NOW)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
        context.database.dispose()
    told = f"{peaks[0]:.3g} MiB for {courses:,} courses, {peaks[1]:.3g} MiB for {4 * courses:,}"
    return ["T4", "memory of the first plan, SQLite", told, "", "", ""]


NOTES = """\
* T1: croniter is asked course by course, in the course's zone. Ours expands each expression once a zone and window, and
  shares it; nothing is remembered from before the run.
* T2: the first sweep expands and stores; most of it is the database writing rows and indexes. The processor time of
  SQLite is that of the program, that of PostgreSQL the client's alone.
* T4: Python's own allocations at their highest. Batches of a thousand slots are planned and forgotten.
"""


def main(courses: int) -> str:
    """The table."""
    rows = [expansion(100_000)]
    with databases() as makes:
        logs.configure(Settings(log_level="ERROR"))
        for kind, make in makes.items():
            rows += planning(kind, make, courses)
        rows += [importing(kind, make) for kind, make in makes.items()]
        rows.append(memory(makes["SQLite"], min(courses, 5000)))
    head = f"## Timetable, {courses:,} courses of two classes a week, horizon of two weeks\n\n"
    return head + table(("", "what", "measured (range)", "", "at most", "kept"), rows) + "\n" + NOTES


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("--full", action="store_true", help="100,000 courses")
    sys.stdout.write(main(100_000 if given.parse_args().full else 5_000))
