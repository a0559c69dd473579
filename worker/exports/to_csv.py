"""CSV for machines and for Excel: UTF-8 with BOM, ASCII headings, ISO 8601, no cell that starts a formula."""

import csv
import io
from datetime import date
from typing import BinaryIO

from worker.exports.table import Table
from worker.exports.text import guarded
from worker.exports.values import Plain, settled


def write_csv(table: Table, stream: BinaryIO) -> None:
    """Write the rows as they come. A leading apostrophe marks text that a spreadsheet would have run."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow([guarded(column.key) for column in table.columns])
        writer.writerows([_cell(value) for value in values] for _, values in settled(table))
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
