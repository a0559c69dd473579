"""provision: a room for each class that is about to begin, and again for as long as its window lasts.

Two steps around one call. T1 chooses servers for up to a hundred classes at once and inserts ``requested``; the servers
are asked to ``create``, several at once; T2 marks what was made ``open``. A crash at any point heals itself: the next
tick repeats the identical call on the same server, and gets the same meeting (protocol section 4.1, E14, E31). Only
provision opens. It also gives up what never opened, and a room nobody has joined on a server that is down, for another
server; whether the old server has it after all is then for ``end`` to find out (``doubted_at``).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from worker.clock import Clock
from worker.domain import lifecycle
from worker.operations import aside, story
from worker.operations.context import Context
from worker.operations.meetings import creating, reviving
from worker.operations.meetings.creating import Answer, Request
from worker.operations.meetings.requesting import request_all
from worker.store import due
from worker.store.tables import Meeting
from worker.store.upsert import in_batches

#: opened: a new room; reopened: a run we had given up was alive all along; late: it is not open, and the next tick
#: tries again; idle: nothing to do, somebody else was faster, or no server can take it now.
Outcome = Literal["opened", "reopened", "late", "idle"]

#: Occurrences a transaction.
_BATCH = 100
#: Creates at once within a batch: a server answers in about a tenth of a second.
_AT_ONCE = 10
#: What has been answered is written at least this often, seconds, so that one slow server delays no other's rooms.
_WRITE_EVERY = 1.0


def due_now(context: Context, session: Session, now: datetime) -> list[int]:
    """Occurrences whose room is to be asked for now, the most urgent first."""
    spread = timedelta(seconds=context.settings.spread_seconds)
    found = due.rooms_to_open(session, now)
    return [each.id for each in found if lifecycle.opening_at(each.opens_at, each.starts_at, spread, each.id) <= now]


def sweep(context: Context, clock: Clock) -> list[Outcome]:
    """Open everything that is due, in this process."""
    with context.database.read() as session:
        ids = due_now(context, session, clock())
    return some(context, ids, clock)


def some(context: Context, occurrence_ids: Sequence[int], clock: Clock) -> list[Outcome]:
    """Open these; each succeeds or fails alone."""
    outcomes: dict[int, Outcome] = dict.fromkeys(occurrence_ids, "idle")
    for batch in in_batches(occurrence_ids, _BATCH):
        requests = _prepare(context, batch, clock, outcomes)
        for answers in _asked(context, requests):
            _note(context, answers, clock(), outcomes)
    return list(outcomes.values())


def one(context: Context, occurrence_id: int, now: datetime) -> Outcome:
    """Open the room of one occurrence, if it is still due."""
    return some(context, [occurrence_id], lambda: now)[0]


def _prepare(context: Context, ids: Sequence[int], clock: Clock, outcomes: dict[int, Outcome]) -> list[Request]:
    """T1 for a batch; where it fails, for each alone, so that a poisoned row is named and put aside."""
    try:
        with context.database.write() as session:
            return request_all(context, session, ids, clock())
    except Exception as error:
        aside.stop_if_told(error)
        if len(ids) > 1:
            return [request for each in ids for request in _prepare(context, [each], clock, outcomes)]
        if not isinstance(error, IntegrityError):  # uq_meetings_live: another worker was faster
            outcomes[ids[0]] = "late"
            aside.put(context, error, "provision", clock(), occurrence_id=ids[0])
        return []


def _asked(context: Context, requests: Sequence[Request]) -> Iterator[list[Answer]]:
    """Ask the servers; answers come in portions, as they arrive."""
    if not requests:
        return
    ask = creating.Asking(context)
    with ThreadPoolExecutor(min(_AT_ONCE, len(requests))) as pool:
        pending: set[Future[Answer]] = {pool.submit(ask, each) for each in ask.in_order(requests)}
        try:
            while pending:
                done, pending = wait(pending, timeout=_WRITE_EVERY)
                if done:
                    # In order of their rows, so that two workers with the same answers wait for each other.
                    yield sorted((each.result() for each in done), key=lambda answer: answer.request.meeting.id)
        finally:  # told to stop: what has been begun is finished, and no more
            for each in pending:
                each.cancel()


def _note(context: Context, answers: Sequence[Answer], now: datetime, outcomes: dict[int, Outcome]) -> None:
    """T2 for a portion; where it fails, for each alone."""
    try:
        with context.database.write() as session:
            noted = {each.request.occurrence_id: _note_one(session, each, now) for each in answers}
        outcomes.update(noted)
    except Exception as error:
        aside.stop_if_told(error)
        if len(answers) > 1:
            for each in answers:
                _note(context, [each], now, outcomes)
            return
        outcomes[answers[0].request.occurrence_id] = "late"
        aside.put(context, error, "provision", now, occurrence_id=answers[0].request.occurrence_id)


def _note_one(session: Session, answer: Answer, now: datetime) -> Outcome:
    meeting = answer.request.meeting
    if answer.trouble is not None:
        kind = "poisoned" if answer.ours else "create_failed"
        story.tell_once(session, kind, now, occurrence_id=meeting.occurrence_id, detail=answer.trouble)
        return "late"
    known = select(Meeting).where(Meeting.server_id == meeting.server_id, Meeting.internal_id == answer.internal_id)
    earlier = session.scalar(known)
    if earlier is not None and earlier.id != meeting.id:
        return _resurrect(session, earlier, meeting, now)
    opening = update(Meeting).where(Meeting.id == meeting.id, Meeting.state == "requested")
    values = {"internal_id": answer.internal_id, "create_time": answer.create_time_ms, "opened_at": now}
    if answer.passwords is not None:
        values["passwords"] = answer.passwords
    if not _count(session.execute(opening.values(**values, state="open"))):
        return "idle"
    story.tell(session, "opened", now, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)
    return "opened"


def _resurrect(session: Session, earlier: Meeting, meeting: Meeting, now: datetime) -> Outcome:
    """The server answered with a run we believed gone: it lives, so its row does, and ours never was (E43)."""
    if earlier.closed_at is None or earlier.occurrence_id != meeting.occurrence_id:
        return "idle"
    ours = delete(Meeting).where(Meeting.id == meeting.id, Meeting.state == "requested")
    if not _count(session.execute(ours)):
        return "idle"  # given up meanwhile, or its class is over: `strays` looks after what lives there
    session.flush()
    reviving.revive(session, earlier, now)
    return "reopened"


def _count(result: object) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
