"""A room that is gone: since when, and whether somebody has ended the class in it or it was lost.

The API tells neither. What was ended from inside stays ended; what was lost is opened again. A server's end callback is
the best sign there is. It is unsigned, so it is believed only where the room is gone indeed; that none came means
something only where they do come: each meeting that we end ourselves is the test of that.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from worker.domain import lifecycle
from worker.operations import story
from worker.operations.attendance import observe
from worker.operations.attendance.look import Open, View
from worker.operations.context import Context
from worker.operations.meetings import rooms
from worker.store.tables import Course, Meeting, Observation, Occurrence, Server

#: A callback is lost now and then; so many in a row, and the server's silence means nothing any more.
_UNTOLD = 3
#: By how much the clocks of page and worker may differ.
_SKEW = timedelta(seconds=5)


def miss(session: Session, context: Context, meeting: Open, view: View, at: datetime) -> None:
    """One notFound. Enough of them in a row, and the meeting has gone: since the first of them, not since now."""
    misses, missed_at = meeting.misses + 1, meeting.missed_at or at
    counted = update(Meeting).where(
        Meeting.id == meeting.id, Meeting.closed_at.is_(None), Meeting.misses == meeting.misses
    )
    if not session.execute(counted.values(misses=misses, missed_at=missed_at)).rowcount:  # type: ignore[attr-defined]
        return
    if not lifecycle.is_gone(misses, context.settings.gone_after):
        return
    asked = meeting.end_requested_at is not None
    close(session, meeting, lifecycle.close_reason(end_requested=asked, people_at_last_sight=meeting.people), at)
    if asked:
        _learn(session, meeting)
    elif meeting.moderators and _was_ended(session, context, meeting, view, missed_at):
        _finish(session, meeting, missed_at)


def close(session: Session, meeting: Open, reason: lifecycle.CloseReason, now: datetime) -> None:
    """It is not there any more."""
    last = select(Observation.last_at).where(Observation.meeting_id == meeting.id)
    last_seen = session.scalar(last.order_by(Observation.first_at.desc()).limit(1))
    closing = update(Meeting).where(Meeting.id == meeting.id, Meeting.closed_at.is_(None))
    values = {"state": "closed", "closed_at": now, "close_reason": reason, "last_seen_at": last_seen}
    if reason == "replaced":
        values["missed_at"] = meeting.missed_at or now
    if session.execute(closing.values(**values)).rowcount:  # type: ignore[attr-defined]
        observe.finish(session, meeting.id)
        story.tell(session, reason, now, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)


def _learn(session: Session, meeting: Open) -> None:
    """We have ended it ourselves: has the server told us?"""
    told = session.get_one(Meeting, meeting.id).end_told_at is not None
    values = {"untold_ends": 0 if told else Server.untold_ends + 1}
    session.execute(update(Server).where(Server.id == meeting.server_id).values(values))


def _was_ended(session: Session, context: Context, meeting: Open, view: View, missed_at: datetime) -> bool:
    """Whether somebody ended the class while a moderator was inside: not deserted, and not lost by its server."""
    last_seen = session.scalar(select(func.max(Observation.last_at)).where(Observation.meeting_id == meeting.id))
    if last_seen is None:
        return False
    told_at = session.scalar(select(Meeting.end_told_at).where(Meeting.id == meeting.id))
    if told_at is not None and told_at > last_seen - _SKEW:
        return True
    if _would_tell(session, context, meeting):
        return False
    return _watched(context, last_seen, missed_at) and not _lost_all(view, last_seen)


def _would_tell(session: Session, context: Context, meeting: Open) -> bool:
    """Whether the server tells us of an end, and was asked to for this meeting."""
    untold = session.scalar(select(Server.untold_ends).where(Server.id == meeting.server_id))
    if untold is None or untold >= _UNTOLD:
        return False
    of = select(Course).join(Occurrence).where(Occurrence.id == meeting.occurrence_id)
    return rooms.tells_its_end(context.settings, session.scalars(of).one(), meeting.server_id)


def _watched(context: Context, last_seen: datetime, missed_at: datetime) -> bool:
    """Whether it went between two polls in a row. After a hole in our polls the server may as well have been restarted,
    which ends no class: it is opened again."""
    return missed_at - last_seen < 2 * timedelta(seconds=context.settings.poll_period_seconds)


def _lost_all(view: View, last_seen: datetime) -> bool:
    """Several meetings gone and none left of then: the server has lost its memory, no teacher ended them all (E43).

    A room that was made since then is no witness: the server may have been restarted before.
    """
    return len(view.missing) > 1 and (view.oldest is None or view.oldest > last_seen)


def _finish(session: Session, meeting: Open, at: datetime) -> None:
    """It went while a moderator was inside, so it was ended, not deserted: do not open it again by ourselves.

    Not so beyond the planned end: a room made before the class was extended is cut by the server's own clock (E34).
    """
    ended = update(Occurrence).where(
        Occurrence.id == meeting.occurrence_id, Occurrence.starts_at <= at, Occurrence.ends_at > at
    )
    session.execute(ended.where(Occurrence.finished_at.is_(None)).values(finished_at=at))
