"""A real installation, broken in one way after another: the command names what is wrong, where, and what to do."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def installation(meetingz, school, server, secret):
    """Courses, a roster, a server that answers; no loop has ever run."""
    assert meetingz("server", "add", "north", server.base_url, "--secret-env", secret).code == 0
    return school


@pytest.fixture
def wrong(meetingz):
    """What doctor finds wrong: check -> (detail, remedy)."""

    def _():
        told = meetingz("doctor", "--json")
        found = {each["check"]: (each["detail"], each["remedy"]) for each in told.json if not each["ok"]}
        assert told.code == (1 if found else 0)
        assert told.err == ""
        for detail, remedy in found.values():
            assert "\n" not in detail
            assert remedy
        return found

    return _


LOOPS = {f"loop {loop}" for loop in ("plan", "provision", "poll", "end", "harvest")}


def test_a_new_installation_lacks_only_its_loops(wrong, meetingz, installation):
    found = wrong()
    pulse = meetingz("doctor", "--pulse", "--json")
    assert (pulse.code, {each["check"] for each in pulse.json}) == (1, LOOPS)
    assert set(found) == LOOPS
    assert found["loop poll"] == (
        "has never run",
        "is worker and beat running? `meetingz up`, or `celery -A worker.celery_app worker` and `... beat`",
    )


def test_after_one_sweep_of_each_nothing_is_wrong_until_its_beat_is_dead(wrong, meetingz, installation):
    for loop in ("plan", "provision", "poll", "end", "harvest"):
        assert meetingz("run", loop).code == 0
    assert wrong() == {}
    with closing(sqlite3.connect(installation / "var" / "meetingz.db")) as database, database:
        database.execute("UPDATE pulses SET ended_at = '2026-01-01 00:00:00' WHERE loop = 'poll'")
    (check, (detail, _)), *others = wrong().items()
    assert (check, others) == ("loop poll", [])
    assert detail.startswith("last ran ")


@pytest.mark.parametrize(
    ("variable", "check", "path"),
    [
        ("MEETINGZ_ARCHIVE_URL", "archive folder", "taken/files"),
        ("MEETINGZ_HEARTBEAT_FILE", "heartbeat folder", "taken/beats/worker"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named_with_its_setting(
    wrong, installation, monkeypatch, variable, check, path
):
    (installation / "taken").write_text("a file where a folder should be")
    monkeypatch.setenv(variable, str(installation / path))
    detail, remedy = wrong()[check]
    assert str(installation / "taken") in detail
    assert detail.endswith("cannot be written: Not a directory")
    assert variable in remedy


def test_an_archive_whose_library_is_missing_is_named(wrong, installation, monkeypatch):
    monkeypatch.setenv("MEETINGZ_ARCHIVE_URL", "nothing://bucket/files")
    assert wrong()["archive"][0].startswith("MEETINGZ_ARCHIVE_URL: ")


def test_a_data_folder_that_cannot_be_made_is_one_line_of_any_command(meetingz, here, monkeypatch):
    (here / "taken").write_text("a file")
    monkeypatch.setenv("MEETINGZ_DATA_DIR", str(here / "taken" / "data"))
    told = meetingz("doctor")
    assert told.code == 1
    assert told.err.count("\n") == 1
    assert "Not a directory" in told.err
    assert "MEETINGZ_DATA_DIR" in told.err


def test_a_data_folder_that_cannot_be_written_is_found_where_the_database_is_elsewhere(
    wrong, installation, monkeypatch
):
    (installation / "taken").write_text("a file")
    monkeypatch.setenv("MEETINGZ_DATABASE_URL", f"sqlite:///{installation / 'var' / 'meetingz.db'}")
    monkeypatch.setenv("MEETINGZ_SECRET_KEY", (installation / "var" / "secret.key").read_text())
    monkeypatch.setenv("MEETINGZ_DATA_DIR", str(installation / "taken"))
    detail, remedy = wrong()["data folder"]
    assert "File exists" in detail
    assert "MEETINGZ_DATA_DIR" in remedy


def test_a_key_that_others_can_read_is_named_with_the_command_that_mends_it(wrong, installation):
    key = installation / "var" / "secret.key"
    key.chmod(0o644)
    assert wrong()["key file"] == ("var/secret.key has mode 0644", "chmod 600 var/secret.key")
    key.chmod(0o600)
    assert "key file" not in wrong()


def test_a_disk_with_less_than_the_reserve_is_told_only_where_something_is_downloaded(
    wrong, meetingz, installation, monkeypatch
):
    monkeypatch.setenv("MEETINGZ_DOWNLOAD_RESERVE_BYTES", str(2**60))
    assert "archive disk" not in wrong()
    assert meetingz("recordings", "policy", "ALG-101", "--download").code == 0
    detail, remedy = wrong()["archive disk"]
    assert "MiB free in" in detail
    assert remedy == "make room"


def test_a_server_that_cannot_be_reached_is_found_though_no_poll_has_ever_run(wrong, meetingz, installation, secret):
    address = "http://127.0.0.1:9/bigbluebutton/"
    assert meetingz("server", "add", "south", address, "--secret-env", secret).code == 0
    found = wrong()
    assert found["server south"][1] == "meetingz server check south"
    assert "server north" not in found


def test_a_server_whose_secret_is_wrong_is_found(wrong, meetingz, installation, monkeypatch):
    monkeypatch.setenv("OTHER", "not the secret")
    assert meetingz("server", "set", "north", "--secret-env", "OTHER").code == 0
    assert "checksumError" in wrong()["server north"][0]


def test_a_server_whose_secret_was_written_with_a_lost_key_is_found(wrong, installation, monkeypatch):
    monkeypatch.setenv("MEETINGZ_SECRET_KEY", "another key than that of before")
    assert "cannot be read with this MEETINGZ_SECRET_KEY" in wrong()["server north"][0]


def test_tables_of_another_version_are_found(wrong, installation):
    with closing(sqlite3.connect(installation / "var" / "meetingz.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'older'")
    detail, remedy = wrong()["database"]
    assert detail.startswith("the database is at revision older")
    assert remedy == "meetingz db upgrade"


def test_a_database_that_is_away_is_a_finding_among_others(wrong, installation, monkeypatch):
    monkeypatch.setenv("MEETINGZ_DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:9/none")
    (installation / "var" / "secret.key").chmod(0o640)
    found = wrong()
    assert set(found) == {"database", "key file"}
    assert "MEETINGZ_DATABASE_URL" in found["database"][1]
    assert "hunter2" not in found["database"][0]


def test_rooms_that_should_be_open_are_a_backlog(wrong, meetingz, installation):
    start = datetime.now(UTC) + timedelta(minutes=2)
    times = ("--start", start.isoformat(), "--end", (start + timedelta(hours=1)).isoformat())
    assert meetingz("occurrence", "add", "ALG-101", *times).code == 0
    assert wrong()["rooms"][0] == "1 should be open and are not"
