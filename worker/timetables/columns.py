"""Names of columns, as schools write them, and the header that ties them to ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from worker.domain.text import match_key
from worker.timetables.csvfile import Line
from worker.timetables.values import BadFile

TIMETABLE = {
    "code": ("کد", "کد درس", "شماره درس", "شناسه درس"),
    "title": ("نام درس", "درس", "عنوان", "عنوان درس"),
    "cron": ("کرون", "زمان بندی"),
    "minutes": ("مدت", "دقیقه", "مدت (دقیقه)", "طول کلاس"),
    "day": ("روز", "روزها", "روز هفته", "weekday", "days"),
    "date": ("تاریخ", "تاریخ جلسه"),
    "start": ("ساعت شروع", "شروع", "از ساعت"),
    "end": ("ساعت پایان", "پایان", "تا ساعت"),
    "timezone": ("منطقه زمانی",),
    "from": ("از", "از تاریخ", "تاریخ شروع"),
    "until": ("تا", "تا تاریخ", "تاریخ پایان"),
    "weeks": ("هفته", "هفته ها"),
    "teacher_id": ("کد استاد", "کد مدرس", "کد دبیر", "شناسه استاد"),
    "teacher_name": ("استاد", "نام استاد", "مدرس", "نام مدرس", "دبیر", "نام دبیر", "معلم"),
    "record": ("ضبط",),
    "lead_minutes": ("دقیقه پیش از کلاس",),
    "grace_minutes": ("دقیقه پس از کلاس",),
    "expected": ("ظرفیت", "تعداد", "تعداد دانشجو", "تعداد دانش آموز"),
    "options": ("تنظیمات",),
    "room": ("مکان", "اتاق", "محل"),
    "original": ("زمان اصلی",),
    "cancelled": ("لغو", "لغو شده"),
}
ROSTER = {
    "course": ("کد", "کد درس", "درس", "code"),
    "user_id": ("شناسه", "شناسه کاربر", "شماره دانشجویی", "کد دانش آموز"),
    "full_name": ("نام", "نام و نام خانوادگی", "نام کامل"),
    "role": ("نقش",),
    "from": ("از", "از تاریخ"),
    "until": ("تا", "تا تاریخ"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """Our name of each column of the file, from left to right, and what the file calls it."""

    names: tuple[str, ...]
    shown: Mapping[str, str]


def read_header(
    line: Line,
    file: str,
    known: Mapping[str, tuple[str, ...]],
    required: Iterable[str],
    column_map: Mapping[str, str] | None = None,
) -> Header:
    """The header row, checked. `column_map` renames: the file's word -> ours."""
    cells = [cell.strip() for cell in line.cells]
    while cells and not cells[-1]:
        cells.pop()
    names = tuple(_our_name(cell, file, line.number, known, column_map or {}) for cell in cells)
    _refuse_twins(names, cells, file, line.number)
    for name in required:
        if name not in names:
            remedy = f"the header must hold {','.join(required)}"
            raise BadFile(file, f"column {name} is missing", remedy, row=line.number, column=name)
    return Header(names, dict(zip(names, cells, strict=True)))


def _our_name(
    cell: str, file: str, row: int, known: Mapping[str, tuple[str, ...]], column_map: Mapping[str, str]
) -> str:
    renamed = {match_key(theirs): ours for theirs, ours in column_map.items()}.get(match_key(cell), cell)
    names = {match_key(spelling): name for name, more in known.items() for spelling in (*more, name)}
    names |= {match_key(name.replace("_", "")): name for name in known}
    found = names.get(match_key(renamed)) or names.get(match_key(renamed).replace("_", "").replace("-", ""))
    if found is not None:
        return found
    near = get_close_matches(match_key(renamed), names, n=1)
    remedy = f"did you mean {names[near[0]]}?" if near else f"the known ones are {','.join(known)}"
    raise BadFile(file, f"{cell!r} is not a known column", remedy, row=row, column=cell or None)


def _refuse_twins(names: tuple[str, ...], cells: list[str], file: str, row: int) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            problem = f"{cells[names.index(name)]!r} and {cells[place]!r} are the same column"
            raise BadFile(file, problem, "remove one of them", row=row, column=name)
