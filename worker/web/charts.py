"""Lines and bars as SVG, drawn here: no script, no request, and they print."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.attendance import Span

WIDTH, HEIGHT = 720, 160


@dataclass(frozen=True, slots=True)
class Line:
    """A line over a stretch of time: points in the units of the drawing, and the marks along its axes."""

    points: str
    area: str
    hours: tuple[tuple[float, datetime], ...]
    levels: tuple[tuple[float, int], ...]
    peak: int
    now: float | None  #: where the present is; None: not within the stretch


def line(series: Sequence[tuple[datetime, int]], start: datetime, end: datetime, now: datetime) -> Line | None:
    """People over the day; None where nothing was counted. A gap of more than a quarter of an hour is left open."""
    if not series:
        return None
    peak = max(value for _, value in series)
    top = _round_up(peak)
    pieces = [
        [f"{_x(at, start, end):.1f},{HEIGHT - HEIGHT * value / top:.1f}" for at, value in piece]
        for piece in _pieces(series)
    ]
    return Line(
        points=" ".join("M" + " L".join(piece) for piece in pieces),
        area=" ".join(_closed(piece) for piece in pieces),
        hours=tuple((_x(at, start, end), at) for at in _hours(start, end)),
        levels=tuple((HEIGHT - HEIGHT * level / top, level) for level in (top // 2, top) if level),
        peak=peak,
        now=_x(now, start, end) if start <= now < end else None,
    )


def _pieces(series: Sequence[tuple[datetime, int]]) -> list[list[tuple[datetime, int]]]:
    pieces: list[list[tuple[datetime, int]]] = [[]]
    for point in series:
        if pieces[-1] and point[0] - pieces[-1][-1][0] > timedelta(minutes=15):
            pieces.append([])
        pieces[-1].append(point)
    return pieces


def _closed(piece: list[str]) -> str:
    first, last = piece[0].split(",")[0], piece[-1].split(",")[0]
    return f"M{first},{HEIGHT} L" + " L".join(piece) + f" L{last},{HEIGHT} Z"


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return WIDTH * ((at - start) / (end - start))


def _hours(start: datetime, end: datetime) -> list[datetime]:
    return [start + timedelta(hours=hour) for hour in range(0, int((end - start) / timedelta(hours=1)) + 1, 4)]


def _round_up(peak: int) -> int:
    """A level at which a scale may end: 1, 2 or 5 times a power of ten; at least 10."""
    power = 10
    while True:
        for factor in (1, 2, 5):
            if factor * power >= peak:
                return factor * power
        power *= 10


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a bar, in percent of its whole length."""

    start: float
    length: float


def bars(spans: Sequence[Span], window: Span) -> tuple[Bar, ...]:
    """Where in the window these spans lie. Each is wide enough to be seen."""
    found = []
    for span in spans:
        first, last = max(span.start, window.start), min(span.end, window.end)
        if first <= last and window.seconds > 0:
            start = 100 * (first - window.start).total_seconds() / window.seconds
            found.append(Bar(min(start, 99.4), max(0.6, 100 * (last - first).total_seconds() / window.seconds)))
    return tuple(found)
