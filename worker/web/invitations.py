"""Invitations: an address of ours that brings one person into one sitting, at the right time and not after its end.

Sealed with the installation's key: who and which sitting stand in the address itself, and nobody else can make one. It
holds as long as its sitting, moved or extended, is not over: a timetable that changes leaves no dead links behind.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, Self

from sqlalchemy.orm import Session

from worker.errors import InputError, SettingsError
from worker.operations import arrange, sittings
from worker.operations.context import Context
from worker.operations.joining import ROLES
from worker.store.tables import Course, Meeting, Occurrence

_LONGEST = 4000

#: early: the room opens later; opening: it should be open and is not yet; over and cancelled speak for themselves.
Door = Literal["early", "opening", "open", "over", "cancelled"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is invited to which sitting."""

    occurrence: int
    user_id: str
    name: str
    role: str

    def sealed(self, context: Context) -> str:
        """The part of the address that says all this. Raises InputError for what no room would take."""
        if self.role not in ROLES:
            raise InputError(f"the role {self.role!r} is not one of {', '.join(ROLES)}")
        if not 0 < len(self.user_id) <= 128 or not 0 < len(self.name) <= 256:
            raise InputError("a user id has 1 to 128 characters, a name 1 to 256")
        return context.vault.lock(json.dumps({"for": "join", **asdict(self)}, ensure_ascii=False)).decode().rstrip("=")

    @classmethod
    def opened(cls, context: Context, text: str) -> Self | None:
        """What a sealed one says; None where it is not ours."""
        if len(text) > _LONGEST:
            return None
        try:
            facts = json.loads(context.vault.open((text + "=" * (-len(text) % 4)).encode()))
        except (SettingsError, ValueError):
            return None
        if not isinstance(facts, dict) or facts.pop("for", None) != "join":
            return None
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What stands at the door of a sitting now."""

    door: Door
    occurrence: Occurrence
    course: Course


def entrance(session: Session, occurrence_id: int, now: datetime) -> Entrance:
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
    if row.settled_at is not None or row.finished_at is not None or now >= row.closes_at:
        return "over"
    return "early" if now < row.opens_at else "opening"
