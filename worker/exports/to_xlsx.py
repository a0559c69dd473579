"""XLSX: typed cells, one row in memory at a time, no formula and no link made from anybody's text."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from worker.exports import people, xlsx_style
from worker.exports.table import Column, Table
from worker.exports.text import clipped, harmless
from worker.exports.values import Plain, localised, settled, zone_of
from worker.exports.words import heading, value
from worker.exports.xlsx_notes import write_chart, write_notes

SHEET_ROWS = 1_048_576
_CELL_UNITS = 32_767
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
}


def write_xlsx(table: Table, stream: BinaryIO) -> None:
    """Write a workbook: the rows, in as many sheets as they need, then a chart of totals, then the notes."""
    # The format is a zip with its index at the end, and a pipe cannot be wound back.
    with TemporaryFile() as spool:
        with _workbook(spool) as book:
            pages = Pages(book, table)
            for place, values in settled(table):
                pages.add(place, values)
            pages.finish()
            write_chart(book, table, *pages.filled[0])
            write_notes(book, table, pages.style, pages.zones)
        spool.seek(0)
        shutil.copyfileobj(spool, stream)


@contextmanager
def _workbook(target: Any) -> Iterator[Any]:
    with TemporaryDirectory(prefix="meetingz-") as folder:
        book = xlsxwriter.Workbook(target, _OPTIONS | {"tmpdir": folder})
        try:
            yield book
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None
        finally:
            for sheet in book.worksheets():
                with suppress(AttributeError):
                    sheet.row_data_fh.close()


class Pages:
    """The sheets that take the rows: a new one where Excel's last row is reached."""

    def __init__(self, book: Any, table: Table) -> None:
        self.style = xlsx_style.Style(book, table)
        self.zones = {table.timezone}
        self.filled: list[tuple[Any, int]] = []
        self._book, self._table = book, table
        self._home = zone_of(table).key
        self._headings = xlsx_style.headings(table)
        self._jalali = _first_date(table)
        if self._jalali is not None:
            self._headings.append(heading("jalali_date", table.language))
        self._turn()

    def add(self, place: ZoneInfo, values: list[Plain]) -> None:
        """Write one row."""
        if self._row == SHEET_ROWS - 1:
            self._close()
            self._turn()
        self._row += 1
        for position, (column, cell) in enumerate(zip(self._table.columns, values, strict=True)):
            self._put(position, column, cell, place.key)
        if self._jalali is not None and isinstance(cell := values[self._jalali], date):
            self._text(len(values), people.jalali(cell))

    def finish(self) -> None:
        """Close the last sheet."""
        self._close()

    def _turn(self) -> None:
        name = self._table.title or heading(self._table.name, self._table.language)
        self._sheet = self._book.add_worksheet(xlsx_style.sheet_name(name, len(self.filled) + 1))
        self._row, self._longest = 0, [0] * len(self._headings)
        if self._table.language == "fa":
            self._sheet.right_to_left()
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_row(0, 30)
        for position, title in enumerate(self._headings):
            self._sheet.write_string(0, position, title, self.style.heading)

    def _close(self) -> None:
        self._sheet.autofilter(0, 0, self._row, max(len(self._headings) - 1, 0))
        for position, title in enumerate(self._headings):
            column = self._table.columns[position] if position < len(self._table.columns) else None
            self._sheet.set_column(position, position, xlsx_style.width(column, title, self._longest[position]))
            if column and column.kind == "status":
                self.style.colour(self._sheet, position, self._row)
        _print_well(self._sheet)
        self.filled.append((self._sheet, self._row))

    def _put(self, position: int, column: Column, cell: Plain, place: str) -> None:
        match cell:
            case None:
                return
            case bool():
                self._text(position, value(str(cell).lower(), self._table.language))
            case int() | float():
                self._number(position, column, cell)
            case date() if cell.year >= 1900:
                self._date(position, column, cell, place)
            case date():
                self._text(position, cell.isoformat())
            case str():
                self._text(position, value(cell, self._table.language) if localised(column) else cell)

    def _text(self, position: int, text: str) -> None:
        shown = clipped(harmless(text), _CELL_UNITS)
        self._sheet.write_string(self._row, position, shown, self.style.text)
        self._longest[position] = max(self._longest[position], len(shown))

    def _number(self, position: int, column: Column, number: float) -> None:
        scale = {"seconds": 86_400, "percent": 100}.get(column.kind, 1)
        if abs(number) >= 1e15:  # Excel would round its digits away
            return self._text(position, str(number))
        self._sheet.write_number(self._row, position, number / scale, self.style.of(column.kind))
        return None

    def _date(self, position: int, column: Column, moment: date, place: str) -> None:
        form = self.style.of("date")
        if isinstance(moment, datetime):
            form = self.style.of("instant") if place == self._home else self.style.elsewhere(place)
            self.zones.add(place)
            moment = moment.replace(tzinfo=None)
            self._longest[position] = max(self._longest[position], 15 if place == self._home else 17 + len(place))
        self._sheet.write_datetime(self._row, position, moment, form)


def _first_date(table: Table) -> int | None:
    """Which column the added Jalali date is taken from, where the reader wants one."""
    dated = (i for i, column in enumerate(table.columns) if column.kind in ("instant", "date"))
    return next(dated, None) if table.language == "fa" else None


def _print_well(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
