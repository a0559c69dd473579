"""XLSX: typed cells, a few rows in memory at a time, no formula and no link made from anybody's text.

xlsxwriter makes the workbook (`xlsx_frame`); the rows are written into it as they come (`xlsx_rows`).
"""

import shutil
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from worker.exports.table import Table
from worker.exports.values import Plain, settled, zone_of
from worker.exports.xlsx_frame import Frame, frame, part
from worker.exports.xlsx_rows import Rows, length
from worker.exports.xlsx_style import headings

SHEET_ROWS = 1_048_576
#: A part of more than 2 GiB needs zip64, which not every reader knows.
SHEET_BYTES = 2**31 - 2**26
#: Columns are as wide as the texts of so many rows need.
_LOOKED_AT = 500
_BLOCK = 256

Values = tuple[ZoneInfo, list[Plain]]


def write_xlsx(table: Table, stream: BinaryIO) -> None:
    """Write a workbook: the rows, in as many sheets as they need, then a chart of totals, then the notes."""
    # The format is a zip with its index at the end, and a pipe cannot be wound back.
    with TemporaryFile() as spool:
        with ZipFile(spool, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            _Book(table, archive).write()
        spool.seek(0)
        shutil.copyfileobj(spool, stream)


class _Book:
    """The sheets that take the rows: a new one where Excel's last row is reached."""

    def __init__(self, table: Table, archive: ZipFile) -> None:
        self._table, self._archive = table, archive
        self._counts: list[int] = []
        self._zones: list[str] = []
        self._longest = [0] * len(headings(table))

    def write(self) -> None:
        """Write everything."""
        rows = settled(self._table)
        first = list(islice(rows, _LOOKED_AT))
        self._look(first)
        waiting = chain(first, rows)
        row = next(waiting, None)
        made, row = self._sheet(row, waiting)
        while row is not None:
            made, row = self._sheet(row, waiting)
        for name in made.parts.keys() - {part(sheet) for sheet in range(1, len(self._counts) + 1)}:
            self._archive.writestr(name, made.parts[name])

    def _look(self, rows: Sequence[Values]) -> None:
        home = zone_of(self._table)
        for place, values in rows:
            for at, (column, cell) in enumerate(zip(self._table.columns, values, strict=True)):
                self._longest[at] = max(self._longest[at], length(column, cell, self._table, place, home))

    def _sheet(self, row: Values | None, waiting: Iterator[Values]) -> tuple[Frame, Values | None]:
        """Write one sheet: this row and as many of those that wait as it takes. Its frame, and the next row."""
        number = len(self._counts) + 1
        made = self._frame([*self._counts, 1])
        with self._archive.open(part(number), "w") as out:
            out.write(made.around(number)[0])
            row = self._fill(out, Rows(self._table, made.styles, self._elsewhere), row, waiting)
            made = self._frame(self._counts)
            out.write(made.around(number)[1])
        return made, row

    def _fill(self, out: IO[bytes], rows: Rows, row: Values | None, waiting: Iterator[Values]) -> Values | None:
        count = size = 0
        while row is not None and count < SHEET_ROWS - 1 and size < SHEET_BYTES:
            block: list[str] = []
            while row is not None and count < SHEET_ROWS - 1 and len(block) < _BLOCK:
                count += 1
                block.append(rows.xml(count + 1, *row))
                row = next(waiting, None)
            size += out.write("".join(block).encode())
        self._counts.append(count)
        return row

    def _frame(self, counts: Sequence[int]) -> Frame:
        """The frame of sheets of so many rows, with the zones that were met so far."""
        return frame(self._table, counts, self._longest, self._zones)

    def _elsewhere(self, zone: str) -> int:
        """The number of the format of times in a zone that is met for the first time."""
        self._zones.append(zone)
        return self._frame([1]).styles[zone]
