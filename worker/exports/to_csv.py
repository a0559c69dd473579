"""CSV for machines and for Excel: UTF-8 with BOM, ASCII headings, ISO 8601, no cell that starts a formula."""

import codecs
import csv
import io
from collections.abc import Iterable
from datetime import date
from typing import BinaryIO

from worker.exports.table import Table
from worker.exports.text import guarded
from worker.exports.values import Plain, settled


def write_csv(table: Table, stream: BinaryIO) -> None:
    """Write the rows as they come. A leading apostrophe marks text that a spreadsheet would have run."""
    begin(table, stream)
    append(table, stream)


def begin(table: Table, stream: BinaryIO) -> None:
    """Write the byte order mark and the headings."""
    stream.write(codecs.BOM_UTF8)
    _write([[guarded(column.key) for column in table.columns]], stream)


def append(table: Table, stream: BinaryIO) -> None:
    """Write the rows alone."""
    _write(([_cell(value) for value in values] for _, values in settled(table)), stream)


def cell(text: str) -> str:
    """A text as it stands between two commas: harmless, and in quotes where it needs them."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow([guarded(text), ""])
    return line.getvalue()[:-1]


def _write(rows: Iterable[list[str | int | float]], stream: BinaryIO) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        csv.writer(text).writerows(rows)
    finally:
        text.detach()


def _cell(value: Plain) -> str | int | float:
    match value:
        case str():
            return guarded(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case date():
            return value.isoformat()
    return ""
