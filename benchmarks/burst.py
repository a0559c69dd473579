"""A thousand classes due in the same minute, until the last is on the queue: ours, celery-redbeat, Celery's own beat.

Each is asked what is due and really publishes to the same broker. Ours rings in messages of a hundred ids, as the
program does, and has asked and rung before; the bell from beat that wakes it is sent as well, its way to the worker
(about a millisecond) is not waited for. The peers keep an entry a class, of which a thousand are due and the others are
not for a day.
"""

import time
from datetime import timedelta
from statistics import median
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.schedules import schedule
from redis import Redis
from sqlalchemy import select

from benchmarks.harness import Ratio
from benchmarks.schools import NOW, school
from tests import services
from worker import celery_app, tasks
from worker.operations.context import Context
from worker.operations.meetings import provision
from worker.store.tables import Occurrence

DUE = 1000
_DAY = 86400


def burst(postgres: services.Postgres, broker: str, entries: int, rounds: int) -> dict[str, tuple[Ratio, float]]:
    """Ratios of ours to each peer, round by round, and the peer's seconds. Celery's beat, which takes a minute, is
    asked once, between the rounds of the others.
    """
    ours, redbeat, beat = [], [], 0.0
    for number in range(rounds):
        ours.append(_ours(postgres, broker, entries))
        redbeat.append(_redbeat(broker, entries))
        beat = beat if number else _celery_beat(broker, entries)
    return {
        "celery-redbeat": (_against(ours, redbeat), median(redbeat)),
        "Celery's beat": (_against(ours, [beat] * rounds), beat),
    }


def _against(ours: list[float], theirs: list[float]) -> Ratio:
    found = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Ratio(median(found), min(found), max(found))


def _ours(postgres: services.Postgres, broker: str, entries: int) -> float:
    queue = Redis.from_url(broker)
    queue.flushall()
    url = postgres.migrated()
    with school(url, entries, broker) as context:
        celery_app.use(context)
        celery_app.app.conf.update(celery_app.configuration(context.settings))
        for _ in range(2):  # as in a worker that has rung before
            _ring(context)
        queue.flushall()
        with context.database.write() as session:
            wanted = select(Occurrence.id).order_by(Occurrence.id).limit(DUE)
            for each in session.scalars(select(Occurrence).where(Occurrence.id.in_(wanted))):
                each.starts_at, each.opens_at, each.ends_at = NOW, NOW, NOW + timedelta(hours=2)
                each.closes_at = each.ends_at
        began = time.perf_counter()
        found = _ring(context)
        passed = time.perf_counter() - began
        messages = sum(queue.llen(name) for name in queue.scan_iter(_type="list"))
        assert (found, messages) == (DUE, 1 + DUE // 100)
    postgres.drop(url)
    return passed


def _ring(context: Context) -> int:
    """Beat's bell, the question, and a message for each hundred that are due. Returns how many are."""
    tasks.provision_sweep.apply_async(expires=60)
    with context.database.read() as session:
        found = provision.due_now(context, session, NOW)
    tasks._ring(tasks.provision_some, "provision", found)
    return len(found)


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
        every = schedule(run_every=1 if number < DUE else _DAY, app=app)
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
            "schedule": timedelta(seconds=1 if number < DUE else _DAY),
            "args": (number,),
        }
        for number in range(entries)
    }
    scheduler = Scheduler(app=app)
    time.sleep(1.1)
    return _until_published(scheduler, broker)


def _until_published(scheduler: Any, broker: str) -> float:
    queue, began = Redis.from_url(broker), time.perf_counter()
    while queue.llen("celery") < DUE:
        scheduler.tick()
    return time.perf_counter() - began
