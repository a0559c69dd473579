"""The engine and its two kinds of transaction: read and write.

SQLite (the embedded default) runs in WAL mode, and a write takes its lock at once (BEGIN IMMEDIATE), so that two
writers wait for each other instead of failing half way. PostgreSQL gets timeouts, so that nothing waits for ever.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from worker.domain.text import match_key
from worker.store.search import FOLD

_WRITE = "meetingz_write"
#: Seconds that SQLite waits for somebody else's lock.
_PATIENCE = 30
#: How long PostgreSQL works for us, waits for a lock, and waits for us in a transaction, in milliseconds.
_LIMITS = "-c statement_timeout=60000 -c lock_timeout=15000 -c idle_in_transaction_session_timeout=60000"


def complaint(error: StatementError) -> str:
    """What the database says, in one line: without the statement and its values, among which are names."""
    return str(error.orig).strip().split("\n")[0]


class Database:
    """One database. Cheap to make, opens nothing until used, safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = _engine(url)
        self._writer = self.engine.execution_options(**{_WRITE: True})

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state and writes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back by any error."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close every pooled connection; a forked child calls this before its first use."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        _make_folder(url)
        engine = create_engine(
            url, connect_args={"timeout": _PATIENCE, "check_same_thread": False}, pool_size=20, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": _LIMITS, "connect_timeout": 10},
    )
    event.listen(engine, "handle_error", _quote_no_row)
    return engine


def _quote_no_row(trouble: ExceptionContext) -> None:
    """Below its first line PostgreSQL quotes the row that it refused, and the text of an error goes into logs."""
    for error in (trouble.original_exception, trouble.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).strip().split("\n")[0],)


def _make_folder(url: str) -> None:
    path = url.partition(":///")[2].partition("?")[0]
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    _keep_a_wal(connection)
    connection.create_function(FOLD, 1, _fold, deterministic=True)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_PATIENCE * 1000}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _keep_a_wal(connection: Any) -> None:
    """Asked until it is so: to change the journal of a new file SQLite waits for nobody, whatever its timeout."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _fold(text: str | None) -> str | None:
    return None if text is None else match_key(text)


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
