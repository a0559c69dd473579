"""Values of rows, settled: each becomes one of a few plain types, and each instant stands in the zone of its row."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from worker.exports.table import Column, Kind, Row, Table

Plain: TypeAlias = bool | int | float | str | date | datetime | None


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The zone of that name, or None: names in rows come from elsewhere."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def zone_of(table: Table) -> ZoneInfo:
    """The zone in which the table speaks to people."""
    found = zone(table.timezone)
    if found is None:
        raise ValueError(f"unknown time zone {table.timezone!r}")
    return found


def settled(table: Table) -> Iterator[tuple[ZoneInfo, list[Plain]]]:
    """Each row as its zone and its plain values, in the order of the columns."""
    home = zone_of(table)
    columns = tuple((column.key, column.kind) for column in table.columns)
    for row in table.rows:
        place = _place(row, home)
        get: Callable[[str], Any] = row.get
        yield (
            place,
            [
                value if (value := get(key)) is None or type(value) is str else plain(value, kind, place)
                for key, kind in columns
            ],
        )


def plain(value: object, kind: Kind, place: tzinfo) -> Plain:
    """One value as a plain type. Refuses an instant without a zone: it could mean any hour."""
    if value is None or (isinstance(value, str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, datetime):
        return _moment(value, kind, place)
    if kind == "flag":
        return bool(value)
    return _simple(value)


def localised(column: Column) -> bool:
    """Whether values of this column are words of ours, to be said in the reader's language."""
    return column.kind == "status" or column.key in ("role", "state", "ended_by", "close_reason", "verdict")


def _place(row: Row, home: ZoneInfo) -> ZoneInfo:
    name = row.get("timezone")
    return (zone(name) or home) if isinstance(name, str) else home


def _moment(value: datetime, kind: Kind, place: tzinfo) -> date | datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    there = value.astimezone(place)
    return there.date() if kind == "date" else there


def _simple(value: object) -> Plain:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, int | str | date) else str(value) if value is not None else None


def _number(value: float | Decimal) -> float | int | None:
    """A finite number, or nothing: no format has a word for infinity that all readers share."""
    if not isfinite(value):
        return None
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else float(value)
