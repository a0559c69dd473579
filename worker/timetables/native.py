"""Our own table, one row a slot: `code,title,cron,minutes` and more. The same rows stand in CSV and in spreadsheets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta

from worker.domain.calendars import InvalidDate, parse_date
from worker.domain.text import match_key
from worker.domain.timetable import InvalidRule, Rule, known_zone, normalise_cron, weeks_rule
from worker.timetables.cells import LONGEST_KEY, Row, guard, rows_under
from worker.timetables.columns import TIMETABLE, read_header
from worker.timetables.csvfile import Line
from worker.timetables.options import parse_options, write_options
from worker.timetables.values import BadFile, CourseDraft, SlotDraft, TimetableDraft

REQUIRED = ("code", "title", "cron", "minutes")
COLUMNS = tuple(TIMETABLE)
_LONGEST_OPTIONS = 4000
_RECORD = {
    **dict.fromkeys(("never", "false", "no", "0", "خیر", "هرگز", "ندارد"), "never"),
    **dict.fromkeys(("manual", "دستی"), "manual"),
    **dict.fromkeys(("always", "true", "yes", "1", "بله", "همیشه", "دارد"), "always"),
}
_WEEKS = {
    **dict.fromkeys(("all", "همه", "هر هفته"), "all"),
    **dict.fromkeys(("odd", "فرد", "ف"), "odd"),
    **dict.fromkeys(("even", "زوج", "ز"), "even"),
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where the file is silent."""

    timezone: str
    from_date: date | None = None
    until_date: date | None = None
    column_map: Mapping[str, str] = field(default_factory=dict)


def read_native(lines: list[Line], file: str, defaults: Defaults) -> TimetableDraft:
    """All courses of a table, or the first error."""
    if not lines:
        raise BadFile(file, "is empty", f"write a header: {','.join(REQUIRED)}")
    header = read_header(lines[0], file, TIMETABLE, REQUIRED, defaults.column_map)
    courses: dict[str, tuple[Row, CourseDraft]] = {}
    for row in rows_under(header, lines[1:], file):
        _add(courses, row, defaults)
    if not courses:
        raise BadFile(file, "holds no course", "write one row for each slot below the header")
    return TimetableDraft(tuple(course for _, course in courses.values()), tuple(_look_alikes(courses)))


def _add(courses: dict[str, tuple[Row, CourseDraft]], row: Row, defaults: Defaults) -> None:
    course = _course(row, defaults)
    slot = _slot(row, course.timezone, defaults)
    first, known = courses.setdefault(course.code, (row, course))
    _check_agreement(first, known, row, course)
    for other in known.slots:
        if other == slot:
            raise row.bad("cron", f"is the slot of row {other.line} again", "remove one of the two rows")
    courses[course.code] = first, replace(known, slots=(*known.slots, slot))


def _check_agreement(first: Row, known: CourseDraft, row: Row, course: CourseDraft) -> None:
    for name in (part.name for part in fields(CourseDraft)):
        mine, theirs = getattr(course, name), getattr(known, name)
        if name not in ("slots", "sittings") and mine != theirs:
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
    )


def _zone(row: Row, default: str) -> str:
    name = row.text("timezone") or default
    try:
        known_zone(name)
    except InvalidRule as error:
        raise _said(row, "timezone", error) from error
    return name


def _options(row: Row) -> dict[str, str]:
    try:
        return parse_options(row.text("options", _LONGEST_OPTIONS))
    except ValueError as error:
        raise error if isinstance(error, BadFile) else _said(row, "options", error) from error


def _said(row: Row, column: str, error: ValueError) -> BadFile:
    problem, _, remedy = str(error).partition("; ")
    return row.bad(column, problem, remedy)


def _slot(row: Row, timezone: str, defaults: Defaults) -> SlotDraft:
    first, last = row.day("from") or defaults.from_date, row.day("until") or defaults.until_date
    every, anchor = _weeks(row, first)
    slot = SlotDraft(_cron(row), _minutes(row), first, last, every, anchor, row.number)
    try:
        Rule(slot.cron, slot.minutes, timezone, first, last, every, anchor)
    except InvalidRule as error:
        raise _said(row, "until" if first and last and first > last else "weeks", error) from error
    return slot


def _cron(row: Row) -> str:
    try:
        return normalise_cron(row.needed("cron"))
    except InvalidRule as error:
        raise _said(row, "cron", error) from error


def _minutes(row: Row) -> int:
    row.needed("minutes")
    return row.whole_in("minutes", 1, 1440) or 0


def _weeks(row: Row, first: date | None) -> tuple[int, date | None]:
    every, mark, anchor = row.text("weeks").partition("@")
    try:
        if mark:  # "3@2026-09-19": every third week, counted from the week of that day
            return int(every), parse_date(anchor)
        return weeks_rule(row.choice("weeks", _WEEKS, "all"), first)  # type: ignore[arg-type]
    except InvalidRule as error:
        raise row.bad("from", str(error).partition("; ")[0], "write the first day of the term") from error
    except InvalidDate as error:
        raise _said(row, "weeks", error) from error
    except ValueError as error:
        raise (
            error if isinstance(error, BadFile) else row.bad("weeks", f"{every!r} is no number", "write 2@DATE")
        ) from error


def _look_alikes(courses: Mapping[str, tuple[Row, CourseDraft]]) -> Iterator[str]:
    seen: dict[str, tuple[str, int]] = {}
    for code, (row, _) in courses.items():
        other = seen.setdefault(match_key(code), (code, row.number))
        if other[0] != code:
            yield f"row {row.number}: code {code!r} looks like {other[0]!r} of row {other[1]}; they are two courses"


def native_rows(courses: Iterable[CourseDraft]) -> Iterator[list[str]]:
    """The header and a row for each slot, such that reading them gives the same courses."""
    yield list(COLUMNS)
    for course in courses:
        for slot in course.slots:
            yield [guard(cell) for cell in _cells(course, slot)]


def _cells(course: CourseDraft, slot: SlotDraft) -> list[str]:
    values = {
        "code": course.code,
        "title": course.title,
        "cron": slot.cron,
        "minutes": slot.minutes,
        "timezone": course.timezone,
        "from": slot.valid_from,
        "until": slot.valid_until,
        "weeks": _weeks_cell(slot),
        "teacher_id": course.teacher_id,
        "teacher_name": course.teacher_name,
        "record": course.record,
        "lead_minutes": _plain(course.lead_minutes),
        "grace_minutes": _plain(course.grace_minutes),
        "expected": course.expected,
        "options": write_options(course.options),
        "room": course.room,
    }
    return ["" if values[name] is None else str(values[name]) for name in COLUMNS]


def _plain(number: float | None) -> str | None:
    return None if number is None else f"{number:.9f}".rstrip("0").rstrip(".")


def _weeks_cell(slot: SlotDraft) -> str:
    if slot.every_weeks == 1:
        return "all"
    if slot.every_weeks == 2 and slot.valid_from and slot.anchor == slot.valid_from:
        return "odd"
    if slot.every_weeks == 2 and slot.valid_from and slot.anchor == slot.valid_from + timedelta(weeks=1):
        return "even"
    return f"{slot.every_weeks}@{slot.anchor}"
