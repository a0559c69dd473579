"""Days without classes from a file: a table `date,title,until`, or the all-day events of an iCalendar file."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from worker.domain.holidays import Holiday
from worker.timetables.cells import Row, rows_under
from worker.timetables.columns import read_header
from worker.timetables.csvfile import read_bytes
from worker.timetables.ics_events import Entry, read_entries
from worker.timetables.sheets import read_table
from worker.timetables.values import BadFile

_COLUMNS = {
    "date": ("تاریخ", "روز", "از", "از تاریخ", "from", "start", "first_day", "day"),
    "title": ("عنوان", "مناسبت", "نام", "name", "summary", "holiday"),
    "until": ("تا", "تا تاریخ", "end", "last_day"),
}
_REQUIRED = ("date", "title")


def read_holidays(path: str | Path, *, timezone: str) -> tuple[Holiday, ...]:
    """All holidays of a file, or `BadFile` for the first thing wrong with it."""
    path = Path(path)
    head = read_bytes(path).lstrip(b"\xef\xbb\xbf\r\n ")[:15]
    found = tuple(_events(path, timezone) if head == b"BEGIN:VCALENDAR" else _rows(path))
    if not found:
        raise BadFile(path.name, "holds no holiday", f"write rows of {','.join(_COLUMNS)}")
    return found


def _rows(path: Path) -> Iterator[Holiday]:
    lines = read_table(path)
    if not lines:
        raise BadFile(path.name, "is empty", f"write a header: {','.join(_COLUMNS)}")
    header = read_header(lines[0], path.name, _COLUMNS, _REQUIRED)
    for row in rows_under(header, lines[1:], path.name):
        yield _holiday(row)


def _holiday(row: Row) -> Holiday:
    row.needed("date")
    first, last = row.day("date"), row.day("until")
    assert first is not None
    if last is not None and last < first:
        raise row.bad("until", f"{last} comes before {first}", "exchange the two days")
    return Holiday(first, row.needed("title"), until=last)


def _events(path: Path, timezone: str) -> Iterator[Holiday]:
    for entry in read_entries(path, timezone):
        first = entry.moment("DTSTART")
        if type(first) is not date or str(entry.event.get("STATUS", "")).upper() == "CANCELLED":
            continue  # a meeting, not a day; or a day that is not off after all
        if not entry.event.keys().isdisjoint(("RRULE", "RDATE")):
            raise entry.bad("recurs", "export the calendar with one event a year, or write a table")
        yield Holiday(first, entry.title[:255] or "holiday", until=_last(entry, first))


def _last(entry: Entry, first: date) -> date | None:
    """DTEND is the day after the last, and DURATION may stand in its place."""
    end = entry.moment("DTEND") or first + entry.length()
    if isinstance(end, datetime):
        raise entry.bad("begins on a day and ends at a time", "write both as days")
    last: date = end - timedelta(days=1)
    return last if last > first else None
