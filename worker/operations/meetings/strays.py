"""strays: meetings of ours that no live row owns, on whichever server they are. Part of the ``end`` loop.

A request whose answer was lost may have been executed after its server had been given up for another; a room that was
left behind on a server that was down is there again when it is up. Such a run is doubted (``doubted_at``) until its
server says that it is not there, and is asked to end wherever it is. What a list of ``getMeetings`` shows and no row
owns is doubted as well, but for a room that polls had only lost sight of. Only what carries our labels is ended.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.operations import aside, story
from worker.operations.attendance.look import Room
from worker.operations.context import Context
from worker.operations.meetings import endings, reviving, rooms
from worker.store.locks import HELD
from worker.store.tables import Meeting, Occurrence, Server

#: "Not there" is believed this long after we gave the run up: a request may still have been on its way.
_LATE_ARRIVAL = timedelta(minutes=2)
#: Nobody can be asked for ever: a server that is silent this long has no unused meeting left.
_LONGEST = timedelta(days=1)


def note(session: Session, server_id: int, shown: Iterable[Room], now: datetime) -> int:
    """What a server shows and no live row of it owns: a run that we closed is doubted, unless it had only gone out of
    our sight with people inside; then it is a room again. Returns how many are doubted.
    """
    by_id = {room.external_id: room for room in shown}
    found = [row for row in _closed_runs(session, server_id, by_id.keys()) if _is_stray(session, row, now)]
    found = [row for row in found if not _is_back(session, row, by_id[row.external_id], now)]
    for row in found:
        row.doubted_at = now
        story.tell(session, "stray", now, occurrence_id=row.occurrence_id, server_id=server_id)
    return len(found)


def _closed_runs(session: Session, server_id: int, external_ids: Collection[str]) -> list[Meeting]:
    """The newest run of each of these ids, where it is closed and nothing is known to be wrong with it yet."""
    numbers = {number for each in external_ids if (number := rooms.occurrence_of(each)) is not None}
    if not numbers:
        return []
    ours = select(Meeting).where(Meeting.occurrence_id.in_(numbers), Meeting.external_id.in_(external_ids))
    found = session.scalars(ours.where(Meeting.server_id == server_id).order_by(Meeting.id))
    newest = {row.external_id: row for row in found}
    return [row for row in newest.values() if row.closed_at and not row.doubted_at and not row.end_refused]


def _is_back(session: Session, meeting: Meeting, room: Room, now: datetime) -> bool:
    """The very run that polls had missed too often is there, its people inside: nobody has ended it (E43). A server
    behind a load balancer denies what it has now and then. What somebody wanted to end is no room again.
    """
    was_missed = meeting.close_reason in ("finished", "expired") and meeting.end_requested_at is None
    if not was_missed or room.internal_id != meeting.internal_id or not room.heads:
        return False
    occurrence = session.get_one(Occurrence, meeting.occurrence_id, with_for_update=HELD, populate_existing=True)
    if occurrence.cancelled_at is not None or occurrence.finished_at not in (None, meeting.missed_at):
        return False
    if _owner(session, occurrence) is not None:
        return False
    occurrence.finished_at = occurrence.settled_at = None
    reviving.revive(session, meeting, now)
    return True


def _is_stray(session: Session, meeting: Meeting, now: datetime) -> bool:
    """Whether its class has another room, or wants none: else provision is about to take this very run up again."""
    occurrence = session.get_one(Occurrence, meeting.occurrence_id)
    owner = _owner(session, occurrence)
    if owner is not None:
        return owner != meeting.server_id
    over = (occurrence.settled_at, occurrence.cancelled_at, occurrence.finished_at)
    return any(each is not None for each in over) or occurrence.closes_at <= now


def _owner(session: Session, occurrence: Occurrence) -> int | None:
    """The server of the room that a class has."""
    live = select(Meeting.server_id).where(Meeting.occurrence_id == occurrence.id, Meeting.closed_at.is_(None))
    return session.scalar(live)


def due_meetings(context: Context, now: datetime) -> list[int]:
    """Doubted runs to be looked for now, on servers that can be asked."""
    wanted = select(Meeting.id).join(Server, Meeting.server_id == Server.id)
    wanted = wanted.where(is_looked_for(now), Meeting.end_refused.is_(None), _is_due(context, now))
    with context.database.read() as session:
        return sorted(session.scalars(wanted.where(or_(Server.healthy, ~Server.enabled))))


def is_looked_for(now: datetime) -> ColumnElement[bool]:
    """Doubted, and not for so long that nobody looks any more."""
    return Meeting.doubted_at > now - _LONGEST


def _is_due(context: Context, now: datetime) -> ColumnElement[bool]:
    """Not looked for since it was doubted, or not lately."""
    retry = now - timedelta(seconds=context.settings.end_retry_seconds)
    asked = Meeting.end_requested_at
    return or_(asked.is_(None), asked <= retry, asked < Meeting.doubted_at)


def some(context: Context, meeting_ids: Sequence[int], clock: Clock) -> int:
    """Look for these; each succeeds or fails alone. Returns how many are gone for certain."""
    return aside.each_meeting(context, "strays", meeting_ids, clock, one)


def one(context: Context, meeting_id: int, now: datetime) -> bool:
    """Look for one doubted run, and ask it to end where it is found. Whether it is gone for certain."""
    with context.database.write() as session:
        meeting = session.get_one(Meeting, meeting_id)
        if meeting.doubted_at is None:
            return False
        if not _is_stray(session, meeting, now):
            if _is_owned_here(session, meeting):
                meeting.doubted_at = None
            return False
        claim = update(Meeting).where(Meeting.id == meeting_id, _is_due(context, now))
        claimed = claim.values(end_requested_at=now, end_requests=Meeting.end_requests + 1)
        if not session.execute(claimed).rowcount:  # type: ignore[attr-defined]
            return False
        server = session.get_one(Server, meeting.server_id)
    return _look(context, meeting, server, now)


def _is_owned_here(session: Session, meeting: Meeting) -> bool:
    live = select(Meeting.id).where(Meeting.occurrence_id == meeting.occurrence_id, Meeting.closed_at.is_(None))
    return session.scalar(live.where(Meeting.server_id == meeting.server_id)) is not None


def _look(context: Context, meeting: Meeting, server: Server, now: datetime) -> bool:
    # Only as it was when we asked: meanwhile it may be a room again, or doubted anew.
    mine = update(Meeting).where(Meeting.id == meeting.id, Meeting.doubted_at == meeting.doubted_at)
    try:
        endings.ask(context, meeting, server)
    except bbb.NotFound:
        if meeting.doubted_at is None or now < meeting.doubted_at + _LATE_ARRIVAL:
            return False
        with context.database.write() as session:
            session.execute(mine.values(doubted_at=None))
        return True
    except bbb.WrongPassword as error:
        with context.database.write() as session:
            if session.execute(mine.values(end_refused=error.key[:64])).rowcount:  # type: ignore[attr-defined]
                detail = f"the server refused to end a run that nothing owns: {error}"
                story.tell(session, "end_refused", now, occurrence_id=meeting.occurrence_id, detail=detail)
    except bbb.Error:
        return False
    return False
