"""Scheduling: an idle tick, a morning burst, one edit; against schedulers that keep an entry a class.

S1  every loop's question with nothing due, many courses against 1,000
S2  classes due in the same minute, until the last is on the queue, against celery-redbeat and Celery's own beat
S3  one course edited, until the edit is in force, against sqlalchemy-celery-beat
"""

import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import structlog
from celery import Celery

from benchmarks.burst import DUE, burst
from benchmarks.harness import Ratio, measure, table, verdict
from benchmarks.schools import NOW, school
from tests import services
from worker.operations.context import Context
from worker.operations.meetings import end, provision
from worker.operations.timetable import arrange, plan
from worker.store import due

_SMALL = 1000
_ROUNDS = 3
_BURSTS = 5
_EDITS = 5
Row = tuple[object, ...]


def idle_tick(context: Context) -> None:
    """The question of every loop."""
    with context.database.read() as session:
        plan.due(session, NOW, timedelta(days=7))
        provision.due_now(context, session, NOW)
        due.servers_to_poll(session)
        due.occurrences_to_settle(session, NOW)
    end.due_meetings(context, NOW)


def idle(kind: str, schools: dict[int, Context]) -> Iterator[Row]:
    """S1."""
    cases: dict[str, Callable[[], object]] = {
        str(size): lambda context=context: [idle_tick(context) for _ in range(20)] for size, context in schools.items()
    }
    for context in schools.values():
        idle_tick(context)
    found = measure(cases, rounds=9)
    for size in list(schools)[1:]:
        ratio = found.ratio(str(size), str(_SMALL), wall=True)
        told = f"{median(found.wall[str(size)]) / 20 * 1000:.2g} ms"
        what = f"{size:,} courses / {_SMALL:,}, {kind}"
        yield "S1, idle tick", what, ratio, told, "1.5", verdict(ratio, 1.5)


def bursts(postgres: services.Postgres, broker: str, sizes: Sequence[int]) -> Iterator[Row]:
    """S2."""
    bounds = {"celery-redbeat": 1 / 15, "Celery's beat": 1 / 300}
    for size in sizes:
        for peer, (ratio, theirs) in burst(postgres, broker, size, _BURSTS).items():
            label, told = f"S2, {DUE:,} of {size:,} due", f"theirs {theirs:.2g} s"
            yield label, f"ours / {peer}", ratio, told, *_held(ratio, bounds[peer], size == sizes[-1])


def _held(ratio: Ratio, bound: float, full: bool) -> tuple[str, str]:
    """Bounds are those of the full size; what smaller ones give is told."""
    return (f"{bound:.3g}", verdict(ratio, bound)) if full else ("", "")


def edits(schools: dict[int, Context], sizes: Sequence[int]) -> Iterator[Row]:
    """S3."""
    for size in sizes:
        with their_beat(size) as change:
            mine, theirs = [], []
            for number in range(_ROUNDS):
                mine += [_timed(lambda: _move(schools[size], 1 + number * _EDITS + n)) for n in range(_EDITS)]  # noqa: B023
                theirs.append(_timed(change))
        found = [median(mine[n * _EDITS : (n + 1) * _EDITS]) / theirs[n] for n in range(_ROUNDS)]
        ratio = Ratio(median(found), min(found), max(found))
        told = f"ours {median(mine) * 1000:.2g} ms, theirs {median(theirs):.2g} s"
        label = f"S3, one edit among {size:,}"
        yield label, "ours / sqlalchemy-celery-beat", ratio, told, *_held(ratio, 0.001, size == sizes[-1])


def _move(context: Context, occurrence: int) -> None:
    """A class moved to now, until the question of provision names it."""
    arrange.move(context, occurrence, NOW, NOW + timedelta(hours=1), NOW)
    with context.database.read() as session:
        assert occurrence in provision.due_now(context, session, NOW)


@contextmanager
def their_beat(entries: int) -> Iterator[Callable[[], None]]:
    """The peer with so many rows, started. What it yields changes one row and lets beat look, until it knows."""
    from sqlalchemy_celery_beat.models import IntervalSchedule, Period, PeriodicTask
    from sqlalchemy_celery_beat.schedulers import DatabaseScheduler, session_manager

    session_manager.prepared = False  # it makes its tables once a process
    with tempfile.TemporaryDirectory() as folder:
        app = Celery("bench", broker="memory://", set_as_current=False)
        app.conf.update(beat_dburi=f"sqlite:///{folder}/beat.db", beat_schema=None)
        scheduler = DatabaseScheduler(app=app, lazy=True)
        session: Any = scheduler.Session()
        every = IntervalSchedule(every=30, period=Period.DAYS)
        session.add(every)
        session.flush()
        rows = (PeriodicTask(name=f"c{n}", task="t", schedule_model=every, args="[]") for n in range(entries))
        session.add_all(rows)
        session.commit()
        session.expunge_all()
        assert len(scheduler.schedule) >= entries
        scheduler.schedule_changed()  # from now on it looks for changes only
        names = iter(range(entries))

        def change() -> None:
            name, task = f"c{next(names)}", f"other-{time.monotonic_ns()}"
            row = session.query(PeriodicTask).filter_by(name=name).one()
            row.task = task
            session.add(row)
            session.commit()
            while scheduler.schedule[name].task != task:
                time.sleep(0.001)

        yield change
        session.close()


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@contextmanager
def schools_of(sizes: Sequence[int], url: Callable[[], str]) -> Iterator[dict[int, Context]]:
    """One of 1,000 courses and one of each size."""
    with ExitStack() as stack:
        yield {size: stack.enter_context(school(url(), size)) for size in (_SMALL, *sizes)}


def _sqlite(folder: Path) -> Callable[[], str]:
    template, numbers = services.sqlite_template(folder), iter(range(100))

    def made() -> str:
        path = folder / f"{next(numbers)}.db"
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"

    return made


NOTES = """\
* Bounds are those of the full size; smaller ones show how it grows.
* S1, S3: PostgreSQL has counted its tables (`ANALYZE`), as it does by itself within a minute of a large change.
* S2: broker Valkey, everything really published; Celery's beat is asked once a size, the others more often. Ours is
  the question and ten messages of a hundred ids; the bell from beat that wakes it is sent too, its way to a worker
  (about a millisecond) is not waited for.
* S3: ours, `occurrence move` until the question of provision names the class; theirs, one row changed until beat holds
  the change (SQLite, its default).
"""


def main(full: bool = False) -> str:
    """The table. ``full``: at the sizes of the bounds; else at a fifth."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sizes, entries = ((10_000, 30_000, 100_000), (1_000, 3_000, 10_000)) if full else ((6_000, 20_000), (2_000,))
    rows: list[Row] = []
    changed: list[Row] = []
    with services.postgres() as postgres, tempfile.TemporaryDirectory() as name:
        with schools_of(sizes, postgres.migrated) as schools:
            rows += idle("PostgreSQL", schools)
            changed += edits(schools, sizes)
        with schools_of(sizes, _sqlite(Path(name))) as schools:
            rows += idle("SQLite", schools)
        with services.valkey() as broker:
            rows += bursts(postgres, broker, entries)
    headings = ("", "ours against", "measured (range)", "", "at most", "kept")
    return "## Scheduling, wall time\n\n" + table(headings, [*rows, *changed]) + "\n" + NOTES


if __name__ == "__main__":
    sys.stdout.write(main(full="--full" in sys.argv))
