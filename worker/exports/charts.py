"""Which tables have a chart, of which columns; and the chart itself as SVG, for pages.

It is drawn from numbers and dates alone, and styled by attributes, for the page's policy allows no style but its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median

from markupsafe import Markup, escape

from worker.exports import people
from worker.exports.table import Language, Table
from worker.exports.values import Plain
from worker.exports.words import heading, phrase

#: By table: the column of time, and the columns that are drawn over it.
CHARTS = {"totals": ("at", ("participants",)), "sessions": ("starts_at", ("peak", "mean"))}
INKS = ("#1F6FB2", "#C2571A")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 960, 300, 56, 28, 28
_MOST_POINTS = 2000
_LINE = Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="currentColor" stroke-opacity="0.18"/>')
_WORDS = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="currentColor">{}</text>')


def axes(table: Table) -> tuple[str, tuple[str, ...]] | None:
    """The columns of this table's chart, where it has one and the columns are there."""
    wanted = CHARTS.get(table.name)
    keys = {column.key for column in table.columns}
    return wanted if wanted and {wanted[0], *wanted[1]} <= keys else None


@dataclass
class Series:
    """Points gathered while the rows go by."""

    table: Table
    points: list[tuple[datetime, list[float | None]]] = field(default_factory=list)

    def add(self, values: Sequence[Plain]) -> None:
        """Take the point of one row."""
        wanted = axes(self.table)
        if wanted is None:
            return
        row = dict(zip((column.key for column in self.table.columns), values, strict=True))
        at = row[wanted[0]]
        drawn = [value if isinstance(value, int | float) else None for value in (row[key] for key in wanted[1])]
        if isinstance(at, datetime) and any(value is not None for value in drawn):
            self.points.append((at, drawn))

    def svg(self) -> Markup | None:
        """The chart, or None where there is nothing to draw."""
        wanted = axes(self.table)
        if wanted is None or len(self.points) < 2:
            return None
        return _svg(_thinned(sorted(self.points, key=lambda point: point[0])), wanted[1], self.table.language)


def _thinned(points: list[tuple[datetime, list[float | None]]]) -> list[tuple[datetime, list[float | None]]]:
    """At most so many points as a screen can show: of each run of neighbours the highest."""
    step = -(-len(points) // _MOST_POINTS)
    groups = (points[start : start + step] for start in range(0, len(points), step))
    return [max(group, key=lambda point: point[1][0] or 0) for group in groups]


def _svg(points: list[tuple[datetime, list[float | None]]], keys: Sequence[str], language: Language) -> Markup:
    top = max(value for _, values in points for value in values if value is not None) or 1
    first, last = points[0][0], points[-1][0]
    length = (last - first).total_seconds() or 1.0

    def x(at: datetime) -> float:
        return _LEFT + (_WIDTH - _LEFT - 16) * (at - first).total_seconds() / length

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top

    parts = [*_grid(top, y, language), *_ends(first, last, language), *_legend(keys, language)]
    for number, ink in zip(range(len(keys)), INKS, strict=False):
        for run in _runs(points, number):
            line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in run)
            parts.append(
                Markup(
                    '<polyline fill="none" stroke="{}" stroke-width="2" stroke-linejoin="round" points="{}"/>'
                ).format(ink, line)
            )
    label = phrase("participants over time", language)
    frame = Markup('<svg viewBox="0 0 {} {}" role="img" direction="ltr" font-size="12" aria-label="{}">{}</svg>')
    return frame.format(_WIDTH, _HEIGHT, label, Markup("").join(parts))


def _runs(points: list[tuple[datetime, list[float | None]]], number: int) -> Iterator[list[tuple[datetime, float]]]:
    """Unbroken lines: no line is drawn over a time that nobody watched."""
    known = [(at, value) for at, values in points if (value := values[number]) is not None]
    steps = [(two[0] - one[0]).total_seconds() for one, two in pairwise(known)]
    longest = 5 * median(steps) if steps else 0.0
    run: list[tuple[datetime, float]] = []
    for at, value in known:
        if run and len(points) > 10 and (at - run[-1][0]).total_seconds() > longest:
            yield run
            run = []
        run.append((at, value))
    yield run


def _grid(top: float, y: Callable[[float], float], language: Language) -> Iterator[Markup]:
    for share in (0, 0.5, 1):
        height = y(top * share)
        yield _LINE.format(_LEFT, _WIDTH - 16, height, height)
        text = people.number(round(top * share, 1), language)
        yield _text(_LEFT - 6, height + 4, text, "end")


def _ends(first: datetime, last: datetime, language: Language) -> Iterator[Markup]:
    yield _text(_LEFT, _HEIGHT - 8, people.moment(first, language), "start")
    yield _text(_WIDTH - 16, _HEIGHT - 8, people.moment(last, language), "end")


def _legend(keys: Sequence[str], language: Language) -> Iterator[Markup]:
    for number, (key, ink) in enumerate(zip(keys, INKS, strict=False)):
        at = _LEFT + 170 * number
        yield Markup('<rect x="{}" y="6" width="12" height="12" fill="{}"/>').format(at, ink)
        yield _text(at + 18, 16, heading(key, language), "start")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return _WORDS.format(x, y, anchor, escape(text))
