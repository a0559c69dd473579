"""``INSERT ... ON CONFLICT`` in the two dialects: the database, not the program, decides what is new."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from worker.store.tables import Base

_ROWS = 1000
T = TypeVar("T")


def in_batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Slices of at most ``size``."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def insert_new(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert what is not there yet, skip what is. Returns how many were new."""
    # Counted by what comes back: rowcount of many rows at once is -1 on PostgreSQL.
    statement = _insert(session, table).on_conflict_do_nothing().returning(*table.__table__.primary_key)
    return sum(len(session.execute(statement, list(part)).all()) for part in in_batches(rows, _ROWS))


def put(session: Session, table: type[Base], row: Mapping[str, Any], key: Sequence[str]) -> None:
    """Insert one row, or overwrite the others of its columns where ``key`` is taken."""
    statement = _insert(session, table).values(dict(row))
    changed = {name: statement.excluded[name] for name in row if name not in key}
    if changed:
        session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))
    else:
        session.execute(statement.on_conflict_do_nothing())


def _insert(session: Session, table: type[Base]) -> Any:
    maker = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    assert isinstance(table.__table__, Table)
    return maker(table.__table__)
