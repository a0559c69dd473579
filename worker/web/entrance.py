"""What stands at the door of a sitting: how early it is, whether there is a room, whether it is over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from worker.operations.timetable import arrange, sittings
from worker.store.tables import Course, Meeting, Occurrence

#: early: the room opens later; opening: it should be open and is not yet; ended: it was ended from inside before its
#: time, or looks so, and a moderator can have it back; over and cancelled speak for themselves.
Door = Literal["early", "opening", "open", "ended", "over", "cancelled"]


@dataclass(frozen=True, slots=True)
class Entrance:
    """What stands at the door of a sitting now."""

    door: Door
    occurrence: Occurrence
    course: Course


def of(session: Session, occurrence_id: int, now: datetime) -> Entrance:
    """How a sitting's door stands. Raises Unknown."""
    row = arrange.occurrence(session, occurrence_id)
    course = session.get_one(Course, row.course_id)
    (found,) = sittings.described(session, [(row, course)], now)
    return Entrance(_door(row, found.meeting, now), row, course)


def _door(row: Occurrence, meeting: Meeting | None, now: datetime) -> Door:
    if row.cancelled_at is not None:
        return "cancelled"
    if meeting is not None and meeting.closed_at is None and meeting.state == "open":
        return "open"
    if now >= row.closes_at:
        return "over"
    if row.finished_at is not None:
        return "ended"
    if row.settled_at is not None:
        return "over"
    return "early" if now < row.opens_at else "opening"
