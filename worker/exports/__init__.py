"""Rows to files: CSV, XLSX, HTML, JSON. Knows no database; a caller hands over a `Table` and a place to write it.

* table.py     what a table is
* values.py    cells as plain values, times in the zone of their row
* text.py      strangers' names made harmless
* people.py    numbers and dates as people read them
* words.py     headings and values in English and Persian
* files.py     a file is there whole or not at all
* to_*.py      one format each
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from worker.exports.files import opened
from worker.exports.table import FORMATS, Column, Format, Kind, Language, Row, Table
from worker.exports.to_csv import write_csv
from worker.exports.to_html import write_html
from worker.exports.to_json import write_json
from worker.exports.to_xlsx import write_xlsx
from worker.exports.values import zone_of

__all__ = ["FORMATS", "Column", "Format", "Kind", "Language", "Row", "Table", "write"]

Writer: TypeAlias = Callable[[Table, BinaryIO], None]

_WRITERS: dict[Format, Writer] = {"csv": write_csv, "xlsx": write_xlsx, "html": write_html, "json": write_json}


def write(table: Table, format: Format, destination: Path | BinaryIO) -> None:
    """Write the table in that format. A path is replaced at once and only by a whole file; a stream is left open."""
    zone_of(table)
    writer = _WRITERS[format]
    with opened(destination) as stream:
        writer(table, stream)
