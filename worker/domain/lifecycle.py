"""The life of a meeting: its states, legal moves, and the questions the loops ask. Pure; time is an argument.

    requested --create answered--> open --end asked--> ending
        |                           |                    |
        +--server given up----------+------gone----------+--> closed

Only ``provision`` opens, only ``end`` asks for the end, only ``poll`` closes what was open.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["requested", "open", "ending", "closed"]
#: abandoned: the server never said it opened; expired: empty when it went; ended: we had asked; finished: it went while
#: people were inside (a moderator ended it, or the server's clock); replaced: another run took its place (E44).
CloseReason = Literal["abandoned", "expired", "ended", "finished", "replaced"]


def is_gone(misses: int, gone_after: int) -> bool:
    """One notFound between two good polls proves nothing (E43): believe it after ``gone_after`` in a row."""
    return misses >= gone_after


def close_reason(*, end_requested: bool, people_at_last_sight: int) -> CloseReason:
    """Why a meeting that is gone has gone, as far as can be known from outside (protocol section 5)."""
    if end_requested:
        return "ended"
    return "finished" if people_at_last_sight else "expired"


def is_overrunning(closes_at: datetime, grace: timedelta, now: datetime) -> bool:
    """Past its planned or extended end by more than the grace."""
    return now >= closes_at + grace


@dataclass(frozen=True, slots=True)
class Sitting:
    """What is known of an occurrence when its state is asked for."""

    starts_at: datetime
    closes_at: datetime
    cancelled: bool
    over: bool  #: it is settled, or its room was ended from inside and stays ended
    open: bool  #: a meeting of it is live on a server now
    inside: bool  #: the last poll saw people in it
    seen: bool  #: somebody was there at some time


OccurrenceState = Literal["planned", "open", "live", "held", "missed", "cancelled"]


def state_of(sitting: Sitting, now: datetime) -> OccurrenceState:
    """The one word for an occurrence: planned, open, live, held, missed or cancelled."""
    if sitting.cancelled:
        return "cancelled"
    if sitting.open:
        return "live" if sitting.inside else "open"
    if not sitting.over and now < sitting.closes_at:
        return "planned"
    return "held" if sitting.seen else "missed"


def window(
    starts_at: datetime, ends_at: datetime, extended_until: datetime | None, lead: timedelta
) -> tuple[datetime, datetime]:
    """When an occurrence opens, and when it closes before any grace."""
    closes_at = ends_at if extended_until is None else max(ends_at, extended_until)
    return starts_at - lead, closes_at


def duration_minutes(lead_seconds: float, length_seconds: float, grace_seconds: float) -> int:
    """The ``duration`` of create, in whole minutes: the server counts from creation, not from the start (E34).

    One minute is added to the rounding, since the server's own clock must never cut a class that we still allow.
    """
    return int(-(-(lead_seconds + length_seconds + grace_seconds) // 60)) + 1
