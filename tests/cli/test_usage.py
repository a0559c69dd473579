"""What holds for every command: help, usage errors in one line, one JSON document, any folder."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import typer

from tests.cli.conftest import MEETINGZ
from worker.cli import app, door


def commands(group=None, path=()):
    """Every command with its path: ("server", "add") and so on."""
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_says_what_it_is_for(path):
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None) or parameter.name in ("help", "as_json"), parameter.name


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_answers_help(meetingz, path):
    told = meetingz(*path, "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"Usage: meetingz {' '.join(path)}")


USAGE = [
    ("bogus",),
    ("server", "bogus"),
    ("server", "add"),
    ("server", "add", "one", "https://example.org/"),
    ("server", "add", "one", "https://example.org/", "--secret-env", "X", "--secret-stdin"),
    ("server", "add", "one", "https://example.org/", "--checksum", "md5", "--secret-env", "X"),
    ("server", "list", "--bogus"),
    ("run", "bogus"),
    ("occurrence", "move", "abc", "--start", "x", "--end", "y"),
    ("occurrence", "cancel", "1"),
    ("occurrence", "show", str(2**63)),
    ("report", "attendance", "--format", "doc"),
    ("report", "attendance", "-o", "x.doc"),
    ("report", "attendance", "--lang", "de"),
    ("timetable", "import", "x.csv", "--format", "pdf"),
    ("timetable", "export", "-o", "x.pdf"),
    ("demo", "--seconds", "5"),
    ("simulate", "--profile", "Z"),
    ("simulate", "--secret-env", "NOPE"),
]


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_what_was_typed_wrongly_is_said_in_one_line(meetingz, words):
    told = meetingz(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("meetingz")
    assert told.err.count("\n") == 1
    assert "--help`" in told.err


@pytest.mark.parametrize("words", [(), ("server",), ("report",)], ids=" ".join)
def test_no_command_shows_what_there_is(meetingz, words):
    told = meetingz(*words)
    assert told.code == 2
    assert "Commands:" in told.err


def test_the_version_is_told(meetingz):
    told = meetingz("--version")
    assert told.code == 0
    assert told.out.startswith("meetingz-worker ")


def test_help_imports_nothing_heavy():
    """It answers at once because it reads little."""
    told = subprocess.run([sys.executable, "-X", "importtime", MEETINGZ, "--help"], capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "worker.cli" in imported
    assert not imported & {"celery", "sqlalchemy", "rich", "lxml", "requests", "pydantic", "fastapi"}
    assert len(imported) < 400


#: One command of each group as a process of its own, and the keys of what it prints.
GROUPS = [
    (("server", "list"), set()),
    (("course", "list"), {"code", "title", "timezone", "record"}),
    (("roster", "list", "ALG-101"), {"user_id", "full_name", "role", "from", "until"}),
    (
        ("occurrence", "list"),
        {
            "id",
            "course",
            "title",
            "starts_at",
            "ends_at",
            "state",
            "server",
            "meeting_id",
            "internal_meeting_id",
            "cancelled",
        },
    ),
    (("recordings", "list"), set()),
    (("timetable", "check"), set()),
    (("holiday", "list"), set()),
    (("user", "list"), set()),
    (("doctor",), {"check", "ok", "detail", "remedy"}),
]


@pytest.mark.parametrize(("words", "keys"), GROUPS, ids=[" ".join(words) for words, _ in GROUPS])
def test_a_listing_prints_one_json_document_and_nothing_else(school, process, words, keys):
    told = process(*words, "--json")
    assert told.err == ""
    rows = told.json
    assert isinstance(rows, list)
    if keys:
        assert keys <= set(rows[0])


def test_live_and_changes_print_one_json_document(school, process):
    live = process("live", "--json").json
    assert set(live) == {"at", "meetings", "participants", "courses"}
    imported = process("timetable", "import", "timetable.csv", "--json").json
    assert imported["unchanged"] == ["ALG-101", "PHY-201"]
    assert process("db", "check").code == 0
    assert json.loads(process("report", "attendance", "--format", "json").out) == []


def test_any_folder_will_do(school, process, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    told = process("course", "list", "--json", folder=elsewhere, MEETINGZ_DATA_DIR=str(school / "var"))
    assert [row["code"] for row in told.json] == ["ALG-101", "PHY-201"]
    assert list(elsewhere.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(school, process):
    line = f"{MEETINGZ} occurrence list --json | head -1"
    told = subprocess.run(line, shell=True, cwd=school, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("[\n", "")


def test_a_reader_that_is_away_already_is_told_by_the_exit_status_alone(school):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [MEETINGZ, "occurrence", "list", "--json"]
        told = subprocess.run(command, cwd=school, stdout=writing, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writing)
    assert (told.returncode, told.stderr) == (1, "")


def test_a_user_without_a_name_has_a_number(monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert door.person() == f"uid {os.getuid()}"


def test_a_setting_that_is_wrong_is_said_in_one_line(meetingz, monkeypatch):
    monkeypatch.setenv("MEETINGZ_POLL_PERIOD_SECONDS", "often")
    told = meetingz("server", "list")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("meetingz: MEETINGZ_POLL_PERIOD_SECONDS: ")
    assert told.err.count("\n") == 1


def test_a_database_that_cannot_be_reached_is_said_without_its_password(meetingz, monkeypatch):
    monkeypatch.setenv("MEETINGZ_DATABASE_URL", "postgresql://someone:hunter2@127.0.0.1:9/none")
    told = meetingz("server", "list")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("meetingz: the database cannot be used")
    assert told.err.count("\n") == 1
    assert "hunter2" not in told.err


@pytest.mark.parametrize(
    ("day", "zone", "begins", "ends"),
    [
        ("2027-04-30", "Africa/Cairo", "2027-04-29T22:00", "2027-04-30T21:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("1405/09/09", "Asia/Tehran", "2026-11-29T20:30", "2026-11-30T20:30"),
    ],
)
def test_a_day_until_is_whole_also_where_its_clocks_change(day, zone, begins, ends):
    wanted = tuple(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (begins, ends))
    assert door.span(day, day, zone) == wanted


def test_midnight_as_a_time_ends_there():
    assert door.span(None, "2026-11-30 00:00", "UTC") == (None, datetime(2026, 11, 30, tzinfo=UTC))
