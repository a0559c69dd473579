"""The front door: which reader and which writer serves a file."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import IO

from worker.timetables.csvfile import read_lines
from worker.timetables.native import Defaults, native_rows, read_native
from worker.timetables.roster import roster_of
from worker.timetables.values import BadFile, CourseDraft, RosterDraft, TimetableDraft

FORMATS = ("csv",)
_SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv"}


def detect_format(path: str | Path) -> str:
    """The format a file looks like."""
    found = _SUFFIXES.get(Path(path).suffix.lower())
    if found is None:
        raise BadFile(
            Path(path).name, "its name says no known format", f"pass --format with one of {', '.join(FORMATS)}"
        )
    return found


def read_timetable(
    path: str | Path,
    *,
    format: str | None = None,
    timezone: str,
    from_date: date | None = None,
    until_date: date | None = None,
    periods: Mapping[str, tuple[str, str]] | str | Path | None = None,
    column_map: Mapping[str, str] | None = None,
    week_start: int = 5,
) -> TimetableDraft:
    """All courses of a file, or `BadFile` for the first thing wrong with it."""
    path = Path(path)
    kind = format or detect_format(path)
    defaults = Defaults(timezone, from_date, until_date, column_map or {})
    if kind not in FORMATS:
        raise BadFile(path.name, f"format {kind!r} is not known", f"choose one of {', '.join(FORMATS)}")
    return read_native(read_lines(path), path.name, defaults)


def read_roster(path: str | Path, *, course: str | None = None) -> RosterDraft:
    """All people of a file, or `BadFile` for the first thing wrong with it."""
    path = Path(path)
    return roster_of(read_lines(path), path.name, course)


def write_timetable(courses: Iterable[CourseDraft], target: str | Path | IO[str] | IO[bytes], format: str) -> None:
    """Write courses so that `read_timetable` reads them back."""
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is not known; choose one of {', '.join(FORMATS)}")
    text = _csv(courses)
    if isinstance(target, str | Path):
        Path(target).write_bytes(text.encode("utf-8-sig"))  # with the mark, spreadsheets read Persian
    elif isinstance(target, io.TextIOBase):
        target.write(text)
    else:
        target.write(text.encode("utf-8-sig"))  # type: ignore[arg-type]


def _csv(courses: Iterable[CourseDraft]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(native_rows(courses))
    return stream.getvalue()
