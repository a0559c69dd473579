"""The back-off ladder: when to ask again for what is waited for. Pure; time is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Beyond this many rungs a doubled wait is longer than anybody's patience.
_RUNGS = 40


@dataclass(frozen=True, slots=True)
class Ladder:
    """How a recording is waited for: the first wait, the longest, and until when after the class."""

    first: timedelta
    longest: timedelta
    deadline: timedelta
    #: How long further formats are waited for once one of them can be played.
    patience: timedelta


def wait(tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """The wait before the next try: doubled at each, up to the longest."""
    return longest if tries >= _RUNGS or first / longest * 2**tries >= 1 else first * 2**tries


def is_ready(wanted: frozenset[str], formats: frozenset[str], published_at: datetime | None, late: bool) -> bool:
    """Whether what people wait for is there: every wanted format, or what there is once that took too long."""
    return published_at is not None and (wanted <= formats or late)


def is_settled(wanted: frozenset[str], formats: frozenset[str], published_at: datetime | None, late: bool) -> bool:
    """Whether nothing more need be asked. Where no format is named, any may still come (E78)."""
    return published_at is not None and ((bool(wanted) and wanted <= formats) or late)


def is_late(ladder: Ladder, published_at: datetime | None, now: datetime) -> bool:
    """Whether further formats were waited for long enough."""
    return published_at is not None and now >= published_at + ladder.patience


def next_try(
    ladder: Ladder, tries: int, closed_at: datetime, published_at: datetime | None, now: datetime
) -> datetime | None:
    """When to ask next; exactly at the deadline once, and never after it. None: no more."""
    end = closed_at + ladder.deadline if published_at is None else published_at + ladder.patience
    return None if now >= end else min(now + wait(tries, ladder.first, ladder.longest), end)


def formats_in(text: str) -> frozenset[str]:
    """A comma list of formats."""
    return frozenset(word.strip() for word in text.split(",") if word.strip())
