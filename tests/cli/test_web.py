"""``meetingz user`` and ``meetingz web``: run as people run them."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import requests

from worker import clock
from worker.operations import context as contexts
from worker.settings import Settings
from worker.web import access


@pytest.fixture
def meetingz(tmp_path, bare_environment):
    """Runs the command in an installation of its own."""
    environment = {**os.environ, "MEETINGZ_DATA_DIR": str(tmp_path)}

    def _(*words, given=""):
        command = [sys.executable, "-m", "worker", *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, env=environment)

    _.environment = environment
    assert _("db", "upgrade").returncode == 0
    return _


def test_a_user_is_added_listed_and_disabled(meetingz):
    added = meetingz("user", "add", "ada", "--role", "admin", given="a long password\n")
    assert (added.returncode, added.stdout) == (0, "added ada, admin\n")
    assert "a long password" not in added.stdout + added.stderr
    assert json.loads(meetingz("user", "list", "--json").stdout)[0]["name"] == "ada"
    assert "disabled" not in meetingz("user", "list").stdout
    assert meetingz("user", "disable", "ada").returncode == 0
    assert json.loads(meetingz("user", "list", "--json").stdout)[0]["disabled_at"]
    assert "disabled" in meetingz("user", "list").stdout
    assert meetingz("user", "enable", "ada").returncode == 0
    assert json.loads(meetingz("user", "list", "--json").stdout)[0]["disabled_at"] is None


def test_a_user_without_a_role_may_only_look_and_a_teacher_is_one_of_the_timetable(meetingz):
    assert meetingz("user", "add", "bob", given="a long password\n").stdout == "added bob, viewer\n"
    assert meetingz("user", "add", "noor", "--role", "teacher", "--teacher-id", "t1", given="a long password\n").stdout
    listed = [
        (each["name"], each["role"], each["teacher_id"])
        for each in json.loads(meetingz("user", "list", "--json").stdout)
    ]
    assert listed == [("bob", "viewer", None), ("noor", "teacher", "t1")]


@pytest.fixture
def context(meetingz, tmp_path):
    """The same installation, looked at from within."""
    made = contexts.make(Settings(data_dir=tmp_path))
    yield made
    made.database.dispose()


def test_a_password_is_taken_as_it_is_typed_and_changed(meetingz, context):
    meetingz("user", "add", "ada", given="  spaces belong to it \r\n")
    assert access.verified(context, "ada", "  spaces belong to it ")
    assert meetingz("user", "password", "ada", given="another password\n").stdout == "changed the password of ada\n"
    assert access.verified(context, "ada", "another password")


def test_a_token_holds_for_the_days_it_is_given_and_until_it_is_revoked(meetingz, context):
    meetingz("user", "add", "ada", given="a long password\n")
    short, long = (
        meetingz("user", "token", "ada", "--label", "x", "--scope", "read", *days).stdout.strip()
        for days in (("--days", "2"), ())
    )

    def holding(token, days):
        with context.database.read() as session:
            return access.holder(session, token, clock.now() + timedelta(days=days)) is not None

    assert [holding(short, days) for days in (0, 1, 3)] == [True, True, False]
    assert [holding(long, days) for days in (0, 1, 3000)] == [True, True, True]
    assert meetingz("user", "revoke", "ada", "--label", "x").stdout == "revoked 2\n"
    assert not holding(short, 0)
    assert not holding(long, 0)


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("ada", "--role", "admin"), "short\n", "a password has 8 to 256 characters"),
        (("ada", "--role", "king"), "a long password\n", "the role 'king' is not one of"),
        (("ada", "--role", "teacher"), "a long password\n", "a teacher needs a teacher id"),
    ],
)
def test_what_cannot_be_a_user_is_said_in_one_line(meetingz, words, given, said):
    answer = meetingz("user", "add", *words, given=given)
    assert answer.returncode == 1
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_the_page_is_served_until_it_is_stopped_and_a_token_opens_its_api(meetingz):
    meetingz("user", "add", "ada", "--role", "admin", given="a long password\n")
    token = meetingz("user", "token", "ada", "--label", "test", "--scope", "read").stdout.strip()
    command = [sys.executable, "-m", "worker", "web", "--port", "0"]
    process = subprocess.Popen(command, env=meetingz.environment, stderr=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stderr.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line)))
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{url}/api/v1/live", headers=headers, timeout=20).json()["meetings"] == 0
        assert requests.get(f"{url}/healthz", timeout=20).json() == {"ok": True}
    finally:
        process.terminate()
        begun = time.monotonic()
        assert process.wait(timeout=30) in (0, -15)
        assert time.monotonic() - begun < 20
        process.stderr.close()
