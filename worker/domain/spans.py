"""Stretches of time: their union, what of them lies in a window, what is left of them without others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / _SECOND


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


def minus(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    """What is left of the spans outside the holes."""
    left = list(spans)
    for hole in holes:
        left = [piece for span in left for piece in _cut(span, hole)]
    return left


def _cut(span: Span, hole: Span) -> list[Span]:
    if hole.end <= span.start or span.end <= hole.start:
        return [span]
    parts = [Span(span.start, hole.start), Span(hole.end, span.end)]
    return [part for part in parts if part.start < part.end]
