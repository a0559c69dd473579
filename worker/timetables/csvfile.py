"""Bytes of a CSV file -> numbered rows of text. Whatever is wrong with the bytes is said with its row."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from worker.timetables.values import BadFile

_SAVE = 'save it as "CSV UTF-8"'
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """One record and the physical line it begins on; the header is row 1."""

    number: int
    cells: list[str]


def read_lines(path: Path) -> list[Line]:
    """All records that are not blank."""
    name = path.name
    text = decode(read_bytes(path), name)
    return [line for line in _records(text, name) if any(cell.strip() for cell in line.cells)]


def read_bytes(path: Path) -> bytes:
    """The file, or why it cannot be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(path.name or str(path), f"cannot be read ({error.strerror})", "check the path") from error


def decode(data: bytes, name: str) -> str:
    """UTF-8 text, with or without a byte order mark."""
    if data.startswith(_UTF16):
        raise BadFile(name, "is UTF-16, not UTF-8", _SAVE, row=1)
    if b"\0" in data:
        raise BadFile(name, "holds a NUL byte", f"{_SAVE}, and clear the cell", row=_row_of(data, data.index(b"\0")))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise BadFile(name, problem, _SAVE, row=_row_of(data, error.start)) from error


def _row_of(data: bytes, position: int) -> int:
    return len((data[:position] + b".").decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _records(text: str, name: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    before = 0
    try:
        for cells in reader:
            yield Line(before + 1, cells)
            before = reader.line_num
    except csv.Error as error:
        problem = f"is not well-formed CSV ({error})"
        raise BadFile(
            name, problem, "look for a quotation mark that is not closed or not doubled", row=before + 1
        ) from error


def _delimiter(text: str) -> str:
    """Spreadsheets of some countries separate with semicolons, and some people paste tabs."""
    header = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    return max(",;\t", key=header.count)
