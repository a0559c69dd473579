"""When a meeting is to end: by its course's policy, and by what else wants its teacher, its room or its server."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from worker import bbb
from worker.domain import labels, lifecycle
from worker.domain.lifecycle import Ending
from worker.operations.context import Context
from worker.operations.meetings import seating
from worker.settings import Settings
from worker.store.tables import Course, Meeting, Occurrence, Server


def of(settings: Settings, occurrence: Occurrence, course: Course) -> Ending | None:
    """When this class is ended by us, if nothing changes."""
    spare = timedelta(seconds=settings.spare_limit_seconds)
    grace = grace_of(settings, course)
    return lifecycle.ending(course.end_policy, occurrence.closes_at, grace, spare, occurrence.cancelled_at)


def grace_of(settings: Settings, course: Course) -> timedelta:
    """How long after its end this course may run on."""
    return timedelta(seconds=settings.grace_seconds if course.grace_seconds is None else course.grace_seconds)


def is_over(
    settings: Settings, session: Session, meeting: Meeting, occurrence: Occurrence, course: Course, now: datetime
) -> bool:
    """Whether it is to be ended now."""
    ending = of(settings, occurrence, course)
    if ending is None or now < ending.may:
        return False
    return now >= ending.must or is_needed(session, meeting, occurrence, course, now)


def is_needed(session: Session, meeting: Meeting, occurrence: Occurrence, course: Course, now: datetime) -> bool:
    """Whether another class wants the teacher, the room or the place on the server, from its lead on."""
    return _is_wanted(session, occurrence, course, now) or _is_crowded(session, meeting.server_id, now)


def _is_wanted(session: Session, occurrence: Occurrence, course: Course, now: datetime) -> bool:
    same = [Course.id == course.id]
    same += [Course.teacher_id == course.teacher_id] if course.teacher_id else []
    same += [Course.room == course.room] if course.room else []
    other = select(Occurrence.id).join(Course, Occurrence.course_id == Course.id).where(or_(*same))
    now_on = and_(Occurrence.opens_at <= now, Occurrence.closes_at > now, Occurrence.id != occurrence.id)
    standing = and_(Occurrence.cancelled_at.is_(None), Occurrence.finished_at.is_(None))
    return session.scalar(other.where(now_on, standing).limit(1)) is not None


def _is_crowded(session: Session, server_id: int, now: datetime) -> bool:
    """Whether those who are on the server, and those who are expected, are more than it takes."""
    server = session.get_one(Server, server_id)
    if server.capacity is None:
        return False
    ours, coming = seating.load(session, now).get(server_id, (0, 0))
    counted = select(func.sum(Meeting.people)).where(Meeting.server_id == server_id, Meeting.closed_at.is_(None))
    others = max(0, server.people - (session.scalar(counted) or 0))
    return others + ours + coming > server.capacity


def ask(context: Context, meeting: Meeting, server: Server) -> None:
    """Look again, then ask. Raises bbb.NotFound where it has gone, WrongPassword where it is not ours."""
    client = context.connect(server)
    info = client.meeting_info(meeting.external_id)
    occurrence = str(meeting.occurrence_id)
    known = meeting.internal_id is not None and info.internal_id == meeting.internal_id
    if not known and not labels.are_ours(info.metadata, origin=context.settings.origin, occurrence=occurrence):
        raise bbb.WrongPassword("notOurs", "a meeting of this id carries other labels")
    client.end(meeting.external_id, context.vault.open_pair(meeting.passwords)[1])
