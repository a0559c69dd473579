"""Migrations, run by code: from the source tree or from inside an installed wheel."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from worker.errors import DatabaseBehind
from worker.store.database import Database

#: Any number will do; it must only be the same in every process that upgrades.
_LOCK = 5_237_411_706


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables up to date. Two at once: the second waits for the first and finds nothing to do."""
    with _alone(database) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take migrations back, down to ``revision`` (``base``: all of them)."""
    with _alone(database) as connection:
        command.downgrade(_config(connection), revision)


def differences(database: Database) -> str | None:
    """What ``alembic check`` says: None where tables and migrations agree."""
    with database.engine.connect() as connection:
        try:
            command.check(_config(connection))
        except CommandError as error:
            return str(error)
    return None


def current(database: Database) -> str | None:
    """The revision the database is at; None: empty."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest revision this program knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def require_current(database: Database) -> None:
    """Raise DatabaseBehind unless the database is at this program's newest revision."""
    at = current(database)
    if at != head():
        state = "empty" if at is None else f"at revision {at}, this program at {head()}"
        raise DatabaseBehind(f"the database is {state}: run `meetingz db upgrade`")


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    engine = database.engine if not database.is_sqlite else database.engine.execution_options(meetingz_write=True)
    with engine.begin() as connection:
        if not database.is_sqlite:
            # A migration of large tables takes as long as it takes, and so does waiting for one. A table that somebody
            # else holds is not waited for as long: behind us, everybody would wait for it too.
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
                connection.execute(text(f"SET LOCAL {limit} = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        yield connection


def _config(connection: Connection | None = None) -> Config:
    config = Config(stdout=io.StringIO())  # Alembic chats; what it finds is returned or raised
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def folder() -> Path:
    """Where the migrations lie: beside the package in a source tree, inside it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "migrations"
    return beside if (beside / "env.py").is_file() else package / "_bundled" / "migrations"
