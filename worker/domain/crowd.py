"""How many people were somewhere at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from worker.domain.spans import Span


@dataclass(frozen=True, slots=True)
class Peak:
    """The most people at once, and since when there were so many for the first time; nobody: at None."""

    people: int = 0
    at: datetime | None = None


def peak(people: Iterable[Iterable[Span]]) -> Peak:
    """The peak of people, each with spans that do not overlap. Who goes as another comes was never there with them."""
    steps = sorted((at, step) for spans in people for span in spans for at, step in ((span.start, 1), (span.end, -1)))
    inside, found = 0, Peak()
    for at, step in steps:
        inside += step
        if inside > found.people:
            found = Peak(inside, at)
    return found
