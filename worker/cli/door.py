"""What every command does at its door: surroundings in, JSON or a table out. Imports nothing heavy by itself."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from worker.errors import SettingsError

if TYPE_CHECKING:
    from worker.operations.context import Context

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Since = Annotated[
    str | None, typer.Option("--from", metavar="T", help="Start at or after: date or time, ISO or Jalali.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="T", help="Start before; a date includes its whole day.")]
CourseOption = Annotated[str | None, typer.Option("--course", metavar="CODE", help="Only this course.")]


def context(*, migrated: bool = True) -> "Context":
    """The surroundings of this command. Raises DatabaseBehind where the tables are not there yet.

    The embedded database is made at its first use; one that a person named waits for ``meetingz db upgrade``.
    """
    from worker import logs, settings
    from worker.operations import context as contexts
    from worker.operations import story
    from worker.store import migrate

    given = settings.load()
    logs.configure(given, "WARNING")
    _leaving.enter_context(story.acting(person()))
    made = contexts.make(given)
    _leaving.callback(made.database.dispose)
    if migrated:
        if not given.database_url.get_secret_value() and migrate.current(made.database) is None:
            migrate.upgrade(made.database)
        migrate.require_current(made.database)
    return made


_EXTRAS = {"web": "fastapi"}


def require_extra(name: str) -> None:
    """Raise SettingsError unless the optional part of this name is installed."""
    if not has_extra(name):
        raise SettingsError(f"this needs an optional part: pip install 'meetingz-worker[{name}]'")


def has_extra(name: str) -> bool:
    """Whether the optional part of this name is installed."""
    from importlib.util import find_spec

    return find_spec(_EXTRAS[name]) is not None


#: What ends with the command.
_leaving = ExitStack()


def leave() -> None:
    """The command is over."""
    _leaving.close()


def person() -> str:
    """Who types: the user of the operating system."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in many containers
        return f"uid {os.getuid()}"


def require_course(context: "Context", code: str) -> None:
    """Raise Unknown unless there is a course of this code."""
    from worker.operations.timetable import arrange

    with context.database.read() as session:
        arrange.course(session, code)


def now() -> datetime:
    """The present, for an operation."""
    from worker import clock

    return clock.now()


def moment(text: str, zone: str) -> datetime:
    """A time as typed, in UTC. Without an offset it is wall-clock time in ``zone``."""
    from worker.domain.calendars import parse_instant

    return parse_instant(text, zone)


def span(since: str | None, until: str | None, zone: str) -> tuple[datetime | None, datetime | None]:
    """``--from`` and ``--until`` in UTC; a bare date as ``--until`` means the end of that day."""
    start = None if since is None else _edges(since, zone)[0]
    return start, None if until is None else _edges(until, zone)[1]


def _edges(text: str, zone: str) -> tuple[datetime, datetime]:
    """Where a day begins and ends; a time is both."""
    from worker.domain.calendars import InvalidDate, day_span, parse_date

    try:
        return day_span(parse_date(text), zone)
    except InvalidDate:
        if ":" not in text:  # nobody meant a time
            raise
        at = moment(text, zone)
        return at, at


def whole(text: str) -> int:
    """A whole number as typed, in Persian, Arabic or Latin digits."""
    from worker.domain.text import ascii_digits

    try:
        number = int(ascii_digits(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None
    if number.bit_length() > 63:  # more than a database can look for
        raise typer.BadParameter(f"{text} is too large")
    return number


def decimal(text: str) -> float:
    """The same with a fraction."""
    from worker.domain.text import ascii_digits

    try:
        return float(ascii_digits(text).replace("٫", "."))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


def day(text: str | None) -> date | None:
    """A day as typed, Gregorian or Jalali."""
    from worker.domain.calendars import parse_date

    return None if text is None else parse_date(text)


def iso(instant: datetime | None, zone: str) -> str | None:
    """ISO 8601 with the offset of the zone."""
    return None if instant is None else instant.astimezone(ZoneInfo(zone)).isoformat()


def clock_time(instant: datetime | None, zone: str) -> str:
    """For people: a short local time."""
    return "" if instant is None else instant.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M")


def say(text: str, *, err: bool = False) -> None:
    """A line for people, or several, on stdout or stderr."""
    typer.echo("\n".join(map(_harmless, text.split("\n"))), err=err)


def as_json(value: object) -> None:
    """One JSON document."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.write("\n")


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table for people, or the line ``empty``."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*headings, box=box.SIMPLE_HEAD, show_edge=False)
    for row in rows:
        shown.add_row(*(Text(_harmless(cell)) for cell in row))
    if not shown.row_count:
        say(empty)
        return
    # A pipe gets whole lines; only a terminal has a width to keep to.
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False).print(shown)


def _harmless(cell: object) -> str:
    """Names come from strangers: control characters must not reach a terminal."""
    from worker.exports.text import harmless

    return harmless("" if cell is None else str(cell))
