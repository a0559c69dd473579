"""What should be so, and is not yet? One indexed question a loop; the present is an argument.

Answers are sorted here and not by the database: to save itself the sorting, SQLite would walk a whole table, all that
ever was, in the order asked for.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from worker.store.tables import Course, Meeting, Observation, Occurrence, Server


def _live() -> Select[int]:
    return select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id, Meeting.closed_at.is_(None))


def _unfinished() -> ColumnElement[bool]:
    return and_(Occurrence.settled_at.is_(None), Occurrence.cancelled_at.is_(None), Occurrence.finished_at.is_(None))


def wants_room() -> ColumnElement[bool]:
    """Its room should be open and is not; a ``requested`` one is asked for again. Whether its time has come, the
    caller says.

    Asked of each occurrence by itself: as a list of all that want one, it would be made of every class of the horizon.
    """
    return and_(_unfinished(), ~exists(_live().where(Meeting.state != "requested")))


def wants_another() -> ColumnElement[bool]:
    """Its room is open on a server that is down, and nobody has ever joined it."""
    lost = _live().join(Server, Meeting.server_id == Server.id).where(Meeting.state == "open", Meeting.people == 0)
    joined = exists(
        select(Observation.meeting_id)
        .join(Meeting, Meeting.id == Observation.meeting_id)
        .where(Meeting.occurrence_id == Occurrence.id, Observation.attendees != "")
    )
    return and_(_unfinished(), exists(lost.where(~Server.healthy)), ~joined)


def rooms_to_open(session: Session, now: datetime) -> Sequence[Row[int, datetime, datetime]]:
    """Number, opening and start of every occurrence that wants a room, or another one; the most urgent first."""
    wanted = select(Occurrence.id, Occurrence.opens_at, Occurrence.starts_at).where(or_(wants_room(), wants_another()))
    wanted = wanted.where(Occurrence.settled_at.is_(None), Occurrence.opens_at <= now, Occurrence.closes_at > now)
    return sorted(session.execute(wanted), key=lambda row: (row.starts_at, row.id))


def servers_to_poll(session: Session) -> Sequence[int]:
    """Every server in use, and every one that still holds a meeting of ours."""
    holds = exists(select(Meeting.id).where(Meeting.server_id == Server.id, Meeting.closed_at.is_(None)))
    return session.scalars(select(Server.id).where(or_(Server.enabled, holds)).order_by(Server.id)).all()


def servers_to_harvest(session: Session) -> Sequence[int]:
    """Every server that may hold recordings of ours, enabled or not."""
    used = exists(select(Meeting.id).where(Meeting.server_id == Server.id))
    return session.scalars(select(Server.id).where(or_(Server.enabled, used)).order_by(Server.id)).all()


def meetings_to_end(
    session: Session, now: datetime, retry_before: datetime, only: int | None = None
) -> Sequence[Row[Meeting, Occurrence, Course]]:
    """Live meetings past their planned end, or of a cancelled class: whether they are over, their policy says.

    Left out are those asked since ``retry_before`` and those whose server said no for good. ``only`` asks about one.
    """
    over = and_(Occurrence.closes_at <= now, Course.end_policy != "never")
    wanted = (
        select(Meeting, Occurrence, Course)
        .join(Occurrence, Meeting.occurrence_id == Occurrence.id)
        .join(Course, Occurrence.course_id == Course.id)
        .where(Meeting.closed_at.is_(None), Meeting.state != "requested", Meeting.end_refused.is_(None))
        .where(or_(Meeting.end_requested_at.is_(None), Meeting.end_requested_at <= retry_before))
        .where(or_(over, Occurrence.cancelled_at.is_not(None)))
    )
    found = session.execute(wanted if only is None else wanted.where(Meeting.id == only))
    return sorted(found, key=lambda row: row[0].id)


def occurrences_to_settle(session: Session, now: datetime) -> Sequence[int]:
    """Occurrences that are over, or cancelled, with nothing of them open any more; a mere request counts as nothing."""
    over = or_(Occurrence.closes_at <= now, Occurrence.cancelled_at.is_not(None))
    wanted = select(Occurrence.id).where(Occurrence.settled_at.is_(None), Occurrence.opens_at <= now, over)
    opened = _live().where(Meeting.state != "requested")
    return sorted(session.scalars(wanted.where(~exists(opened))))
