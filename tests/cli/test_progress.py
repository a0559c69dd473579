"""A report that goes to a file counts its rows on the terminal; what goes elsewhere is left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exports.tables import NOON
from worker.operations import context as contexts
from worker.settings import Settings
from worker.store import migrate
from worker.store.tables import Course, Occurrence, Participant

ROOT = Path(__file__).parents[2]


@pytest.fixture
def school(tmp_path):
    """One class of six hundred."""
    context = contexts.make(Settings(data_dir=tmp_path, database_url=""))
    migrate.upgrade(context.database)
    times = dict.fromkeys(("original_start", "starts_at", "ends_at", "opens_at", "closes_at", "settled_at"), NOON)
    with context.database.write() as session:
        session.add(Course(id=1, code="A", title="T", timezone="UTC", options={}))
        session.flush()
        session.add(Occurrence(id=1, course_id=1, planned_at=NOON, **times))
        everyone = (
            {"course_id": 1, "user_id": f"u{number}", "full_name": "N", "role": "viewer"} for number in range(600)
        )
        session.add_all(Participant(**one) for one in everyone)
    context.database.dispose()
    return tmp_path


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_rows_are_counted_on_a_terminal(school, form):
    reading, terminal = os.openpty()
    command = [sys.executable, "-m", "worker", "report", "attendance", "--until", "2027-01-01", "-o", f"out.{form}"]
    environment = os.environ | {"MEETINGZ_DATA_DIR": str(school), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    done = subprocess.run(command, cwd=school, env=environment, stderr=terminal, stdout=subprocess.PIPE, check=False)
    os.close(terminal)
    told = os.read(reading, 100_000).decode()
    os.close(reading)

    assert done.returncode == 0
    assert f"out.{form}" in told
    assert "rows" in told
    assert (school / f"out.{form}").stat().st_size > 600
