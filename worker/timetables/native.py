"""Our own table, one row a slot: `code,title,cron,minutes` and more. The same rows stand in CSV and in workbooks."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from worker.domain.text import match_key
from worker.domain.timetable import InvalidRule, known_zone
from worker.timetables.cells import LONGEST_KEY, Row, rows_under, spellings
from worker.timetables.columns import TIMETABLE, Header, read_header
from worker.timetables.csvfile import Line
from worker.timetables.defaults import Defaults
from worker.timetables.native_rows import when_of
from worker.timetables.options import parse_options
from worker.timetables.values import BadFile, CourseDraft, SlotDraft, TimetableDraft

REQUIRED = ("code", "title", "cron", "minutes")
_LONGEST_OPTIONS = 4000
_RECORD = spellings(
    never=("false", "no", "0", "خیر", "هرگز", "ندارد"),
    manual=("دستی",),
    always=("true", "yes", "1", "بله", "همیشه", "دارد"),
)


def read_native(lines: list[Line], file: str, defaults: Defaults) -> TimetableDraft:
    """All courses of a table, or the first error."""
    header = _header(lines, file, defaults)
    courses: dict[str, tuple[Row, CourseDraft]] = {}
    for row in rows_under(header, lines[1:], file):
        _add(courses, row, defaults)
    if not courses:
        raise BadFile(file, "holds no course", "write one row for each slot below the header")
    return TimetableDraft(tuple(course for _, course in courses.values()), tuple(_look_alikes(courses)))


def _header(lines: list[Line], file: str, defaults: Defaults) -> Header:
    """`day` and `start`, or a date in `start`, may stand in for `cron`; `end` for `minutes`."""
    if not lines:
        raise BadFile(file, "is empty", f"write a header: {','.join(REQUIRED)}")
    header = read_header(lines[0], file, TIMETABLE, (), defaults.column_map)
    needed = [name for name in REQUIRED if not (name == "cron" and "start" in header.names)]
    needed = [name for name in needed if not (name == "minutes" and {"start", "end"} <= set(header.names))]
    return read_header(lines[0], file, TIMETABLE, needed, defaults.column_map)


def _add(courses: dict[str, tuple[Row, CourseDraft]], row: Row, defaults: Defaults) -> None:
    course = _course(row, defaults)
    when = when_of(row, course.timezone, defaults)
    first, known = courses.setdefault(course.code, (row, course))
    _check_agreement(first, known, row, course)
    for other in (*known.slots, *known.sittings):
        if other == when:
            which = f"row {other.line}" if isinstance(other, SlotDraft) else "another row"
            column = next(name for name in ("cron", "day", "date", "start") if row.text(name))
            raise row.bad(column, f"is the slot of {which} again", "remove one of the two rows")
    if isinstance(when, SlotDraft):
        courses[course.code] = first, replace(known, slots=(*known.slots, when))
    else:
        courses[course.code] = first, replace(known, sittings=(*known.sittings, when))


def _check_agreement(first: Row, known: CourseDraft, row: Row, course: CourseDraft) -> None:
    for name in (part.name for part in fields(CourseDraft)):
        mine, theirs = getattr(course, name), getattr(known, name)
        if name not in ("slots", "sittings", "said") and mine != theirs:
            problem = f"differs from row {first.number} of the same course {course.code!r}"
            raise row.bad(name, problem, "write the same in both rows, or another code")


def _course(row: Row, defaults: Defaults) -> CourseDraft:
    return CourseDraft(
        code=row.needed("code", LONGEST_KEY),
        title=row.needed("title"),
        timezone=_zone(row, defaults.timezone),
        teacher_id=row.text("teacher_id", LONGEST_KEY) or None,
        teacher_name=row.text("teacher_name") or None,
        record=row.choice("record", _RECORD, "") or None,
        lead_minutes=row.number_in("lead_minutes", 0, 1440),
        grace_minutes=row.number_in("grace_minutes", 0, 1440),
        expected=row.whole_in("expected", 0, 1_000_000),
        options=_options(row),
        room=row.text("room") or None,
        said=frozenset({*row.cells, "timezone"}),
    )


def _zone(row: Row, default: str) -> str:
    name = row.text("timezone") or default
    try:
        known_zone(name)
    except InvalidRule as error:
        raise _said(row, "timezone", error) from error
    return name


def _options(row: Row) -> dict[str, str]:
    text = row.text("options", _LONGEST_OPTIONS)
    try:
        return parse_options(text)
    except ValueError as error:
        raise _said(row, "options", error) from error


def _said(row: Row, column: str, error: ValueError) -> BadFile:
    problem, _, remedy = str(error).partition("; ")
    return row.bad(column, problem, remedy)


def _look_alikes(courses: Mapping[str, tuple[Row, CourseDraft]]) -> Iterator[str]:
    seen: dict[str, tuple[str, int]] = {}
    for code, (row, _) in courses.items():
        other = seen.setdefault(match_key(code), (code, row.number))
        if other[0] != code:
            yield f"row {row.number}: code {code!r} looks like {other[0]!r} of row {other[1]}; they are two courses"
