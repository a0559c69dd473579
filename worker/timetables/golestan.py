"""Course lists of Golestan and Behestan, as Iranian universities export them: one cell holds all times of a course.

درس(ت): يك شنبه 11:00-12:00 ف مکان: مواد24 درس(ت): سه شنبه 11:00-12:00 امتحان(1405.10.23) ساعت : 13:30-16:30
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from worker.domain.calendars import InvalidDate, parse_clock, parse_weekday
from worker.domain.text import ascii_digits, match_key
from worker.timetables.cells import LONGEST, LONGEST_KEY, Row, rows_under
from worker.timetables.columns import Header
from worker.timetables.csvfile import Line
from worker.timetables.defaults import Defaults
from worker.timetables.golestan_times import Time, Unclear, times_and_rooms
from worker.timetables.slots import weekly_slot
from worker.timetables.values import BadFile, CourseDraft, SlotDraft, TimetableDraft

_COLUMNS = {
    "code": ("شماره و گروه درس", "شماره وگروه درس", "شماره و گروه", "شماره درس", "کد درس", "کد ارائه"),
    "group": ("گروه", "گروه درس", "شماره گروه"),
    "title": ("نام درس", "درس", "عنوان درس"),
    "teacher_name": ("نام استاد", "استاد", "نام مدرس", "مدرس", "اساتید"),
    "expected": ("ثبت نام شده", "تعداد ثبت نام شده"),
}
_PART = re.compile(r"(?:درس|حل\s*تمرین|آزمایشگاه|کارگاه)\s*\(\s*[^()]{1,3}\s*\)\s*:?")
_EXAM = re.compile(r"امتحان.*", re.DOTALL)


def is_golestan(line: Line) -> bool:
    """Whether a header is Golestan's: it has a column for time and place together."""
    return any(_is_when(cell) for cell in line.cells)


def _is_when(cell: str) -> bool:
    key = match_key(cell)
    return "زمان" in key and ("ارائه" in key or "مکان" in key)


def read_golestan(lines: list[Line], file: str, defaults: Defaults) -> TimetableDraft:
    """One course for each row; rows without a time are named in the warnings."""
    header = _header(lines, file)
    courses: dict[str, tuple[int, CourseDraft]] = {}
    warnings: list[str] = []
    for row in rows_under(header, lines[1:], file):
        course = _course(row, defaults, warnings)
        if not course.slots:
            warnings.append(f"row {row.number}: {course.title!r} has no time and is left out")
            continue
        other, _ = courses.setdefault(course.code, (row.number, course))
        if other != row.number:
            raise row.bad("code", f"{course.code!r} is in row {other} already", "remove one of the two rows")
    if not courses:
        raise BadFile(file, "holds no course with a time", "export the list with its times")
    return TimetableDraft(tuple(course for _, course in courses.values()), tuple(warnings))


def _header(lines: list[Line], file: str) -> Header:
    keys = {match_key(word): name for name, words in _COLUMNS.items() for word in words}
    cells = lines[0].cells if lines else []
    names = tuple(
        "when" if _is_when(cell) else keys.get(match_key(cell), f"({place})") for place, cell in enumerate(cells)
    )
    for name, word in (("code", "شماره و گروه درس"), ("title", "نام درس"), ("when", "زمان و مکان ارائه")):
        if name not in names:
            raise BadFile(file, f"column «{word}» is missing", "export the list with all columns", row=1, column=word)
    return Header(names, dict(zip(names, cells, strict=True)))


def _course(row: Row, defaults: Defaults, warnings: list[str]) -> CourseDraft:
    when = _normal(row.lines("when", 4000))
    found = [_read(row, part) for part in _parts(when)]
    rooms = dict.fromkeys(room for _, rooms in found for room in rooms if room)
    group = row.text("group", LONGEST_KEY)
    code = row.needed("code", LONGEST_KEY)
    return CourseDraft(
        code=ascii_digits(f"{code}_{group}" if group else code)[:LONGEST_KEY],
        title=row.needed("title"),
        timezone=defaults.timezone,
        teacher_name=row.text("teacher_name") or None,
        expected=row.whole_in("expected", 0, 1_000_000),
        room="، ".join(rooms)[:LONGEST] or None,
        slots=tuple(_slots(row, [time for times, _ in found for time in times], defaults, warnings)),
        said=frozenset({*row.cells, "timezone", "room"}),
    )


def _normal(text: str) -> str:
    return ascii_digits(text).replace("ي", "ی").replace("ك", "ک").replace("ى", "ی")


def _parts(when: str) -> Iterable[str]:
    """The text of each lecture or practical, without what is said of the exam."""
    return [_EXAM.sub("", part).strip(" ،,;\n") for part in _PART.split(when)]


def _read(row: Row, part: str) -> tuple[list[Time], list[str]]:
    try:
        return times_and_rooms(part)
    except Unclear as error:
        problem, _, remedy = str(error).partition("; ")
        raise row.bad("when", problem, remedy) from error


def _slots(row: Row, times: list[Time], defaults: Defaults, warnings: list[str]) -> list[SlotDraft]:
    """Each slot once: a lecture and its practical at one time are one class, in one room of ours."""
    found: list[SlotDraft] = []
    for time in times:
        slot = _slot(row, time, defaults)
        if slot in found:
            again = f"«{time.day} {time.start}-{time.end}» of {row.needed('title')[:60]!r}"
            warnings.append(f"row {row.number}: {again} is there already and is left out")
        else:
            found.append(slot)
    return found


def _slot(row: Row, time: Time, defaults: Defaults) -> SlotDraft:
    day = parse_weekday(time.day)
    start, end = _clock(row, time.start), _clock(row, time.end)
    if day is None:
        raise row.bad("when", f"{time.day!r} is not a day of the week", "write it as «سه شنبه»")
    if start >= end:
        raise row.bad("when", f"«{time.day} {time.start}-{time.end}» ends before it begins", "exchange the two times")
    return weekly_slot(row, [day], start, end, time.weeks, defaults)


def _clock(row: Row, text: str) -> timedelta:
    try:
        return parse_clock(text)
    except InvalidDate as error:
        problem, _, remedy = str(error).partition("; ")
        raise row.bad("when", problem, remedy) from error
