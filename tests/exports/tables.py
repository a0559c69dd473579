"""Tables and readers for the tests: what was written is always looked at through somebody else's parser."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from lxml import html

from worker.exports import Column, Format, Language, Row, Table, write

NOON = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)  # 12:00 in Tehran, 1405/09/03

COLUMNS = (
    Column("occurrence", "integer"),
    Column("starts_at", "instant"),
    Column("full_name", "name"),
    Column("status", "status"),
    Column("late", "flag"),
    Column("seconds_present", "seconds"),
    Column("percent", "percent"),
)


def row(**changes: object) -> dict[str, object]:
    return {
        "occurrence": 1200,
        "starts_at": NOON,
        "full_name": "زهرا محمدی",
        "status": "present",
        "late": False,
        "seconds_present": 90_061,
        "percent": 83.25,
    } | changes


def table(rows: Iterable[Row], language: Language = "en", **changes: Any) -> Table:
    return Table("attendance", changes.pop("columns", COLUMNS), rows, language, **{"timezone": "Asia/Tehran"} | changes)


def names(*texts: str) -> Table:
    return table([{"full_name": text} for text in texts], columns=(Column("full_name", "name"),))


def many(count: int) -> Iterable[Row]:
    return (row(occurrence=i, starts_at=NOON + timedelta(seconds=i), full_name=f"Student {i}") for i in range(count))


def written(made: Table, form: Format) -> bytes:
    stream = io.BytesIO()
    write(made, form, stream)
    return stream.getvalue()


def csv_rows(made: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written(made, "csv").decode("utf-8-sig"), newline="")))


def json_rows(made: Table) -> Any:
    return json.loads(written(made, "json"))


def book(made: Table) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(written(made, "xlsx")))


def page(made: Table) -> html.HtmlElement:
    return html.document_fromstring(written(made, "html"), parser=html.HTMLParser(encoding="utf-8", huge_tree=True))


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
