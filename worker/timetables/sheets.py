"""Workbooks (XLSX, XLS, ODS) and the HTML tables some offices call .xls -> numbered rows of text."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from lxml import etree, html
from python_calamine import CalamineError, CalamineWorkbook

from worker.timetables.csvfile import Line, decode, read_bytes, read_lines
from worker.timetables.extent import check_cell, check_extent
from worker.timetables.values import BadFile

_ZIP = b"PK\x03\x04"
_WORKBOOKS = (_ZIP, b"\xd0\xcf\x11\xe0")
_BREAKS = ("br", "p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre")
_LINE_BREAK = re.compile(rb"<(?:\w+:)?(?:line-break|tab)\b[^<>]*(?:/>|></(?:\w+:)?(?:line-break|tab)>)")
_LARGEST = 64 * 1024 * 1024


def read_table(path: Path) -> list[Line]:
    """The rows of a file, whatever holds them; what the bytes are counts more than what the name says."""
    head = read_bytes(path)[:2048]
    if head.startswith(_WORKBOOKS):
        return _workbook(path, zipped=head.startswith(_ZIP))
    if path.suffix.lower() in (".xlsx", ".xls", ".ods") and not head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise BadFile(path.name, "is not a workbook", "open it in a spreadsheet program and save it again")
    if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        return _html(path)
    return read_lines(path)


def _workbook(path: Path, *, zipped: bool) -> list[Line]:
    if path.stat().st_size > _LARGEST:
        raise BadFile(path.name, "is larger than 64 MB", "keep only the timetable in it")
    if zipped or zipfile.is_zipfile(path):
        check_extent(path)
    try:
        with CalamineWorkbook.from_object(_parted(path) or str(path)) as book:
            return _first_sheet(book, path.name)
    except BadFile:
        raise
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as error:
        remedy = "save it again without a password as XLSX or CSV UTF-8"
        raise BadFile(path.name, f"cannot be opened as a workbook ({error})", remedy) from error


def _parted(path: Path) -> io.BytesIO | None:
    """An OpenDocument file with spaces for its line breaks, which its reader leaves out; None where there are none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        content = archive.read("content.xml") if "content.xml" in archive.namelist() else b""
        if not _LINE_BREAK.search(content):
            return None
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as parted:
            for name in archive.namelist():
                whole = name != "content.xml"
                parted.writestr(name, archive.read(name) if whole else _LINE_BREAK.sub(b" ", content))
    copy.seek(0)
    return copy


def _first_sheet(book: Any, file: str) -> list[Line]:
    for name in book.sheet_names:
        if filled := list(_filled(book.get_sheet_by_name(name), file)):
            return filled
    return []


def _filled(sheet: Any, file: str) -> Iterator[Line]:
    """The rows that hold anything, one by one: a sheet may reach far beyond them."""
    if sheet.end is None:
        return
    check_cell(file, sheet.end[0] + 1, sheet.end[1] + 1, sheet.name)  # XLS was not looked at before
    left = [""] * sheet.start[1]  # columns that are empty in all rows
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if any(texts := [_text(cell) for cell in cells]):
            yield Line(number, left + texts)


def _text(cell: Any) -> str:
    """A typed cell as a CSV file would hold it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.9f}".rstrip("0").rstrip(".")
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(timespec="seconds")
    if isinstance(cell, timedelta):
        return f"{int(cell.total_seconds()) // 3600:02}:{int(cell.total_seconds()) // 60 % 60:02}"
    if isinstance(cell, time):
        return cell.isoformat(timespec="minutes")
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()


def _html(path: Path) -> list[Line]:
    """The largest table of a page. One that holds others is there for their layout."""
    try:
        page = html.document_fromstring(decode(read_bytes(path), path.name).encode(), parser=_parser())
    except (etree.LxmlError, ValueError) as error:
        raise BadFile(path.name, f"cannot be read as HTML ({error})", "save it as CSV UTF-8") from error
    tables: list[list[list[str]]] = [_cells(table) for table in page.iter("table") if table.find(".//table") is None]
    if not tables:
        raise BadFile(path.name, "holds no table", "save the page that shows the timetable")
    lines = [Line(number, cells) for number, cells in enumerate(sorted(tables, key=len)[-1], 1)]
    return [line for line in lines if any(line.cells)]


def _parser() -> Any:
    return html.HTMLParser(encoding="utf-8", no_network=True)


def _cells(table: Any) -> list[list[str]]:
    for element in table.iter(*_BREAKS):
        # Nothing but the tag parts the words; within a line, tags part no word.
        element.text, element.tail = f" {element.text or ''}", f" {element.tail or ''}"
    return [[" ".join(cell.text_content().split()) for cell in row.iter("td", "th")] for row in table.iter("tr")]
