"""The front door: which reader and which writer serves a file."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import IO

from worker.domain.timetable import SATURDAY, InvalidRule, Rule
from worker.timetables.csvfile import Line, read_bytes
from worker.timetables.dated import is_dated, read_dated
from worker.timetables.defaults import Defaults, Periods
from worker.timetables.fet import is_fet, read_fet
from worker.timetables.golestan import is_golestan, read_golestan
from worker.timetables.ics_in import read_ics
from worker.timetables.ics_out import write_ics
from worker.timetables.native import read_native
from worker.timetables.native_out import native_rows
from worker.timetables.roster import roster_of
from worker.timetables.sheets import read_table
from worker.timetables.values import BadFile, CourseDraft, RosterDraft, TimetableDraft
from worker.timetables.workbooks import write_xlsx

Reader = Callable[[list[Line], str, Defaults], TimetableDraft]
#: Tables, by what their columns say. A table is read from CSV, XLSX, XLS, ODS or HTML alike.
_TABLES: dict[str, Reader] = {
    "csv": read_native,
    "xlsx": read_native,
    "fet": read_fet,
    "golestan": read_golestan,
    "dated": read_dated,
}
FORMATS = (*_TABLES, "ics")
_SINCE = date(2026, 1, 3)


def detect_format(path: str | Path) -> str:
    """The format a file looks like, from its first bytes and its header."""
    path = Path(path)
    if (
        path.suffix.lower() in (".ics", ".ical")
        or read_bytes(path).lstrip(b"\xef\xbb\xbf\r\n ")[:15] == b"BEGIN:VCALENDAR"
    ):
        return "ics"
    return _dialect(path, read_table(path))


def _dialect(path: Path, lines: list[Line]) -> str:
    header = lines[0] if lines else Line(1, [])
    for name, fits in (("fet", is_fet), ("golestan", is_golestan), ("dated", is_dated)):
        if fits(header):
            return name
    return "xlsx" if path.suffix.lower() in (".xlsx", ".xls", ".ods") else "csv"


def read_timetable(
    path: str | Path,
    *,
    format: str | None = None,
    timezone: str,
    from_date: date | None = None,
    until_date: date | None = None,
    periods: Periods = None,
    column_map: Mapping[str, str] | None = None,
) -> TimetableDraft:
    """All courses of a file, or `BadFile` for the first thing wrong with it."""
    path = Path(path)
    kind = format or detect_format(path)
    if kind not in FORMATS:
        raise BadFile(path.name, f"format {kind!r} is not known", f"choose one of {', '.join(FORMATS)}")
    _check_defaults(path, timezone, from_date, until_date)
    defaults = Defaults(timezone, from_date, until_date, column_map or {}, periods)
    if kind == "ics":
        return read_ics(path, defaults)
    return _TABLES[kind](read_table(path), path.name, defaults)


def _check_defaults(path: Path, timezone: str, first: date | None, last: date | None) -> None:
    try:
        Rule("0 0 * * *", 1, timezone, first, last)
    except InvalidRule as error:
        raise BadFile(path.name, *str(error).split("; ", 1)) from error


def read_roster(path: str | Path, *, course: str | None = None) -> RosterDraft:
    """All people of a file, or `BadFile` for the first thing wrong with it."""
    path = Path(path)
    return roster_of(read_table(path), path.name, course)


def write_timetable(
    courses: Iterable[CourseDraft],
    target: str | Path | IO[str] | IO[bytes],
    format: str,
    *,
    since: date = _SINCE,
    week_start: int = SATURDAY,
) -> None:
    """Write courses so that `read_timetable` reads them back. In `ics`, slots without a first day begin on `since`,
    and `week_start` says on which day (Monday = 0) the weeks begin of which every second one counts.
    """
    if format not in ("csv", "xlsx", "ics"):
        raise ValueError(f"format {format!r} cannot be written; choose one of csv, xlsx, ics")
    data = (
        write_ics(courses, since, week_start)
        if format == "ics"
        else _xlsx(courses)
        if format == "xlsx"
        else _csv(courses)
    )
    if isinstance(target, str | Path):
        Path(target).write_bytes(data)
    elif isinstance(target, io.TextIOBase):
        target.write(data.decode("utf-8-sig"))
    else:
        target.write(data)  # type: ignore[arg-type]


def _csv(courses: Iterable[CourseDraft]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(native_rows(courses))
    return stream.getvalue().encode("utf-8-sig")  # with the mark, spreadsheets read Persian


def _xlsx(courses: Iterable[CourseDraft]) -> bytes:
    stream = io.BytesIO()
    write_xlsx(courses, stream)
    return stream.getvalue()
