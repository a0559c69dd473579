"""The bells: each task reads the clock, calls one operation, and says nothing. Messages carry ids, never decisions."""

from collections.abc import Sequence
from typing import Any

from worker.celery_app import app, context, now
from worker.operations import pulse
from worker.operations.attendance import fold, poll, retention
from worker.operations.installation import notify, watch
from worker.operations.meetings import end, provision, strays, warn
from worker.operations.pulse import Loop
from worker.operations.recordings import archive, harvest, lifetime
from worker.operations.timetable import plan
from worker.store import due
from worker.store.upsert import in_batches

#: Ids a message: one meeting a message costs four times the processor time of a hundred.
_BATCH = 100


@app.task(name="plan.sweep")
def plan_sweep() -> None:
    at = now()
    if pulse.claim(context(), "plan", at):
        with pulse.sweep(context(), "plan", now):
            plan.sweep(context(), at)
            retention.daily(context(), at)


@app.task(name="provision.sweep")
def provision_sweep() -> None:
    at = now()
    if pulse.claim(context(), "provision", at):
        with pulse.sweep(context(), "provision", now), context().database.read() as session:
            _ring(provision_some, "provision", provision.due_now(context(), session, at))


@app.task(name="provision.some")
def provision_some(occurrence_ids: list[int]) -> None:
    provision.some(context(), occurrence_ids, now)


@app.task(name="poll.sweep")
def poll_sweep() -> None:
    if pulse.claim(context(), "poll", now()):
        with pulse.sweep(context(), "poll", now), context().database.read() as session:
            for server_id in due.servers_to_poll(session):
                _send(poll_server, "poll", server_id)


@app.task(name="poll.server")
def poll_server(server_id: int) -> None:
    if poll.claim(context(), server_id, now()):
        poll.one(context(), server_id, now)


@app.task(name="end.sweep")
def end_sweep() -> None:
    at = now()
    if pulse.claim(context(), "end", at):
        with pulse.sweep(context(), "end", now), context().database.read() as session:
            _ring(end_warn, "end", warn.due_meetings(context(), at))
            _ring(end_some, "end", end.due_meetings(context(), at))
            _ring(end_strays, "end", strays.due_meetings(context(), at))
            _ring(end_settle, "end", due.occurrences_to_settle(session, at))
            alarms_sweep.apply_async(expires=pulse.period(context(), "end").total_seconds())


@app.task(name="end.warn")
def end_warn(meeting_ids: list[int]) -> None:
    warn.some(context(), meeting_ids, now)


@app.task(name="end.some")
def end_some(meeting_ids: list[int]) -> None:
    end.some(context(), meeting_ids, now)


@app.task(name="end.strays")
def end_strays(meeting_ids: list[int]) -> None:
    strays.some(context(), meeting_ids, now)


@app.task(name="end.settle")
def end_settle(occurrence_ids: list[int]) -> None:
    fold.settle(context(), occurrence_ids, now)


@app.task(name="alarms.sweep")
def alarms_sweep() -> None:
    watch.sweep(context(), now())
    notify.sweep(context(), now)


@app.task(name="harvest.sweep")
def harvest_sweep() -> None:
    if pulse.claim(context(), "harvest", now()):
        with pulse.sweep(context(), "harvest", now), context().database.read() as session:
            for server_id in due.servers_to_harvest(session):
                _send(harvest_server, "harvest", server_id)
            for bell in (archive_sweep, care_sweep):
                bell.apply_async(expires=pulse.period(context(), "harvest").total_seconds())


@app.task(name="harvest.server")
def harvest_server(server_id: int) -> None:
    harvest.one(context(), server_id, now)


@app.task(name="archive.sweep")
def archive_sweep() -> None:
    archive.sweep(context(), now)


@app.task(name="care.sweep")
def care_sweep() -> None:
    lifetime.sweep(context(), now)


def _ring(task: Any, loop: Loop, ids: Sequence[int]) -> None:
    for batch in in_batches(ids, _BATCH):
        _send(task, loop, list(batch))


def _send(task: Any, loop: Loop, argument: object) -> None:
    """Ring, for one period: the next sweep rings again for whatever is still due."""
    task.apply_async((argument,), expires=pulse.period(context(), loop).total_seconds())
