"""A week on the screen: days across, hours down, right to left for readers of Persian."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from worker.cli import door

if TYPE_CHECKING:
    from worker.operations.timetable.week import Day, Entry

_EMPTY = {"en": "nothing in this week", "fa": "در این هفته کلاسی نیست"}
_WORDS = {
    "en": {"cancelled": "cancelled", "moved": "moved", "estimated": "estimated"},
    "fa": {"cancelled": "لغو", "moved": "جابه‌جا", "estimated": "تخمینی"},
}
#: An invisible letter of the other direction keeps the columns of a line apart: without it a terminal that reorders
#: right-to-left text would read two Persian cells and the bar between them as one run, and exchange them.
_LEFT_TO_RIGHT = "\u200e"


def facts(days: "Sequence[Day]") -> list[dict[str, Any]]:
    """The week for machines."""
    from worker.domain.calendars import format_date, weekday_name

    return [
        {
            "date": day.date.isoformat(),
            "jalali": format_date(day.date, "fa"),
            "weekday": weekday_name(day.date, "en"),
            "holidays": [{"id": one.id, "title": one.title, "observed": one.observed} for one in day.holidays],
            "occurrences": [_facts(entry) for entry in day.entries],
        }
        for day in days
    ]


def _facts(entry: "Entry") -> dict[str, Any]:
    zone = entry.course.timezone
    return {
        "id": entry.id,
        "course": entry.course.code,
        "title": entry.course.title,
        "teacher": entry.course.teacher_name or entry.course.teacher_id,
        "room": entry.course.room,
        "starts_at": door.iso(entry.starts_at, zone),
        "ends_at": door.iso(entry.ends_at, zone),
        "moved_from": door.iso(entry.moved_from, zone),
        "cancelled": entry.cancelled is not None,
        "cancel_reason": entry.cancelled,
    }


def show(days: "Sequence[Day]", language: str) -> None:
    """The week for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not any(day.entries or day.holidays for day in days):
        door.say(_EMPTY[language])
        return
    rtl = language == "fa"
    hours = sorted({_hour(entry) for day in days for entry in day.entries})
    columns = [[_line(""), *(_line(_digits(hour, language)) for hour in hours)]]
    columns += [[_heading(day, language), *(_cell(day, hour, language) for hour in hours)] for day in days]
    # The days are a row like the others: a header proper would stand at the bottom of its line.
    grid = Table(box=box.SQUARE, show_lines=True, show_header=False)
    for _ in columns:
        grid.add_column(justify="right" if rtl else "left")
    for row in zip(*(reversed(columns) if rtl else columns), strict=True):
        grid.add_row(*row)
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False).print(grid)


def _hour(entry: "Entry") -> str:
    return _clock(entry.starts_at, entry.course.timezone)


def _clock(instant: Any, zone: str) -> str:
    from zoneinfo import ZoneInfo

    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def _digits(text: str, language: str) -> str:
    from worker.domain.calendars import persian_digits

    return persian_digits(text) if language == "fa" else text


def _line(text: str, style: str = "") -> Any:
    from rich.text import Text

    from worker.exports.text import harmless

    return Text(f"{_LEFT_TO_RIGHT}{harmless(text)}{_LEFT_TO_RIGHT}" if text else "", style)


def _heading(day: "Day", language: str) -> Any:
    from rich.text import Text

    from worker.domain.calendars import format_date, weekday_name

    lines = [_line(weekday_name(day.date, language), "bold"), _line(format_date(day.date, language))]
    for one in day.holidays:
        mark = "" if one.observed else f" ({_WORDS[language]['estimated']})"
        lines.append(_line(one.title + mark, "red" if one.observed else "yellow"))
    return Text("\n").join(lines)


def _cell(day: "Day", hour: str, language: str) -> Any:
    from rich.text import Text

    here = [entry for entry in day.entries if _hour(entry) == hour]
    return Text("\n").join(line for entry in here for line in _lines(entry, language))


def _lines(entry: "Entry", language: str) -> Iterator[Any]:
    style = "dim strike" if entry.cancelled is not None else ""
    until = _digits(_clock(entry.ends_at, entry.course.timezone), language)
    yield _line(f"{entry.course.title} –{until}" if language == "en" else f"{entry.course.title} تا {until}", style)
    more = [part for part in (entry.course.teacher_name, entry.course.room) if part]
    if more:
        yield _line(" · ".join(more), "dim")
    words = _WORDS[language]
    if entry.cancelled is not None:
        yield _line(f"{words['cancelled']}: {entry.cancelled}", "red")
    elif entry.moved_from is not None:
        yield _line(words["moved"], "yellow")
