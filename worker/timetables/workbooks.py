"""Workbooks to hand out: the timetable as XLSX, and an empty one with drop-downs for schools to fill in."""

from collections.abc import Iterable
from typing import IO, Any

import xlsxwriter

from worker.domain.calendars import WEEKDAYS
from worker.timetables.columns import TIMETABLE
from worker.timetables.native_out import native_rows
from worker.timetables.values import CourseDraft

_TEMPLATE = (
    "code", "title", "day", "start", "end", "from", "until", "weeks",
    "teacher_id", "teacher_name", "record", "expected", "room",
)  # fmt: skip
_ROWS = 2000
_CHOICES = {
    "en": {"weeks": ["all", "odd", "even"], "record": ["never", "manual", "always"]},
    "fa": {"weeks": ["همه", "فرد", "زوج"], "record": ["هرگز", "دستی", "همیشه"]},
}
_HELP = {
    "en": (
        ("code", "the same in all rows of one course"),
        ("day", "Saturday, or several: Saturday, Monday"),
        ("start, end", "08:00 and 09:30"),
        ("from, until", "2026-09-23 or 1405/07/01; the last day is included"),
        ("weeks", "odd: the week of the first day and each second one; even: those between"),
    ),
    "fa": (
        ("کد درس", "در همهٔ ردیف‌های یک درس یکسان"),
        ("روز", "شنبه، یا چند روز: شنبه و دوشنبه"),
        ("ساعت شروع، ساعت پایان", "08:00 و 09:30"),
        ("از تاریخ، تا تاریخ", "1405/07/01 یا 2026-09-23؛ روز آخر هم هست"),
        ("هفته", "فرد: هفتهٔ روز اول و هفته‌های یک‌درمیان پس از آن؛ زوج: هفته‌های میان آن‌ها"),
    ),
}
_SHOWN_FA = {"code": "کد درس", "from": "از تاریخ", "until": "تا تاریخ", "start": "ساعت شروع", "end": "ساعت پایان",
             "teacher_name": "نام استاد"}  # fmt: skip


def write_xlsx(courses: Iterable[CourseDraft], stream: IO[bytes]) -> None:
    """The native table as a workbook; every cell is text, so that no program reads a date or a formula into it."""
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, text = _sheet(book, "timetable", rtl=False)
    for number, cells in enumerate(native_rows(courses)):
        for place, cell in enumerate(cells):
            sheet.write_string(number, place, cell, text)
    book.close()


def template(stream: IO[bytes], language: str = "en") -> None:
    """An empty timetable with drop-downs, and a page of help behind it."""
    language = language if language in _CHOICES else "en"
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet, text = _sheet(book, "برنامه" if language == "fa" else "timetable", rtl=language == "fa")
    choices = _CHOICES[language] | {"day": [WEEKDAYS[language][day] for day in (5, 6, 0, 1, 2, 3, 4)]}
    bold = book.add_format({"bold": True, "bottom": 1})
    sheet.set_column(0, len(_TEMPLATE) - 1, 16, text)
    for place, name in enumerate(_TEMPLATE):
        sheet.write_string(0, place, _shown(name, language), bold)
        if name in choices:
            _drop_down(sheet, place, choices[name], strict=name != "day")
    _help(book, language)
    book.close()


def _sheet(book: Any, name: str, *, rtl: bool) -> tuple[Any, Any]:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    if rtl:
        sheet.right_to_left()
    return sheet, book.add_format({"num_format": "@"})


def _shown(name: str, language: str) -> str:
    return _SHOWN_FA.get(name, (*TIMETABLE[name], name)[0]) if language == "fa" else name


def _drop_down(sheet: Any, place: int, words: list[str], *, strict: bool) -> None:
    """A list to choose from; the day may also be typed, since there can be several in one cell."""
    kind = "stop" if strict else "information"
    rule = {"validate": "list", "source": words, "error_type": kind, "show_error": strict}
    sheet.data_validation(1, place, _ROWS, place, rule)


def _help(book: Any, language: str) -> None:
    sheet, _ = _sheet(book, "راهنما" if language == "fa" else "help", rtl=language == "fa")
    sheet.set_column(0, 1, 40)
    for number, (name, meaning) in enumerate(_HELP[language]):
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, meaning)
