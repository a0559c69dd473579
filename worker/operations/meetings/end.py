"""end: ask overrunning meetings to end, and settle occurrences that are over. Only end asks for the end.

Asking is not ending: the server answers at once and acts later (protocol section 4.4, E38). Poll sees whether it has; a
meeting that lives on is asked again. Only a meeting that is ours, by its internal id or its labels, is ever ended.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.operations import aside, story
from worker.operations.attendance import fold
from worker.operations.context import Context
from worker.operations.installation import notify, watch
from worker.operations.meetings import endings, strays, warn
from worker.store import due
from worker.store.tables import Meeting, Server

#: asked: the server took it; refused: it will not, for good; late: no answer, the next tick asks again; idle: nothing
#: to do.
Outcome = Literal["asked", "refused", "late", "idle"]

_AT_ONCE = 8


def due_meetings(context: Context, now: datetime) -> list[int]:
    """Meetings to be ended now."""
    with context.database.read() as session:
        return _due(context, session, now)


def _due(context: Context, session: Session, now: datetime, only: int | None = None) -> list[int]:
    found = due.meetings_to_end(session, now, now - _retry(context), only)
    return [row[0].id for row in found if endings.is_over(context.settings, session, *row, now)]


def _retry(context: Context) -> timedelta:
    return timedelta(seconds=context.settings.end_retry_seconds)


def sweep(context: Context, clock: Clock) -> list[Outcome]:
    """End and settle everything that is due, tell who is inside, look after alarms; all in this process."""
    warn.some(context, warn.due_meetings(context, clock()), clock)
    outcomes = some(context, due_meetings(context, clock()), clock)
    strays.some(context, strays.due_meetings(context, clock()), clock)
    with context.database.read() as session:
        over = due.occurrences_to_settle(session, clock())
    fold.settle(context, over, clock)
    watch.sweep(context, clock())
    notify.sweep(context, clock)
    return outcomes


def some(context: Context, meeting_ids: Sequence[int], clock: Clock) -> list[Outcome]:
    """Ask these to end; each succeeds or fails alone."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda each: _guarded(context, each, clock), meeting_ids))


def _guarded(context: Context, meeting_id: int, clock: Clock) -> Outcome:
    try:
        return one(context, meeting_id, clock())
    except Exception as error:
        aside.put_meeting(context, error, "end", clock(), meeting_id)
        return "late"


def one(context: Context, meeting_id: int, now: datetime) -> Outcome:
    """Ask one meeting to end, if it is still due: it may have been extended since the bell was rung.

    The claim is a conditional update; its row count is the verdict.
    """
    with context.database.write() as session:
        if not _due(context, session, now, meeting_id):
            return "idle"
        claim = update(Meeting).where(Meeting.id == meeting_id, Meeting.closed_at.is_(None))
        claim = claim.where(or_(Meeting.end_requested_at.is_(None), Meeting.end_requested_at <= now - _retry(context)))
        claimed = claim.values(end_requested_at=now, end_requests=Meeting.end_requests + 1, state="ending")
        if not session.execute(claimed).rowcount:  # type: ignore[attr-defined]
            return "idle"
        meeting = session.get_one(Meeting, meeting_id)
        server = session.get_one(Server, meeting.server_id)
    try:
        endings.ask(context, meeting, server)
    except bbb.NotFound:
        return "idle"  # it has gone already, and poll will see that
    except bbb.Error as error:
        return _not_ended(context, meeting, error, now)
    with context.database.write() as session:
        if meeting.end_requests == 1:
            story.tell(session, "end_asked", now, occurrence_id=meeting.occurrence_id, server_id=server.id)
    return "asked"


def _not_ended(context: Context, meeting: Meeting, error: bbb.Error, now: datetime) -> Outcome:
    """A wrong password stays wrong: said once, not repeated for ever (E39). All else is asked again."""
    with context.database.write() as session:
        mine = update(Meeting).where(Meeting.id == meeting.id, Meeting.closed_at.is_(None))
        if isinstance(error, bbb.WrongPassword):
            session.execute(mine.values(end_refused=error.key[:64], state="open"))
            detail = f"the server refused to end it: {error}"
            story.tell(session, "end_refused", now, occurrence_id=meeting.occurrence_id, detail=detail)
            return "refused"
        # The request may not have arrived: the next tick asks again, without waiting for the retry time.
        again = {"end_requested_at": now - _retry(context), "end_requests": Meeting.end_requests - 1}
        session.execute(mine.values(**again))
    return "late"
