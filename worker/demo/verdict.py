"""What was computed against what the simulator knows to be true, in seconds a person.

A stay is known to within one look at each end (see worker/domain/attendance.py), so nobody's error may exceed twice
the longest time between two looks, for each of his true stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from worker.domain.attendance import Run, Span, clip, merge
from worker.simulator import TruthStay


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The errors of the computed presence, a person; ``beyond`` names those whose error nothing excuses."""

    persons: int
    median_seconds: float
    worst_seconds: float
    worst_person: str
    beyond: tuple[str, ...]


def compare(
    rows: Iterable[Mapping[str, object]],
    truth: Iterable[TruthStay],
    occurrence_of: Mapping[str, int],
    until: datetime,
    gap_seconds: float,
) -> Accuracy:
    """The rows of an attendance report against the simulator's truth, both clipped to the planned window."""
    true = _intervals(truth, occurrence_of, until)
    errors, beyond = {}, []
    for row in rows:
        start, end, seconds = row["starts_at"], row["ends_at"], row["seconds_present"]
        assert isinstance(start, datetime)
        assert isinstance(end, datetime)
        assert isinstance(seconds, int | float)
        key = (row["occurrence"], row["user_id"])
        there = clip(merge(true[key]), Span(start, end))
        person = f"{row['course']}/{row['user_id']}"
        errors[person] = abs(seconds - sum(span.seconds for span in there))
        if errors[person] > 2 * gap_seconds * max(1, len(there)):
            beyond.append(person)
    worst = max(errors, key=lambda each: errors[each], default="")
    middle = median(errors.values()) if errors else 0.0
    return Accuracy(len(errors), middle, errors.get(worst, 0.0), worst, tuple(beyond))


def _intervals(
    truth: Iterable[TruthStay], occurrence_of: Mapping[str, int], until: datetime
) -> dict[tuple[object, object], list[Span]]:
    found: dict[tuple[object, object], list[Span]] = defaultdict(list)
    for stay in truth:
        left = until if stay.left_at is None else datetime.fromtimestamp(stay.left_at, UTC)
        joined = datetime.fromtimestamp(stay.joined_at, UTC)
        found[occurrence_of.get(stay.meeting_id), stay.user_id].append(Span(joined, max(joined, left)))
    return found


def longest_gap(runs: Iterable[Run]) -> float:
    """The longest time, in seconds, in which somebody could come or go unseen: between looks that differ."""
    gaps = (two.start - one.end for run in runs for one, two in pairwise(_looks(run)))
    return max((gap.total_seconds() for gap in gaps), default=0.0)


def _looks(run: Run) -> list[Span]:
    """Spans in which every look saw the same people, from the opening of the room to the first look that missed it."""
    seen = [Span(each.first_at, each.last_at) for each in run.sightings]
    edges = [Span(at, at) for at in (run.opened_at, run.missed_at) if at is not None]
    return sorted([*seen, *edges], key=lambda span: (span.start, span.end))
