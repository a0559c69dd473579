"""Marks: what somebody's stays are worth: present, partial, absent, unknown; late, left early. Pure.

Percentages are of the planned window, and clipped to it. Nobody is blamed for a time that nobody watched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from worker.domain.spans import Span, clip, merge, minus

_SECOND = timedelta(seconds=1)


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
    joins: int  #: how often they came, as far as polls tell


def mark(stays: Sequence[Span], unknown: Sequence[Span], window: Span, rules: Rules) -> Mark:
    """One person's mark: ``stays`` are theirs, ``unknown`` the occurrence's gaps, both over any time.

    Late and early are judged by what lies within the window: who looked in before the class and went again is as late
    as who did not.
    """
    inside = clip(merge(stays), window)
    dark = minus(clip(merge(unknown), window), inside)
    present, hidden = sum(span.seconds for span in inside), sum(span.seconds for span in dark)
    status = _status(present, hidden, window.seconds, rules)
    first, last = min((each.start for each in stays), default=None), max((each.end for each in stays), default=None)
    attended = status in ("present", "partial") and bool(inside)
    return Mark(
        status=status,
        late=attended and _known(window.start, inside[0].start, dark) > rules.late / _SECOND,
        left_early=attended and _known(inside[-1].end, window.end, dark) > rules.left_early / _SECOND,
        first_seen=first,
        last_seen=last,
        seconds_present=present,
        seconds_unknown=hidden,
        percent=min(100.0, 100 * present / window.seconds) if window.seconds else 0.0,
        joins=_joins(stays, unknown),
    )


def _joins(stays: Sequence[Span], unknown: Sequence[Span]) -> int:
    """Who was there before and after a time that nobody watched did not come anew, as far as anybody knows."""
    ordered = sorted(stays, key=lambda each: (each.start, each.end))
    parted = [(before.end, after.start) for before, after in pairwise(ordered)]
    unseen = sum(any(gap.start <= end and start <= gap.end for gap in unknown) for end, start in parted)
    return len(ordered) - unseen


def _status(present: float, hidden: float, length: float, rules: Rules) -> Status:
    percent = 100 * present / length if length else 0.0
    if percent >= rules.present_percent:
        return "present"
    if length and 100 * (length - hidden) / length < rules.observed_percent:
        return "unknown"
    return "partial" if percent >= rules.partial_percent else "absent"


def _known(start: datetime, end: datetime, dark: Iterable[Span]) -> float:
    """Seconds from start to end that were watched, negative where the end comes first: nobody is late for a time that
    nobody saw.
    """
    return (end - start) / _SECOND - sum(span.seconds for span in clip(dark, Span(start, end)))
