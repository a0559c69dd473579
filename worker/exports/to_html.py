"""HTML: one file that asks nobody for anything, reads well on paper, and lets no name speak as markup."""

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import BinaryIO
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, Template
from jinja2.environment import TemplateStream
from markupsafe import Markup

from worker.exports import people
from worker.exports.charts import Series
from worker.exports.table import Column, Table
from worker.exports.text import harmless
from worker.exports.values import Plain, localised, settled, zone_of
from worker.exports.words import VALUES, heading, phrase, value

_LONG = 40
_LETTERS = {"P": "present", "L": "partial", "A": "absent", "U": "unknown", "E": "excused"}
_STATUSES = ("present", "partial", "absent", "excused", "unknown")
#: Stands beside the status that holds: counted with it, everybody would be counted twice.
_BESIDE = "observed_status"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as the template shows it: the text, its look, and of a time what lies behind it."""

    text: str
    look: str = ""
    exact: str = ""
    place: str = ""


def write_html(table: Table, stream: BinaryIO) -> None:
    """Write a page. The rows are held in memory, for the summary above them counts them."""
    rendered(table).dump(stream, encoding="utf-8")


def rendered(table: Table) -> TemplateStream:
    """The page, in pieces."""
    counts: Counter[str] = Counter()
    series = Series(table)
    rows = []
    for place, values in settled(table):
        rows.append(_row(table, place, values, counts))
        series.add(values)
    page = _template().stream(
        table=table,
        title=harmless(" · ".join(filter(None, (heading(table.name, table.language), table.title)))),
        headings=[
            (column.kind, harmless(column.title or heading(column.key, table.language))) for column in table.columns
        ],
        rows=rows,
        chart=series.svg(),
        facts=_facts(table, len(rows)),
        tally=_tally(table, counts),
        notes=[harmless(note) for note in table.notes],
        phrase=lambda key: phrase(key, table.language),
        direction="rtl" if table.language == "fa" else "ltr",
        **_styles(),
    )
    page.enable_buffering(64)
    return page


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("worker.exports"), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )


def _template() -> Template:
    return _environment().get_template("table.html.jinja")


@cache
def _styles() -> dict[str, Markup]:
    """The style sheet and the digest by which the page's policy allows it, and nothing else."""
    sheet = _environment().get_template("table.css").render()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return {"styles": Markup(sheet), "digest": Markup(digest)}  # noqa: S704 - both are ours


def _row(table: Table, place: ZoneInfo, values: list[Plain], counts: Counter[str]) -> list[Cell]:
    for column, cell in zip(table.columns, values, strict=True):
        if column.kind == "status" and column.key != _BESIDE and isinstance(cell, str):
            counts[cell] += 1
    return [_cell(table, column, cell, place) for column, cell in zip(table.columns, values, strict=True)]


def _cell(table: Table, column: Column, cell: Plain, place: ZoneInfo) -> Cell:
    match cell:
        case None:
            return Cell("")
        case bool():
            return Cell(value(str(cell).lower(), table.language), f"flag {str(cell).lower()}")
        case int() | float():
            return Cell(_number(table, column, cell))
        case datetime():
            elsewhere = "" if place.key == zone_of(table).key else place.key
            return Cell(people.moment(cell, table.language), exact=cell.isoformat(), place=elsewhere)
        case date():
            return Cell(people.day(cell, table.language), exact=cell.isoformat())
        case str():
            return _words(table, column, cell)


def _number(table: Table, column: Column, number: float) -> str:
    if column.kind == "percent":
        return people.percent(number, table.language)
    if column.kind == "seconds":
        return people.duration(number, table.language)
    return people.number(number, table.language)


def _words(table: Table, column: Column, text: str) -> Cell:
    shown = harmless(value(text, table.language) if localised(column) else text)
    if column.kind == "status":
        word = _LETTERS.get(text, text)
        return Cell(shown, f"badge {word}" if word in _STATUSES else "badge")
    return Cell(shown, "long" if len(shown) > _LONG else "")


def _facts(table: Table, rows: int) -> list[str]:
    facts = [phrase("rows", table.language).format(count=people.number(rows, table.language))]
    if table.generated_at:
        moment = people.moment(table.generated_at.astimezone(zone_of(table)), table.language)
        facts.append(phrase("generated", table.language).format(moment=moment))
    return [*facts, phrase("zone", table.language).format(zone=table.timezone)]


def _tally(table: Table, counts: Counter[str]) -> list[tuple[Cell, str]]:
    """How often each status occurs: ours in their order, then the others."""
    known = (word for word in counts if word in VALUES)
    ordered = sorted(known, key=lambda word: (*_STATUSES, _LETTERS.get(word, word)).index(_LETTERS.get(word, word)))
    return [
        (_words(table, Column("status", "status"), word), people.number(counts[word], table.language))
        for word in ordered
    ]
