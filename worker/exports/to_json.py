"""JSON: one list of objects with the columns' keys, written row by row."""

import json
import re
from datetime import date
from typing import BinaryIO

from worker.exports.table import Table
from worker.exports.text import whole
from worker.exports.values import Plain, settled

# The same string to every parser, and nothing that a terminal would act upon.
_TERMINAL = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def write_json(table: Table, stream: BinaryIO) -> None:
    """Write the rows as they come. Text is exact: nothing is put in front of it or taken away."""
    keys = [column.key for column in table.columns]
    stream.write(b"[")
    before = b"\n"
    for _, values in settled(table):
        line = json.dumps(dict(zip(keys, map(_value, values), strict=True)), ensure_ascii=False, allow_nan=False)
        stream.write(before + _TERMINAL.sub(_escaped, line).encode())
        before = b",\n"
    stream.write(b"\n]\n" if before != b"\n" else b"]\n")


def _value(value: Plain) -> bool | int | float | str | None:
    if isinstance(value, str):
        return whole(value)
    return value.isoformat() if isinstance(value, date) else value


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
