"""Plain lists of dates, `summary,time,duration`: the file is one course, each row one sitting; duration in hours."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

from worker.domain.calendars import InvalidDate, parse_instant
from worker.domain.text import match_key
from worker.timetables.cells import LONGEST, LONGEST_KEY, Row, rows_under
from worker.timetables.columns import Header
from worker.timetables.csvfile import Line
from worker.timetables.defaults import Defaults
from worker.timetables.values import BadFile, CourseDraft, SittingDraft, TimetableDraft

_NEEDED = ("summary", "time", "duration")


def is_dated(line: Line) -> bool:
    """Whether a header is that of a list of dates."""
    return set(_NEEDED) <= {match_key(cell) for cell in line.cells}


def read_dated(lines: list[Line], file: str, defaults: Defaults) -> TimetableDraft:
    """One course with a sitting for each row; rows of no length, such as deadlines, are named in the warnings."""
    if not lines or not is_dated(lines[0]):
        raise BadFile(file, "is not a list of dates", f"write a header with {','.join(_NEEDED)}", row=1)
    names = tuple(match_key(cell) for cell in lines[0].cells)
    header = Header(names, dict(zip(names, lines[0].cells, strict=True)))
    rows = list(rows_under(header, lines[1:], file))
    warnings: list[str] = [f"{file}: durations are read as hours, and all rows as one course"]
    sittings = tuple(_sittings(rows, defaults, warnings))
    if not sittings:
        raise BadFile(file, "holds no sitting", "write one row for each date below the header")
    said = frozenset({"title", "timezone"})
    course = CourseDraft(
        Path(file).stem[:LONGEST_KEY], _title(rows, file), defaults.timezone, sittings=sittings, said=said
    )
    return TimetableDraft((course,), tuple(warnings))


def _title(rows: list[Row], file: str) -> str:
    """The words with which all rows begin."""
    columns = zip(*(row.text("summary", 1000).split() for row in rows), strict=False)
    common = takewhile(lambda words: len(set(words)) == 1, columns)
    return (" ".join(words[0] for words in common).strip(" :-–") or Path(file).stem)[:LONGEST]


def _sittings(rows: list[Row], defaults: Defaults, warnings: list[str]) -> Iterator[SittingDraft]:
    for row in rows:
        row.needed("duration")
        hours = row.number_in("duration", 0, 24) or 0
        if hours == 0:
            warnings.append(f"row {row.number}: {row.text('summary', 1000)[:60]!r} has no length and is left out")
            continue
        try:
            start = parse_instant(row.needed("time"), defaults.timezone)
        except InvalidDate as error:
            problem, _, remedy = str(error).partition("; ")
            raise row.bad("time", problem, remedy) from error
        yield SittingDraft(start, start + timedelta(hours=hours))
