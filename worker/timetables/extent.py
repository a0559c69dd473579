"""How far the cells of a workbook reach, asked before it is opened.

Readers of workbooks keep room for every cell between the first one and the last. One letter typed by mistake at the end
of a sheet asks for more memory than there is, and no error comes of it: the process is gone.
"""

import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.parsers import expat

from worker.timetables.values import BadFile

_ROWS, _COLUMNS, _CELLS = 200_000, 500, 3_000_000
_BYTES = 512 * 1024 * 1024
_CHUNK = 64 * 1024
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
)


def check_extent(path: Path) -> None:
    """Refuse a workbook of zipped XML (XLSX, ODS) that cannot be held in memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path.name)
    except BadFile:
        raise
    except _UNREADABLE as error:
        remedy = "save it again without a password as XLSX or CSV UTF-8"
        raise BadFile(path.name, f"cannot be opened as a workbook ({error})", remedy) from error


def check_cell(file: str, row: int, column: int, sheet: str, corner: tuple[int, int] = (0, 0)) -> None:
    """Refuse a filled cell that stretches its sheet too far; both count from 1, `corner` is how far others reach."""
    bottom, right = max(row, corner[0]), max(column, corner[1])
    if bottom > _ROWS or right > _COLUMNS or bottom * right > _CELLS:
        problem = f"cell {letters(column)}{row} of {sheet!r} is too far from the table"
        remedy = f"delete it, or part the table: {_ROWS:,} rows, {_COLUMNS} columns, {_CELLS:,} cells are read at most"
        raise BadFile(file, problem, remedy, row=row, column=letters(column))


def letters(column: int) -> str:
    """The name of a column in a spreadsheet: 1 is A, 27 is AA."""
    name = ""
    while column > 0:
        column, place = divmod(column - 1, 26)
        name = chr(ord("A") + place) + name
    return name


def _check(archive: zipfile.ZipFile, file: str) -> None:
    if "xl/workbook.bin" in archive.namelist():
        raise BadFile(file, "is a binary workbook (XLSB)", "save it as XLSX")
    left = _BYTES
    for part in archive.infolist():
        left -= _check_part(archive, part, file, left)


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, file: str, most: int) -> int:
    """Read one part to its end, and say how long it was."""
    parser = _parser(part.filename, file)
    part.file_size = 1 << 62  # what a file says of its own size may be a lie
    size = 0
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise BadFile(file, f"is larger than {_BYTES >> 20} MB unpacked", "keep only the timetable in it")
            if parser is not None:
                parser.Parse(chunk, False)
    if parser is not None:
        parser.Parse(b"", True)
    return size


def _parser(name: str, file: str) -> Any:
    """A parser for the parts that may hold cells: `content.xml` of ODS; of XLSX any, since a list inside names them."""
    if not name.lower().endswith(".xml"):
        return None
    sheet = _OpenDocument(file) if name == "content.xml" else _Sheet(file, Path(name).stem)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = sheet.start
    return parser


class _Sheet:
    """Hears the elements of a sheet of XLSX. A cell without a value, only formatted, is none."""

    def __init__(self, file: str, sheet: str) -> None:
        self.file, self.sheet = file, sheet
        self.row = self.column = 0
        self.corner = (0, 0)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Rows and cells say where they are, or follow the one before."""
        name = tag.rpartition(" ")[2]
        if name == "c":
            self.column += 1
            if place := attributes.get("r"):
                self.row, self.column = _place(place)
        elif name in ("v", "is"):
            if self.row > self.corner[0] or self.column > self.corner[1]:
                check_cell(self.file, self.row, self.column, self.sheet, self.corner)
                self.corner = max(self.corner[0], self.row), max(self.corner[1], self.column)
        elif name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0


class _OpenDocument:
    """Hears the elements of ODS, whose rows and cells say how often they are repeated."""

    def __init__(self, file: str) -> None:
        self.file, self.sheet = file, ""
        self.above = self.rows = self.before = self.columns = 0
        self.corner = (0, 0)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """What is repeated to the end of the sheet is empty as a rule, and takes no room."""
        space, _, name = tag.rpartition(" ")
        if name == "table":
            self.sheet = attributes.get(f"{space} name", "")
            self.above, self.rows, self.corner = 0, 0, (0, 0)
        elif name == "table-row":
            self.above, self.rows = self.above + self.rows, int(attributes.get(f"{space} number-rows-repeated", 1))
            self.before = self.columns = 0
        elif name in ("table-cell", "covered-table-cell"):
            self.before += self.columns
            self.columns = int(attributes.get(f"{space} number-columns-repeated", 1))
            if any(key.endswith(("value-type", " formula")) for key in attributes):
                self._filled()
        elif name == "p" and self.columns:
            self._filled()

    def _filled(self) -> None:
        bottom, right = self.above + self.rows, self.before + self.columns
        check_cell(self.file, bottom, right, self.sheet, self.corner)
        self.corner = max(self.corner[0], bottom), max(self.corner[1], right)


@lru_cache(maxsize=1024)
def _column(name: str) -> int:
    """The number of a column: A is 1, AA is 27."""
    column = 0
    for letter in name.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def _place(cell: str) -> tuple[int, int]:
    """`AB12` -> row 12, column 28."""
    name = cell.rstrip("0123456789")
    return int(cell[len(name) :]), _column(name)
