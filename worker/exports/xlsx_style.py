"""How a workbook looks: formats by kind, colours by status, widths, names of sheets."""

import re
from collections.abc import Sequence
from typing import Any

from worker.exports.table import Column, Kind, Table
from worker.exports.text import clipped, harmless
from worker.exports.words import heading, value

DATE_TIME, DATE, DURATION = "yyyy-mm-dd hh:mm", "yyyy-mm-dd", "[h]:mm:ss"
_NUMBER_FORMATS: dict[Kind, str] = {
    "integer": "0",
    "number": "#,##0.0",
    "percent": "0.0%",
    "seconds": DURATION,
    "instant": DATE_TIME,
    "date": DATE,
}
_WIDTHS: dict[Kind, int] = {"instant": 17, "date": 12, "seconds": 10, "percent": 9}
_COLOURS = {
    "present": ("#E3F4E8", "#14652F"),
    "partial": ("#FFF3D6", "#7A5200"),
    "absent": ("#FDE4E1", "#9B1C12"),
    "unknown": ("#ECECF1", "#4A4A5A"),
    "excused": ("#E2EEFB", "#174E86"),
}
#: The letters of a matrix wear the colours of their words.
_COLOURS |= {
    letter: _COLOURS[word]
    for letter, word in zip("PLAUE", ("present", "partial", "absent", "unknown", "excused"), strict=True)
}
_WIDEST = 48
_TITLED = 12


class Style:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Any, table: Table) -> None:
        self._book, self._language = book, table.language
        self._font = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
        if table.language == "fa":
            self._font |= {"font_name": "Tahoma", "align": "right"}
        self.heading = self._made(bold=True, font_color="#FFFFFF", bg_color="#1F3A5F", text_wrap=True, valign="vcenter")
        self.title = self._made(bold=True, font_size=14)
        self.text = self._made()
        self.wrapped = self._made(text_wrap=True)
        self._kinds = {kind: self._made(num_format=form) for kind, form in _NUMBER_FORMATS.items()}
        self._colours = {
            word: book.add_format({"bg_color": ground, "font_color": ink}) for word, (ground, ink) in _COLOURS.items()
        }

    def patterns(self, zones: Sequence[str]) -> dict[str, Any]:
        """The formats of cells: by kind, and of times elsewhere: the zone stands beside them, the cell stays a date."""
        elsewhere = {zone: self._made(num_format=f'{DATE_TIME} "{zone}"') for zone in zones}
        kinds: dict[str, Any] = {str(kind): form for kind, form in self._kinds.items()}
        return {"text": self.text} | kinds | elsewhere

    def colour(self, sheet: Any, column: int, rows: int) -> None:
        """Colour the words of a status column."""
        for word, form in self._colours.items():
            rule = {"type": "cell", "criteria": "==", "value": f'"{value(word, self._language)}"', "format": form}
            sheet.conditional_format(1, column, max(rows, 1), column, rule)

    def _made(self, **properties: Any) -> Any:
        return self._book.add_format(self._font | properties)


def headings(table: Table) -> list[str]:
    """The headings in the table's language; the last is that of the added Jalali date, where the reader wants one."""
    titles = [column.title or heading(column.key, table.language) for column in table.columns]
    if first_date(table) is not None:
        titles.append(heading("jalali_date", table.language))
    return [clipped(harmless(title), 255) for title in titles]


def first_date(table: Table) -> int | None:
    """Which column the added Jalali date is taken from."""
    dated = (i for i, column in enumerate(table.columns) if column.kind in ("instant", "date"))
    return next(dated, None) if table.language == "fa" else None


def width(column: Column | None, title: str, longest: int) -> float:
    """A width in characters that shows the heading, its filter button and most values."""
    if column and column.title:
        return _TITLED  # a date over a letter: it is broken into two lines
    least = _WIDTHS.get(column.kind, 6) if column else 12
    return min(max(least, len(title) + 4, longest + 2), _WIDEST)


def sheet_name(wanted: str, part: int = 1) -> str:
    """A name that Excel accepts: 31 characters at most, none of its special ones, and a number from the second on."""
    suffix = f" ({part})" if part > 1 else ""
    clean = re.sub(r"[\[\]:*?/\\]", " ", harmless(wanted))
    kept = clean.encode("utf-16-le")[: (31 - len(suffix)) * 2].decode("utf-16-le", errors="ignore").strip(" '")
    return (kept if kept and kept.lower() != "history" else "Sheet") + suffix
