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


#: Rooms are open at least this long before their class begins; a class that cannot keep that is late.
PROMISE = timedelta(minutes=5)
#: What it takes to notice that a server is gone and to go to another one: kept free before the promise.
RECOVERY = timedelta(minutes=5)
_GOLDEN = 2654435761  # 2**32 over the golden ratio: numbers that follow each other land far apart


def opening_at(opens_at: datetime, starts_at: datetime, spread: timedelta, occurrence_id: int) -> datetime:
    """When this room is asked for: classes of one minute are spread over up to ``spread`` of their lead.

    Its place depends on the occurrence alone, so that a retry keeps it. A short lead, with no time to spare beyond the
    promise and a recovery, is not spread.
    """
    free = min(spread, starts_at - PROMISE - RECOVERY - opens_at)
    return opens_at + max(free, timedelta(0)) * (occurrence_id * _GOLDEN % 2**32 / 2**32)


def late_at(opens_at: datetime, starts_at: datetime, planned_at: datetime, period: timedelta) -> datetime:
    """From when on a room that is not open is an alarm: the promise before the start; with a short lead, half of it.

    A class arranged at the last minute has two sweeps (``period`` each) to get its room.
    """
    promised = max(starts_at - PROMISE, opens_at + (starts_at - opens_at) / 2)
    return max(promised, planned_at + 2 * period)


def needs_warning(ends_at: datetime, warn: timedelta, warned_at: datetime | None, now: datetime) -> bool:
    """Whether people inside are to be told now that the end is ``warn`` away; told again where the end was moved."""
    since = ends_at - warn
    return since <= now < ends_at and (warned_at is None or warned_at < since)


@dataclass(frozen=True, slots=True)
class Ending:
    """When a meeting is ended by us: from ``may`` on where something needs its place, at ``must`` in any case."""

    may: datetime
    must: datetime


#: end: asked at its end and grace; spare: runs on while nothing else needs its place, up to a limit; never: not by us.
EndPolicy = Literal["end", "spare", "never"]


def ending(
    policy: str, closes_at: datetime, grace: timedelta, spare: timedelta, cancelled_at: datetime | None
) -> Ending | None:
    """By the end policy of its course; None: never. A cancelled class is ended at once, whatever its policy."""
    if cancelled_at is not None:
        return Ending(cancelled_at, cancelled_at)
    if policy == "never":
        return None
    return Ending(closes_at + grace, closes_at + grace + (spare if policy == "spare" else timedelta(0)))
