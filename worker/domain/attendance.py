"""Attendance: observations -> stays; what they are worth is judged in :mod:`worker.domain.marks`. A pure fold.

The rules, each because peers went wrong without it:

* A person is a ``userID``. Several devices and ghosts after a rejoin are the union of their intervals (E46, E47).
  Two people of one name are two people (E49). No ``userID`` means an unknown person, matched by nothing else (E48).
* A stay runs from first to last sighting. It never credits time that nobody saw.
* Two sightings are one stay when the polls between them are no further apart than the tolerance, and none of them
  missed the person.
* Servers list people for a while after they left (protocol section 5). Where a later poll, within the tolerance, saw
  the meeting without them, they are known to have left: the stay ends at that poll less the server's latency, and never
  after the last sighting. Anything else ends it at the last sighting.
* What a server itself reported after the meeting replaces what polls saw, for the time that its report covers.
* Where a room was replaced by another one between two polls (E44), who was in the last sighting of the one and the
  first of the other, within the tolerance, never left. Where it was seen to be gone first, nobody was there then.
* Time between two polls that are further apart than the tolerance is unknown, neither present nor absent: see
  :mod:`worker.domain.unwatched`.
* A class in several meetings is one class.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from worker.domain.spans import Span, clip, merge, minus

__all__ = [
    "Report",
    "Run",
    "Seen",
    "Sighting",
    "Span",
    "Stay",
    "clip",
    "fold",
    "merge",
]

#: What the server writes as external id when join was given no ``userID``: another one at each join (E48).
_MADE_UP_ID = re.compile(r"^w_[a-z0-9]{12}$")
_KEY = 280


class Seen(NamedTuple):
    """Somebody in one poll, as the server named them."""

    user_id: str
    full_name: str
    role: str

    @property
    def key(self) -> str:
        """The identity under which time is added up, cut to what the table of stays holds."""
        return self.user_id or f"?{self.full_name}"[:_KEY]

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


Source = Literal["poll", "exact", "both"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Presence of one person in one meeting, by one source."""

    first: datetime
    last: datetime
    seen: Seen
    source: Source = "poll"


@dataclass(frozen=True, slots=True)
class Report:
    """What the server itself told after a meeting, and the time that it told about."""

    covers: Span
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One meeting of an occurrence: when it opened and went, and what was seen in between.

    ``missed_at`` is the first poll that did not find it any more; the meeting went between the last sighting and that.
    ``latency`` is how long its server goes on listing somebody who has left. ``replaced``: that poll found another one
    in its place, so that nobody was seen to be out.
    """

    opened_at: datetime
    sightings: tuple[Sighting, ...]
    missed_at: datetime | None = None
    latency: timedelta = timedelta(0)
    report: Report | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Stay:
    """Unbroken presence of one person."""

    key: str
    full_name: str
    role: str
    first_seen: datetime
    last_seen: datetime
    source: Source = "poll"


def fold(runs: Sequence[Run], tolerance: timedelta, bots: re.Pattern[str] | None = None) -> list[Stay]:
    """The stays of one occurrence, sorted by person and time. The same observations give the same stays."""
    pieces: dict[str, list[Piece]] = {}
    for piece in chain(*(_reconciled(run, tolerance) for run in runs), _bridges(runs, tolerance)):
        if not _is_bot(piece.seen, bots):
            pieces.setdefault(piece.seen.key, []).append(piece)
    stays = [stay for key, parts in pieces.items() for stay in _union(key, parts)]
    return sorted(stays, key=lambda stay: (stay.key, stay.first_seen))


def _is_bot(seen: Seen, bots: re.Pattern[str] | None) -> bool:
    return bots is not None and bool(bots.search(seen.user_id) or bots.search(seen.full_name))


def _reconciled(run: Run, tolerance: timedelta) -> Iterable[Piece]:
    """The server's own report for the time that it covers, polls for the rest."""
    polled = _pieces(run.sightings, tolerance, run.latency)
    if run.report is None:
        return polled
    outside = (piece for each in polled for piece in _outside(each, run.report.covers))
    return [*run.report.pieces, *outside]


def _bridges(runs: Iterable[Run], tolerance: timedelta) -> Iterable[Piece]:
    """From the last sighting in a room to the first in the one that replaced it, of those who were in both."""
    for old, new in pairwise(sorted(runs, key=lambda run: run.opened_at)):
        if not (old.replaced and old.sightings and new.sightings):
            continue
        last = max(old.sightings, key=lambda each: each.last_at)
        first = min(new.sightings, key=lambda each: each.first_at)
        if timedelta(0) <= first.first_at - last.last_at <= tolerance:
            keys = {seen.key for seen in last.people}
            both = (Piece(last.last_at, first.first_at, seen) for seen in first.people if seen.key in keys)
            yield from (piece for each in both for piece in _unreported(each, (old, new)))


def _unreported(piece: Piece, runs: Iterable[Run]) -> list[Piece]:
    """What of it no report of these runs covers."""
    covered = [run.report.covers for run in runs if run.report is not None]
    return [Piece(span.start, span.end, piece.seen) for span in minus([Span(piece.first, piece.last)], covered)]


def _outside(piece: Piece, covered: Span) -> Iterable[Piece]:
    if covered.start <= piece.first and piece.last <= covered.end:
        return  # one sighting, of no length, as well
    for span in minus([Span(piece.first, piece.last)], [covered]):
        yield Piece(span.start, span.end, piece.seen)


def _pieces(sightings: Iterable[Sighting], tolerance: timedelta, latency: timedelta) -> Iterable[Piece]:
    """Each person's presence in one meeting, bridged over polls within the tolerance that both saw them."""
    open_: dict[str, Piece] = {}
    last_poll: datetime | None = None
    for sighting in sorted(sightings, key=lambda each: each.first_at):
        near = last_poll is not None and sighting.first_at - last_poll <= tolerance
        here: dict[str, Seen] = {}
        for seen in sighting.people:
            here[seen.key] = _elder(here.get(seen.key, seen), seen)
        if near:
            yield from (_left(open_.pop(key), sighting.first_at, latency) for key in list(open_) if key not in here)
        else:
            yield from (open_.pop(key) for key in list(open_))
        for key, seen in here.items():
            known = open_.get(key, Piece(sighting.first_at, sighting.last_at, seen))
            open_[key] = Piece(known.first, max(known.last, sighting.last_at), _elder(known.seen, seen))
        last_poll = max(sighting.last_at, last_poll or sighting.last_at)
    yield from open_.values()


def _left(piece: Piece, missed_at: datetime, latency: timedelta) -> Piece:
    """A known leave: counted until the first poll that missed them, less the latency, and never after they were seen.

    They left before that by up to a period, as they had come before the first sighting by up to one: the two even out.
    """
    return Piece(piece.first, max(piece.first, min(piece.last, missed_at - latency)), piece.seen)


def _elder(one: Seen, other: Seen) -> Seen:
    """A moderator at any time counts as one: people are promoted and demoted during class (E54)."""
    return other if other.role == "MODERATOR" and one.role != "MODERATOR" else one


def _union(key: str, parts: list[Piece]) -> Iterable[Stay]:
    parts.sort(key=lambda part: (part.first, part.last, part.source))
    whole = parts[0]
    for part in parts[1:]:
        if part.first <= whole.last:
            source = whole.source if whole.source == part.source else "both"
            whole = Piece(whole.first, max(whole.last, part.last), _elder(whole.seen, part.seen), source)
        else:
            yield _stay(key, whole)
            whole = part
    yield _stay(key, whole)


def _stay(key: str, piece: Piece) -> Stay:
    return Stay(key, piece.seen.full_name, piece.seen.role, piece.first, piece.last, piece.source)
