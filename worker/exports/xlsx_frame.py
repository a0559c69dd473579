"""A workbook without its rows, as xlsxwriter makes it: everything but what stands between the tags of the data.

Formats, widths, filters, colours, the chart and the notes are xlsxwriter's. The first row of a sheet has the headings;
in the second stands one empty cell of each format, so that we read from it which number xlsxwriter gave the format.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from worker.exports import xlsx_style
from worker.exports.table import Table
from worker.exports.words import heading
from worker.exports.xlsx_notes import write_chart, write_notes

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_PATTERN = re.compile(rb'<row r="2".*?</row>')
_STYLE = re.compile(rb'<c r="[A-Z]+2" s="(\d+)"/>')
#: Readers take the used range from it where it is there, and ours is not known before the last row.
_DIMENSION = re.compile(rb"<dimension [^>]*/>")


@dataclass(frozen=True)
class Frame:
    """The parts of a workbook by their names, and the numbers of its formats by kind and zone."""

    parts: Mapping[str, bytes]
    formats: Sequence[str]

    def around(self, sheet: int) -> tuple[bytes, bytes]:
        """What stands before and after the rows of a sheet, counted from 1."""
        before, after = _PATTERN.split(self.parts[part(sheet)], maxsplit=1)
        return _DIMENSION.sub(b"", before), after

    @cached_property
    def styles(self) -> dict[str, int]:
        """The number of each format."""
        (row,) = _PATTERN.findall(self.parts[part(1)])
        return dict(zip(self.formats, map(int, _STYLE.findall(row)), strict=True))


def part(sheet: int) -> str:
    """The name of a sheet's part."""
    return f"xl/worksheets/sheet{sheet}.xml"


def frame(table: Table, rows: Sequence[int], longest: Sequence[int], zones: Sequence[str]) -> Frame:
    """The frame of so many sheets of so many rows; of each column the longest text that is known, and other zones."""
    target = BytesIO()
    with _workbook(target) as book:
        style = xlsx_style.Style(book, table)
        formats = style.patterns(zones)
        sheets = [
            _sheet(book, table, style, list(formats.values()), number, count, longest)
            for number, count in enumerate(rows, start=1)
        ]
        write_chart(book, table, sheets[0], rows[0])
        write_notes(book, table, style, {table.timezone, *zones})
    with zipfile.ZipFile(target) as made:
        return Frame({name: made.read(name) for name in made.namelist()}, list(formats))


def _sheet(
    book: Any,
    table: Table,
    style: xlsx_style.Style,
    formats: Sequence[Any],
    number: int,
    rows: int,
    longest: Sequence[int],
) -> Any:
    name = table.title or heading(table.name, table.language)
    sheet = book.add_worksheet(xlsx_style.sheet_name(name, number))
    titles = xlsx_style.headings(table)
    if table.language == "fa":
        sheet.right_to_left()
    sheet.freeze_panes(1, 0)
    sheet.set_row(0, 30)
    for position, title in enumerate(titles):
        sheet.write_string(0, position, title, style.heading)
        column = table.columns[position] if position < len(table.columns) else None
        sheet.set_column(position, position, xlsx_style.width(column, title, longest[position]))
        if column and column.kind == "status":
            style.colour(sheet, position, rows)
    for position, each in enumerate(formats):
        sheet.write_blank(1, position, None, each)
    sheet.autofilter(0, 0, rows, max(len(titles) - 1, 0))
    _print_well(sheet)
    return sheet


def _print_well(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


@contextmanager
def _workbook(target: BytesIO) -> Iterator[Any]:
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
