"""Scheduling: an idle tick, a morning burst, one edit; against schedulers that keep an entry a class.

S1  every loop's question with nothing due, 100,000 courses against 1,000
S2  classes due in the same minute, until the last is on the queue, against celery-redbeat and Celery's own beat
S3  one course edited, until the edit is in force, against sqlalchemy-celery-beat
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import structlog
from celery import Celery
from celery.beat import Scheduler
from celery.schedules import schedule
from redis import Redis
from sqlalchemy import select

from benchmarks.harness import measure, table, verdict
from tests import services
from worker import celery_app, tasks
from worker.operations import arrange, end, plan, provision
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.settings import Settings
from worker.store import due
from worker.store.bulk import insert_many
from worker.store.tables import Course, Occurrence, Slot

_NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
_DUE = 1000


@contextmanager
def school(url: str, courses: int, broker: str = "memory://") -> Iterator[Context]:
    """A timetable of so many courses with two slots a week, planned; nothing is due at :data:`_NOW`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url=url, broker_url=broker, horizon_days=7)
        context = contexts.make(settings)
        with context.database.write() as session:
            named = [(f"c{number}", f"Course {number}", "UTC") for number in range(courses)]
            insert_many(session, Course, ("code", "title", "timezone"), named)
            ids = session.scalars(select(Course.id).order_by(Course.id)).all()
            slots = [(course, cron, 90) for course in ids for cron in ("0 9 * * 1", "0 9 * * 3")]
            insert_many(session, Slot, ("course_id", "cron", "minutes"), slots)
        plan.sweep(context, _NOW)
        yield context
        context.database.dispose()


def idle_tick(context: Context) -> None:
    """The question of every loop."""
    with context.database.read() as session:
        plan.due(session, _NOW, timedelta(days=7))
        provision.due_now(context, session, _NOW)
        due.servers_to_poll(session)
        due.occurrences_to_settle(session, _NOW)
    end.due_meetings(context, _NOW)


def idle(postgres: services.Postgres, large: int) -> tuple[object, ...]:
    """S1."""
    with school(postgres.migrated(), 1000) as small, school(postgres.migrated(), large) as big:
        for context in (small, big):
            with context.database.write() as session:
                session.connection().exec_driver_sql("ANALYZE")
            idle_tick(context)
        cases: dict[str, Callable[[], object]] = {
            "small": lambda: [idle_tick(small) for _ in range(20)],
            "large": lambda: [idle_tick(big) for _ in range(20)],
        }
        found = measure(cases, rounds=9).ratio("large", "small", wall=True)
    return "S1, idle tick", f"{large:,} courses / 1,000 courses", found, "1.5", verdict(found, 1.5)


def burst(postgres: services.Postgres, broker: str, entries: int) -> list[tuple[object, ...]]:
    """S2."""
    mine = median(_ours(postgres, broker, entries) for _ in range(3))
    redbeat = median(_redbeat(broker, entries) for _ in range(3))
    beat = _celery_beat(broker, entries)
    label = f"{_DUE:,} of {entries:,} due"
    return [
        (f"S2, {label}", "ours / celery-redbeat", f"{mine / redbeat:.3g}", "0.0667", _kept(mine / redbeat, 1 / 15)),
        (f"S2, {label}", "ours / Celery's beat", f"{mine / beat:.3g}", "0.00333", _kept(mine / beat, 1 / 300)),
    ]


def _kept(ratio: float, bound: float) -> str:
    return "yes" if ratio <= bound else "NO"


def _ours(postgres: services.Postgres, broker: str, entries: int) -> float:
    Redis.from_url(broker).flushall()
    with school(postgres.migrated(), entries, broker) as context:
        with context.database.write() as session:
            wanted = select(Occurrence.id).order_by(Occurrence.id).limit(_DUE)
            first = session.scalars(select(Occurrence).where(Occurrence.id.in_(wanted)))
            for each in first:
                each.starts_at, each.opens_at, each.ends_at = _NOW, _NOW, _NOW + timedelta(hours=2)
                each.closes_at = each.ends_at
        celery_app.use(context)
        celery_app.app.conf.update(celery_app.configuration(context.settings))
        began = time.perf_counter()
        with context.database.read() as session:
            found = provision.due_now(context, session, _NOW)
        tasks._ring(tasks.provision_some, "provision", found)
        passed = time.perf_counter() - began
        assert len(found) == _DUE
    return passed


def _app(broker: str) -> Celery:
    app = Celery("bench", broker=broker, set_as_current=False)
    app.conf.update(task_ignore_result=True, redbeat_redis_url=broker, redbeat_lock_key=None)
    app.task(name="provision.one")(lambda number: None)
    return app


def _redbeat(broker: str, entries: int) -> float:
    from redbeat import RedBeatSchedulerEntry
    from redbeat.schedulers import RedBeatScheduler

    Redis.from_url(broker).flushall()
    app = _app(broker)
    for number in range(entries):
        every = schedule(run_every=1 if number < _DUE else 86400, app=app)
        RedBeatSchedulerEntry(f"c{number}", "provision.one", every, args=[number], app=app).save()
    scheduler = RedBeatScheduler(app=app, lazy=True)
    time.sleep(1.1)  # their rules say: every second; now they are due
    return _until_published(scheduler, broker)


def _celery_beat(broker: str, entries: int) -> float:
    Redis.from_url(broker).flushall()
    app = _app(broker)
    app.conf.beat_schedule = {
        f"c{number}": {
            "task": "provision.one",
            "schedule": timedelta(seconds=1 if number < _DUE else 86400),
            "args": (number,),
        }
        for number in range(entries)
    }
    scheduler = Scheduler(app=app)
    time.sleep(1.1)
    return _until_published(scheduler, broker)


def _until_published(scheduler: Any, broker: str) -> float:
    queue, began = Redis.from_url(broker), time.perf_counter()
    while queue.llen("celery") < _DUE:
        scheduler.tick()
    return time.perf_counter() - began


def edit(postgres: services.Postgres, courses: int) -> tuple[object, ...]:
    """S3: a class moved to now, until the question of provision names it. (A file imported is checked as a whole.)"""
    with school(postgres.migrated(), courses) as context:
        mine = median(_timed(lambda number=number: _move(context, number)) for number in range(1, 8))
    theirs = _their_edit(courses)
    label = f"S3, one edit among {courses:,}"
    ratio = mine / theirs
    return label, "ours / sqlalchemy-celery-beat", f"{ratio:.3g}", "0.001", _kept(ratio, 1 / 1000)


def _move(context: Context, occurrence: int) -> None:
    arrange.move(context, occurrence, _NOW, _NOW + timedelta(hours=1), _NOW)
    with context.database.read() as session:
        assert occurrence in provision.due_now(context, session, _NOW)


def _their_edit(courses: int) -> float:
    """What the other scheduler does at the tick after a row was changed: it reads every row again."""
    from sqlalchemy_celery_beat.models import IntervalSchedule, Period, PeriodicTask
    from sqlalchemy_celery_beat.schedulers import DatabaseScheduler

    with tempfile.TemporaryDirectory() as folder:
        app = Celery("bench", set_as_current=False)
        app.conf.update(beat_dburi=f"sqlite:///{folder}/beat.db", beat_schema=None)
        scheduler = DatabaseScheduler(app=app, lazy=True)
        session = scheduler.Session()
        every = IntervalSchedule(every=1, period=Period.DAYS)
        session.add(every)
        session.flush()
        rows = (PeriodicTask(name=f"c{n}", task="t", schedule_model=every, args="[]") for n in range(courses))
        session.add_all(rows)
        session.commit()
        return _timed(scheduler.all_as_schedule)


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main(full: bool = False) -> str:
    """The table. ``full``: at the sizes of the bounds; else at a tenth."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    large, entries = (100_000, 10_000) if full else (20_000, 2_000)
    with services.postgres() as postgres, services.valkey() as broker:
        rows = [idle(postgres, large), *burst(postgres, broker, entries), edit(postgres, large)]
    return "## Scheduling, wall time, PostgreSQL and Valkey\n\n" + table(
        ("", "ours against", "measured", "at most", "kept"), rows
    )


if __name__ == "__main__":
    sys.stdout.write(main(full="--full" in sys.argv))
