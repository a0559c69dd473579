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
    return _write(session, table, columns, rows, "DO NOTHING")


def put_many(session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert rows of plain values, or overwrite what has their primary key. Returns how many there are."""
    key = [column.name for column in table.__table__.primary_key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return _write(session, table, columns, rows, f"({', '.join(key)}) DO UPDATE SET {changed}")


def look_again(session: Session, *tables: type[Base]) -> None:
    """Have PostgreSQL count tables that have just grown: it looks by itself only once a minute, and until then may walk
    through all of them for each batch of a few (manual, 14.4.7).
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(table.__tablename__ for table in tables)
        session.connection().exec_driver_sql(f"ANALYZE {names}")


def _write(
    session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]], conflict: str
) -> int:
    if not rows:
        return 0
    made, dialect = table.__table__, session.get_bind().dialect
    assert isinstance(made, Table)
    named = [made.columns[name] for name in columns]
    into = f"INSERT INTO {made.name} ({', '.join(columns)})"
    source, values = _marks(named, dialect, rows) if dialect.name == "sqlite" else _arrays(named, dialect, rows)
    return session.connection().exec_driver_sql(f"{into} {source} ON CONFLICT {conflict}", values).rowcount


def _marks(columns: Sequence[Column[Any]], dialect: Dialect, rows: Sequence[tuple[Any, ...]]) -> tuple[str, Any]:
    stored = [_written(column, dialect) for column in columns]
    by_column = (_through(way, of) for way, of in zip(stored, zip(*rows, strict=True), strict=True))
    return f"VALUES ({', '.join('?' * len(columns))})", list(zip(*by_column, strict=True))


def _arrays(columns: Sequence[Column[Any]], dialect: Dialect, rows: Sequence[tuple[Any, ...]]) -> tuple[str, Any]:
    """One array a column, written by us: the driver would look at each value of a million one by one."""
    arrays = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    values = tuple(f"{{{','.join(map(_literal, column))}}}" for column in zip(*rows, strict=True))
    return f"SELECT * FROM unnest({arrays})", values  # noqa: S608


@lru_cache(_REMEMBERED, typed=True)
def _literal(value: object) -> str:
    """A value inside an array's text, as PostgreSQL reads it (manual, 8.15.6)."""
    if value is None:
        return "NULL"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


@lru_cache(64)
def _written(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """How SQLAlchemy would write a value; remembered, since classes of one hour share their times."""
    way = column.type.dialect_impl(dialect).bind_processor(dialect)
    return None if way is None else lru_cache(_REMEMBERED)(way)


def _through(way: Callable[[Any], Any] | None, values: Sequence[Any]) -> Sequence[Any]:
    return values if way is None else list(map(way, values))
