"""What an export is made of: columns with a kind, rows that stream by, and a few words for the reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Kind = Literal["text", "name", "integer", "number", "percent", "seconds", "instant", "date", "flag", "status"]
Language = Literal["en", "fa"]
Format = Literal["csv", "xlsx", "html", "json", "pdf"]
Row = Mapping[str, object]

FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Column:
    """A column: `key` is its key in every row and its heading for machines. A percent runs from 0 to 100.

    `title` is the heading for people where it is no word that the dictionary holds, such as a date.
    """

    key: str
    kind: Kind
    title: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows to be written, read once. A row may carry its own time zone under the key `timezone`."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    language: Language = "en"
    timezone: str = "UTC"
    title: str | None = None
    notes: tuple[str, ...] = ()
    generated_at: datetime | None = None
