"""Migrations: up, down, up again on both databases, and two at once."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests import migrations_check
from tests.conftest import DATABASES
from worker.errors import DatabaseBehind
from worker.store import database as database_module
from worker.store import migrate
from worker.store.database import Database
from worker.store.tables import Server

ROOT = Path(__file__).resolve().parents[2]
UPGRADE = "import sys; from worker.store import migrate; from worker.store.database import Database; "
UPGRADE += "migrate.upgrade(Database(sys.argv[1]))"


@pytest.fixture(params=DATABASES)
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.fixture
def empty(empty_url):
    database = Database(empty_url)
    yield database
    database.dispose()


def test_every_step_of_the_check(empty):
    migrations_check.one_head()
    for _, act in migrations_check.steps(empty):
        act()


def test_an_empty_database_is_refused_with_what_to_do(empty):
    with pytest.raises(DatabaseBehind, match="the database is empty: run `meetingz db upgrade`"):
        migrate.require_current(empty)


def test_threads_that_upgrade_at_once_all_succeed(empty_url):
    databases = [Database(empty_url) for _ in range(4)]
    together = threading.Barrier(4)

    def upgrade(database):
        together.wait()
        migrate.upgrade(database)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, databases))
    assert migrate.differences(databases[0]) is None
    for database in databases:
        database.dispose()


def test_processes_that_upgrade_at_once_all_succeed(empty_url, empty):
    command = [sys.executable, "-c", UPGRADE, empty_url]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    migrate.require_current(empty)


def test_an_upgrade_waits_for_another_and_takes_longer_than_any_other_statement_may(postgres, monkeypatch):
    url = postgres.empty()
    monkeypatch.setattr(database_module, "_LIMITS", "-c statement_timeout=200 -c lock_timeout=200")
    first, second = Database(url), Database(url)
    with ThreadPoolExecutor(1) as pool:
        with migrate._alone(first) as connection:
            waiting = pool.submit(migrate.upgrade, second)
            connection.execute(text("SELECT pg_sleep(0.6)"))
            assert not waiting.done()
        waiting.result(60)
    migrate.require_current(second)
    for database in (first, second):
        database.dispose()
    postgres.drop(url)


def test_an_upgrade_keeps_what_is_there(database):
    with database.write() as session:
        session.add(Server(name="one", api_url="https://x/", secret=b"x"))
    migrate.upgrade(database)
    with database.read() as session:
        assert session.scalars(select(Server.name)).all() == ["one"]
