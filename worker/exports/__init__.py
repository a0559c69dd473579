"""Rows to files: CSV, XLSX, HTML, JSON, PDF. Knows no database; a caller hands over a `Table` and a place to write it.

* table.py     what a table is
* values.py    cells as plain values, times in the zone of their row
* text.py      strangers' names made harmless
* people.py    numbers and dates as people read them
* words.py     headings and values in English and Persian
* files.py     a file is there whole or not at all
* to_*.py      one format each
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, TypeAlias

from worker.exports.files import opened
from worker.exports.table import FORMATS, Column, Format, Kind, Language, Row, Table
from worker.exports.values import zone_of

__all__ = ["FORMATS", "Column", "Format", "Kind", "Language", "Row", "Table", "offered", "write"]

Writer: TypeAlias = Callable[[Table, BinaryIO], None]


def offered() -> tuple[Format, ...]:
    """The formats to show to people: PDF only where its extra is installed."""
    return FORMATS if find_spec("weasyprint") else tuple(form for form in FORMATS if form != "pdf")


def write(table: Table, format: Format, destination: Path | BinaryIO) -> None:
    """Write the table in that format. A path is replaced at once and only by a whole file; a stream is left open."""
    zone_of(table)
    writer = _writer(format)
    with opened(destination) as stream:
        writer(table, stream)


def _writer(format: Format) -> Writer:
    """The writer, imported when it is wanted: those of XLSX and HTML cost every command a fifth of a second."""
    if format not in FORMATS:
        raise ValueError(f"{format!r} is not a format; choose one of {', '.join(FORMATS)}")
    writer: Writer = getattr(import_module(f"worker.exports.to_{format}"), f"write_{format}")
    return writer
