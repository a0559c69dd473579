"""The ledger of recordings: what was to be kept against what was found. Pure; time is an argument.

A recording comes to be only where the room was made with ``record`` and there was a recorded span (protocol section 7,
E84). Nothing in the protocol tells whether anybody pressed the button: that nothing came by the deadline is all there
is to know, and the cause is a likely one.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

#: awaited: it should come; processing: the server works on it; published: found, hidden or not; missing: nothing by
#: the deadline; not_expected: not to be recorded, or nobody was there; deleted: it was there, and is gone there;
#: stray: carries our label and fits no class of ours.
State = Literal["not_expected", "awaited", "processing", "published", "missing", "deleted", "stray"]
STATES: tuple[State, ...] = ("not_expected", "awaited", "processing", "published", "missing", "deleted", "stray")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the recordings of one class."""

    recorded: bool  #: a room of it was opened that could be recorded
    attended: bool | None  #: somebody was in it; None: it was never seen
    closed_at: datetime | None  #: when the last such room closed; None: one is open
    found: AbstractSet[str]  #: the states of its recordings, in the server's words


def state_of(facts: Facts, deadline: timedelta, now: datetime) -> State:
    """The one word for a class. What was found counts for more than what was expected."""
    if facts.found:
        return of_recordings(facts.found)
    if not facts.recorded or facts.attended is False:
        return "not_expected"
    if facts.closed_at is None or now < facts.closed_at + deadline:
        return "awaited"
    return "missing"


def of_recordings(found: AbstractSet[str]) -> State:
    """The furthest that any of these recordings has come; a live one counts for more than a deleted one."""
    if found & {"published", "unpublished"}:
        return "published"
    return "processing" if found - {"deleted"} else "deleted"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What may explain that a recording is missing."""

    processing: bool
    reached: bool  #: the server answered when it was asked last
    offers: bool  #: it lists recordings, or links to them
    attended: bool | None
    policy: str  #: of the course: manual or always


def likely_cause(seen: Circumstances) -> str:
    """One line for people: why a recording is probably missing, and what to do."""
    if not seen.reached:
        return "the server does not answer questions about recordings; see `meetingz server check`"
    if not seen.offers:
        return "this server tells nobody of its recordings; look at its own pages"
    if seen.processing:
        return "the server is still working on it, or is stuck; ask its operator"
    if seen.attended is None:
        return "the room was never seen from here: perhaps nobody was in it"
    if seen.policy == "manual":
        return "probably nobody pressed record; with record=always the server begins by itself"
    return "the server did not begin recording by itself, or lost it while processing; ask its operator"
