"""Rows of a sheet as XML, one string a row: what xlsxwriter does cell by cell is most of the time of a large workbook.

ECMA-376 part 1, 18.3.1.4 (cells), 18.4.12 (text), 22.9.2.19 (escapes). A cell is a number with a format or an inline
string; there is no way to make a formula or a link here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache, partial
from html import escape
from zoneinfo import ZoneInfo

from xlsxwriter.utility import xl_col_to_name

from worker.exports import people
from worker.exports.table import Column, Table
from worker.exports.text import clipped, harmless
from worker.exports.values import Plain, localised, zone_of
from worker.exports.words import value
from worker.exports.xlsx_style import first_date

CELL_UNITS = 32_767

_DAY, _EXACT = 86_400, 1e15
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - the wall clock: Excel knows no zones
_SCALES = {"seconds": _DAY, "percent": 100}
_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}_")
_REMEMBERED = 60  #: letters; what is longer is hardly met again


class Rows:
    """Makes the XML of rows. ``styles``: the numbers of the formats of kinds; ``elsewhere``: that of a zone's times."""

    def __init__(self, table: Table, styles: Mapping[str, int], elsewhere: Callable[[str], int]) -> None:
        self._home = zone_of(table)
        zones = lru_cache(None)(elsewhere)
        self._cells = [_cell(xl_col_to_name(at), each, table, styles, zones) for at, each in enumerate(table.columns)]
        self._dated = first_date(table)
        self._jalali = _inline(xl_col_to_name(len(self._cells)), styles["text"])

    def xml(self, number: int, place: ZoneInfo, values: Sequence[Plain]) -> str:
        """One row, by its number in the sheet; cells without a value are left out."""
        row, zone = str(number), "" if place is self._home else place.key
        cells = [write(row, cell, zone) for write, cell in zip(self._cells, values, strict=True) if cell is not None]
        if self._dated is not None and isinstance(day := values[self._dated], date):
            cells.append(self._jalali(row, _jalali(date(day.year, day.month, day.day))))
        return f'<row r="{row}">{"".join(cells)}</row>'


def said(column: Column, table: Table, cell: Plain) -> str | None:
    """The text of a cell that is written as text; None for one that is a number to Excel, or nothing."""
    if isinstance(cell, str):
        return value(cell, table.language) if localised(column) else cell
    if isinstance(cell, bool):
        return value("true" if cell else "false", table.language)
    if isinstance(cell, int | float):
        return str(cell) if abs(cell) >= _EXACT else None  # Excel would round its digits away
    return cell.isoformat() if cell is not None and cell.year < 1900 else None


def length(column: Column, cell: Plain, table: Table, place: ZoneInfo, home: ZoneInfo) -> int:
    """How many characters a cell shows, where its kind does not say it."""
    if isinstance(cell, datetime):
        return 15 if place is home else 17 + len(place.key)
    return len(said(column, table, cell) or "")


def _cell(
    letter: str, column: Column, table: Table, styles: Mapping[str, int], elsewhere: Callable[[str], int]
) -> Callable[[str, Plain, str], str]:
    """Writes the cells of one column; the zone is empty where it is the table's. The common types come first."""
    start, inline, ours = f'<c r="{letter}', _inline(letter, styles["text"]), localised(column)
    number, day, home = (f'" s="{styles.get(kind, styles["text"])}"><v>' for kind in (column.kind, "date", "instant"))
    scale = _SCALES.get(column.kind, 1)
    word = lru_cache(256)(partial(value, language=table.language))
    yes, no = value("true", table.language), value("false", table.language)

    def write(row: str, cell: Plain, zone: str) -> str:
        if type(cell) is str:
            return inline(row, word(cell) if ours else cell)
        if isinstance(cell, datetime) and cell.year >= 1900:
            form = f'" s="{elsewhere(zone)}"><v>' if zone else home
            return f"{start}{row}{form}{_serial(cell)}</v></c>"
        if (type(cell) is float or type(cell) is int) and -_EXACT < cell < _EXACT:
            return f"{start}{row}{number}{cell if scale == 1 else cell / scale}</v></c>"
        if isinstance(cell, bool):
            return inline(row, yes if cell else no)
        text = said(column, table, cell)
        if text is not None:
            return inline(row, text)
        assert isinstance(cell, date)
        return f"{start}{row}{day}{cell.toordinal() - _EPOCH.toordinal()}</v></c>"

    return write


def _inline(letter: str, style: int) -> Callable[[str, str], str]:
    start, middle = f'<c r="{letter}', f'" s="{style}" t="inlineStr"><is>'

    def write(row: str, text: str) -> str:
        return f"{start}{row}{middle}{_known(text) if len(text) < _REMEMBERED else _text(text)}</is></c>"

    return write


def _text(text: str) -> str:
    shown = escape(clipped(harmless(text), CELL_UNITS), quote=False)
    if "_x" in shown:  # or a name would be taken for an escape
        shown = _ESCAPE.sub(r"_x005F\g<0>", shown)
    return f'<t xml:space="preserve">{shown}</t>' if shown != shown.strip() else f"<t>{shown}</t>"


def _serial(moment: datetime) -> float:
    """Days since Excel's day nought, on the wall clock."""
    passed = moment.replace(tzinfo=None) - _EPOCH
    return passed.days + (passed.seconds + passed.microseconds / 1_000_000) / _DAY


_known = lru_cache(8192)(_text)
_jalali = lru_cache(1024)(people.jalali)
