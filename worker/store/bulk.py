"""Many rows at once: what would cost a statement or an object each goes to the database in one piece."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from worker.store.tables import Base

_REMEMBERED = 16384


def insert_many(session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert rows of plain values, skipping those that are there already. Returns how many were new."""
    if not rows:
        return 0
    made = table.__table__
    assert isinstance(made, Table)
    named = [made.columns[name] for name in columns]
    if session.get_bind().dialect.name == "sqlite":
        return _sqlite(session, made.name, named, rows)
    return _postgresql(session, made.name, named, rows)


def look_again(session: Session, *tables: type[Base]) -> None:
    """Have PostgreSQL count tables that have just grown: it looks by itself only once a minute, and until then may walk
    through all of them for each batch of a few (manual, 14.4.7).
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(table.__tablename__ for table in tables)
        session.connection().exec_driver_sql(f"ANALYZE {names}")


def _sqlite(session: Session, table: str, columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]) -> int:
    stored = [_written(column, session.get_bind().dialect) for column in columns]
    values = list(
        zip(*(_through(way, of) for way, of in zip(stored, zip(*rows, strict=True), strict=True)), strict=True)
    )
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({_names(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    return session.connection().exec_driver_sql(statement, values).rowcount


def _postgresql(session: Session, table: str, columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]) -> int:
    """One array a column, written by us: the driver would look at each value of a million one by one."""
    dialect = session.get_bind().dialect
    arrays = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    statement = f"INSERT INTO {table} ({_names(columns)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608
    values = tuple(f"{{{','.join(map(_literal, column))}}}" for column in zip(*rows, strict=True))
    return session.connection().exec_driver_sql(statement, values).rowcount


@lru_cache(_REMEMBERED, typed=True)
def _literal(value: object) -> str:
    """A value inside an array's text, as PostgreSQL reads it (manual, 8.15.6)."""
    if value is None:
        return "NULL"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


@lru_cache(64)
def _written(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """How SQLAlchemy would write a value; remembered, since classes of one hour share their times."""
    way = column.type.dialect_impl(dialect).bind_processor(dialect)
    return None if way is None else lru_cache(_REMEMBERED)(way)


def _through(way: Callable[[Any], Any] | None, values: Sequence[Any]) -> Sequence[Any]:
    return values if way is None else list(map(way, values))
