"""Attendance: observations -> stays -> present, partial, absent, unknown; late, left early. A pure fold.

The rules, each because peers went wrong without it:

* A person is a ``userID``. Several devices and ghosts after a rejoin are the union of their intervals (E46, E47).
  Two people of one name are two people (E49). No ``userID`` means an unknown person, matched by nothing else (E48).
* A stay runs from first to last sighting. It never credits time that nobody saw.
* Two sightings are one stay when the polls between them are no further apart than the tolerance, and none of them
  missed the person.
* Time between two polls that are further apart than the tolerance is unknown: neither present nor absent.
* A class in several meetings is one class. Percentages are of the planned window, and clipped to it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

#: What the server writes as external id when join was given no ``userID``: another one at each join (E48).
_MADE_UP_ID = re.compile(r"^w_[a-z0-9]{12}$")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody in one poll, as the server named them."""

    user_id: str
    full_name: str
    role: str

    @property
    def key(self) -> str:
        """The identity under which time is added up."""
        return self.user_id or f"?{self.full_name}"

    @property
    def is_known(self) -> bool:
        """Whether the id was given by a join link rather than made up by the server."""
        return bool(self.user_id) and not _MADE_UP_ID.match(self.user_id)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One observation: the same people at every poll from ``first_at`` to ``last_at``."""

    first_at: datetime
    last_at: datetime
    people: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One meeting of an occurrence: when it opened and went, and what was seen in between.

    ``missed_at`` is the first poll that did not find it any more; the meeting went between the last sighting and that.
    """

    opened_at: datetime
    sightings: tuple[Sighting, ...]
    missed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / _SECOND


@dataclass(frozen=True, slots=True)
class Stay:
    """Unbroken presence of one person."""

    key: str
    full_name: str
    role: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of one report."""

    present_percent: float = 75
    partial_percent: float = 10
    observed_percent: float = 50
    late: timedelta = timedelta(minutes=10)
    left_early: timedelta = timedelta(minutes=10)


Status = Literal["present", "partial", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What one person's stays amount to in one planned window."""

    status: Status
    late: bool
    left_early: bool
    first_seen: datetime | None
    last_seen: datetime | None
    seconds_present: float
    seconds_unknown: float
    percent: float
    joins: int


def fold(runs: Sequence[Run], tolerance: timedelta, bots: re.Pattern[str] | None = None) -> list[Stay]:
    """The stays of one occurrence, sorted by person and time. The same observations give the same stays."""
    pieces: dict[str, list[tuple[datetime, datetime, Seen]]] = {}
    for run in runs:
        for first, last, seen in _pieces(run.sightings, tolerance):
            if not _is_bot(seen, bots):
                pieces.setdefault(seen.key, []).append((first, last, seen))
    stays = [stay for key, parts in pieces.items() for stay in _union(key, parts)]
    return sorted(stays, key=lambda stay: (stay.key, stay.first_seen))


def _is_bot(seen: Seen, bots: re.Pattern[str] | None) -> bool:
    return bots is not None and bool(bots.search(seen.user_id) or bots.search(seen.full_name))


def _pieces(sightings: Iterable[Sighting], tolerance: timedelta) -> Iterable[tuple[datetime, datetime, Seen]]:
    """Each person's presence in one meeting, bridged over polls within the tolerance that both saw them."""
    open_: dict[str, tuple[datetime, datetime, Seen]] = {}
    last_poll: datetime | None = None
    for sighting in sorted(sightings, key=lambda each: each.first_at):
        near = last_poll is not None and sighting.first_at - last_poll <= tolerance
        here: dict[str, Seen] = {}
        for seen in sighting.people:
            here[seen.key] = _elder(here.get(seen.key, seen), seen)
        yield from (open_.pop(key) for key in list(open_) if not near or key not in here)
        for key, seen in here.items():
            first, last, known_as = open_.get(key, (sighting.first_at, sighting.last_at, seen))
            open_[key] = (first, max(last, sighting.last_at), _elder(known_as, seen))
        last_poll = max(sighting.last_at, last_poll or sighting.last_at)
    yield from open_.values()


def _elder(one: Seen, other: Seen) -> Seen:
    """A moderator at any time counts as one: people are promoted and demoted during class (E54)."""
    return other if other.role == "MODERATOR" and one.role != "MODERATOR" else one


def _union(key: str, parts: list[tuple[datetime, datetime, Seen]]) -> Iterable[Stay]:
    parts.sort(key=lambda part: (part[0], part[1]))
    first, last, seen = parts[0]
    for next_first, next_last, next_seen in parts[1:]:
        if next_first <= last:
            last, seen = max(last, next_last), _elder(seen, next_seen)
        else:
            yield Stay(key, seen.full_name, seen.role, first, last)
            first, last, seen = next_first, next_last, next_seen
    yield Stay(key, seen.full_name, seen.role, first, last)


def gaps(runs: Sequence[Run], tolerance: timedelta, until: datetime) -> list[Span]:
    """The times about which nothing is known, up to ``until`` (the present, or the end of the window).

    Before the first room opens and after a room is known to be gone nobody can be in class: that is known.
    """
    found = []
    for run in runs:
        facts = [Span(run.opened_at, run.opened_at)]
        facts += [Span(each.first_at, each.last_at) for each in sorted(run.sightings, key=lambda each: each.first_at)]
        final = until if run.missed_at is None else run.missed_at
        facts.append(Span(max(final, facts[-1].end), max(final, facts[-1].end)))
        found += [Span(one.end, two.start) for one, two in pairwise(facts) if two.start - one.end > tolerance]
    return merge(found)


def merge(spans: Iterable[Span]) -> list[Span]:
    """The union of spans, sorted, without overlaps."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, each.end)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def clip(spans: Iterable[Span], window: Span) -> list[Span]:
    """What of the spans lies within the window."""
    cut = (Span(max(span.start, window.start), min(span.end, window.end)) for span in spans)
    return [span for span in cut if span.start < span.end]


def mark(stays: Sequence[Span], unknown: Sequence[Span], window: Span, rules: Rules) -> Mark:
    """One person's mark: ``stays`` are theirs, ``unknown`` the occurrence's gaps, both over any time."""
    inside = clip(merge(stays), window)
    dark = _minus(clip(merge(unknown), window), inside)
    present, hidden = sum(span.seconds for span in inside), sum(span.seconds for span in dark)
    status = _status(present, hidden, window.seconds, rules)
    first, last = min((each.start for each in stays), default=None), max((each.end for each in stays), default=None)
    attended = status in ("present", "partial") and first is not None and last is not None
    return Mark(
        status=status,
        late=bool(attended and first and _known(window.start, first, dark) > rules.late / _SECOND),
        left_early=bool(attended and last and _known(last, window.end, dark) > rules.left_early / _SECOND),
        first_seen=first,
        last_seen=last,
        seconds_present=present,
        seconds_unknown=hidden,
        percent=min(100.0, 100 * present / window.seconds) if window.seconds else 0.0,
        joins=len(stays),
    )


def _status(present: float, hidden: float, length: float, rules: Rules) -> Status:
    percent = 100 * present / length if length else 0.0
    if percent >= rules.present_percent:
        return "present"
    if length and 100 * (length - hidden) / length < rules.observed_percent:
        return "unknown"
    return "partial" if percent >= rules.partial_percent else "absent"


def _known(start: datetime, end: datetime, dark: Iterable[Span]) -> float:
    """Seconds from start to end that were watched: nobody is late for a time that nobody saw."""
    if end <= start:
        return 0.0
    return (end - start) / _SECOND - sum(span.seconds for span in clip(dark, Span(start, end)))


def _minus(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    left = list(spans)
    for hole in holes:
        left = [piece for span in left for piece in _cut(span, hole)]
    return left


def _cut(span: Span, hole: Span) -> list[Span]:
    if hole.end <= span.start or span.end <= hole.start:
        return [span]
    parts = [Span(span.start, hole.start), Span(hole.end, span.end)]
    return [part for part in parts if part.start < part.end]
