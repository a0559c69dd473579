"""The bells: each task reads the clock, calls one operation, and says nothing. Messages carry ids, never decisions."""

from collections.abc import Sequence
from typing import Any

from worker import clock
from worker.celery_app import app, context
from worker.operations import (
    archive,
    care,
    end,
    fold,
    harvest,
    notify,
    plan,
    poll,
    provision,
    pulse,
    retention,
    strays,
    warn,
    watch,
)
from worker.operations.pulse import Loop
from worker.store import due
from worker.store.upsert import in_batches

#: Ids a message: one meeting a message costs four times the processor time of a hundred.
_BATCH = 100


@app.task(name="plan.sweep")
def plan_sweep() -> None:
    now = clock.now()
    if pulse.claim(context(), "plan", now):
        with pulse.sweep(context(), "plan", clock.now):
            plan.sweep(context(), now)
            retention.daily(context(), now)


@app.task(name="provision.sweep")
def provision_sweep() -> None:
    now = clock.now()
    if pulse.claim(context(), "provision", now):
        with pulse.sweep(context(), "provision", clock.now), context().database.read() as session:
            _ring(provision_some, "provision", provision.due_now(context(), session, now))


@app.task(name="provision.some")
def provision_some(occurrence_ids: list[int]) -> None:
    provision.some(context(), occurrence_ids, clock.now)


@app.task(name="poll.sweep")
def poll_sweep() -> None:
    if pulse.claim(context(), "poll", clock.now()):
        with pulse.sweep(context(), "poll", clock.now), context().database.read() as session:
            for server_id in due.servers_to_poll(session):
                _send(poll_server, "poll", server_id)


@app.task(name="poll.server")
def poll_server(server_id: int) -> None:
    if poll.claim(context(), server_id, clock.now()):
        poll.one(context(), server_id, clock.now)


@app.task(name="end.sweep")
def end_sweep() -> None:
    now = clock.now()
    if pulse.claim(context(), "end", now):
        with pulse.sweep(context(), "end", clock.now), context().database.read() as session:
            _ring(end_warn, "end", warn.due_meetings(context(), now))
            _ring(end_some, "end", end.due_meetings(context(), now))
            _ring(end_strays, "end", strays.due_meetings(context(), now))
            _ring(end_settle, "end", due.occurrences_to_settle(session, now))
            alarms_sweep.apply_async(expires=pulse.period(context(), "end").total_seconds())


@app.task(name="end.warn")
def end_warn(meeting_ids: list[int]) -> None:
    warn.some(context(), meeting_ids, clock.now)


@app.task(name="end.some")
def end_some(meeting_ids: list[int]) -> None:
    end.some(context(), meeting_ids, clock.now)


@app.task(name="end.strays")
def end_strays(meeting_ids: list[int]) -> None:
    strays.some(context(), meeting_ids, clock.now)


@app.task(name="end.settle")
def end_settle(occurrence_ids: list[int]) -> None:
    fold.settle(context(), occurrence_ids, clock.now)


@app.task(name="alarms.sweep")
def alarms_sweep() -> None:
    watch.sweep(context(), clock.now())
    notify.sweep(context(), clock.now)


@app.task(name="harvest.sweep")
def harvest_sweep() -> None:
    if pulse.claim(context(), "harvest", clock.now()):
        with pulse.sweep(context(), "harvest", clock.now), context().database.read() as session:
            for server_id in due.servers_to_harvest(session):
                _send(harvest_server, "harvest", server_id)
            for bell in (archive_sweep, care_sweep):
                bell.apply_async(expires=pulse.period(context(), "harvest").total_seconds())


@app.task(name="harvest.server")
def harvest_server(server_id: int) -> None:
    harvest.one(context(), server_id, clock.now)


@app.task(name="archive.sweep")
def archive_sweep() -> None:
    archive.sweep(context(), clock.now)


@app.task(name="care.sweep")
def care_sweep() -> None:
    care.sweep(context(), clock.now)


def _ring(task: Any, loop: Loop, ids: Sequence[int]) -> None:
    for batch in in_batches(ids, _BATCH):
        _send(task, loop, list(batch))


def _send(task: Any, loop: Loop, argument: object) -> None:
    """Ring, for one period: the next sweep rings again for whatever is still due."""
    task.apply_async((argument,), expires=pulse.period(context(), loop).total_seconds())
