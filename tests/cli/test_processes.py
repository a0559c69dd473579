"""The long commands as processes: a demo is played to its end, a class is seen through, Ctrl-C leaves cleanly."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import MEETINGZ
from tests.conftest import SECRET

#: A whole class in seconds.
QUICK = {
    "MEETINGZ_LEAD_SECONDS": "3",
    "MEETINGZ_GRACE_SECONDS": "1",
    "MEETINGZ_SPREAD_SECONDS": "0",
    "MEETINGZ_PROVISION_PERIOD_SECONDS": "0.5",
    "MEETINGZ_POLL_PERIOD_SECONDS": "0.5",
    "MEETINGZ_END_PERIOD_SECONDS": "0.5",
    "MEETINGZ_TOLERANCE_SECONDS": "2",
}


@contextmanager
def running(*words, folder, **variables):
    """A command as a process, which never outlives the test."""
    with subprocess.Popen(
        [MEETINGZ, *words],
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process, within=30):
    out, err = process.communicate(timeout=within)
    assert "Traceback" not in err
    return process.returncode, out, err


def until(found, within=40):
    """What ``found`` answers, once it is true."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError("it never came to that")


def iter_until(lines, word):
    """The lines of a process, up to the first that has this word in it."""
    for line in lines:
        yield line
        if word in line:
            return


def test_the_demo_tells_the_whole_story(process, here):
    told = process("demo", "--seconds", "45", "--json", timeout=180)
    summary = told.json
    assert (summary["problems"], summary["ok"], told.code) == ([], True, 0)
    states = {each["course"]: (each["state"], each["closed"]) for each in summary["courses"]}
    assert states["PHY-201"] == ("held", "ended")
    assert set(states.values()) == {("held", "ended"), ("held", "expired")}
    assert {each["course"]: each["rooms"] for each in summary["courses"]}["CHE-110"] >= 2
    assert [each["course"] for each in summary["recordings"]] == ["LIT-300"]
    accuracy = summary["accuracy"]
    assert accuracy["median_seconds"] <= 2 * accuracy["poll_period_seconds"]
    assert accuracy["beyond"] == []
    for kind in ("csv", "xlsx", "html"):
        assert (here / "var" / "demo" / f"attendance.{kind}").stat().st_size > 500


def test_the_demo_is_kept_apart_from_the_installation_around_it(here, process):
    with running(
        "demo",
        "--seconds",
        "20",
        folder=here,
        MEETINGZ_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none",
        MEETINGZ_BROKER_URL="redis://127.0.0.1:9/0",
        MEETINGZ_SERVER_URL="http://127.0.0.1:9/",
        MEETINGZ_SERVER_SECRET="x",
    ) as demo:
        begun = list(iter_until(demo.stderr, "room open"))
        assert "room open" in begun[-1], begun
        demo.send_signal(signal.SIGINT)
        code, _, _ = ended(demo)
    assert code == 130


def test_a_class_is_seen_through_by_up_and_the_two_variables_of_the_quick_start(meetingz, school, server, monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    variables = {"MEETINGZ_SERVER_URL": server.base_url, "MEETINGZ_SERVER_SECRET": SECRET}
    with running("up", "--no-web", folder=school, **variables) as up:
        start = datetime.now(UTC) + timedelta(seconds=3)
        times = ("--start", start.isoformat(), "--end", (start + timedelta(seconds=6)).isoformat())
        number = meetingz("occurrence", "add", "ALG-101", *times, "--json").json["id"]

        def sitting():
            return next(row for row in meetingz("occurrence", "list", "--json").json if row["id"] == number)

        until(lambda: sitting()["state"] in ("open", "live"))
        link = meetingz("join", number, "--user-id", "u1", "--name", "پریسا").out.strip()
        with urllib.request.urlopen(link, timeout=10) as classroom:
            assert classroom.status == 200
        assert until(lambda: meetingz("live", "--json").json["participants"]) == 1
        until(lambda: sitting()["state"] == "held")
        assert meetingz("doctor", "--pulse", "--json").code == 0
        up.send_signal(signal.SIGINT)
        code, out, err = ended(up)
    assert (code, out) == (0, "")
    assert "stopping" in err
    assert SECRET not in err
    row = next(row for row in meetingz("report", "attendance", "--format", "json").json if row["user_id"] == "u1")
    assert row["occurrence"] == number
    assert row["seconds_present"] > 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_up_leaves_cleanly_even_when_it_has_just_begun(here, sign):
    with running("up", "--no-web", folder=here) as up:
        begun = list(iter_until(up.stderr, " up "))
        assert " up " in begun[-1], begun
        up.send_signal(sign)
        assert ended(up)[0] == 0


INTERRUPTED = """\
import os, signal, sys
os.kill(os.getpid(), signal.SIGINT)
sys.path.remove(os.path.dirname(__file__))
del sys.modules[__name__]
__import__(__name__)
"""


@pytest.mark.parametrize(
    ("words", "imported"),
    [
        (("up", "--no-web"), "typer"),
        (("up", "--no-web"), "sqlalchemy"),
        (("up", "--no-web"), "celery"),
        (("timetable", "import", "t.csv"), "typer"),
        (("timetable", "import", "t.csv"), "sqlalchemy"),
    ],
)
def test_an_interrupt_while_a_command_is_still_being_read_leaves_without_a_word(here, words, imported):
    """The library interrupts its own import, which is as early as the command can know of it."""
    (here / "first").mkdir()
    (here / "first" / f"{imported}.py").write_text(INTERRUPTED)
    with running(*words, folder=here, PYTHONPATH=str(here / "first")) as command:
        code, out, err = ended(command)
    assert code in (130, -signal.SIGINT)
    assert (out, err) == ("", "")


def test_up_refuses_a_broker_of_others(process):
    told = process("up", MEETINGZ_BROKER_URL="redis://127.0.0.1:9/0")
    assert told.code == 1
    assert told.err.startswith("meetingz: MEETINGZ_BROKER_URL is set")
    assert told.err.count("\n") == 1


DEAD_BEAT = """
import sys
from worker import heartbeat
from worker.cli import main

def tick(*_, **__):
    raise MemoryError

heartbeat.Scheduler.tick = tick
sys.argv = ["meetingz", "up", "--no-web"]
main()
"""


def test_up_ends_with_its_beat(here):
    """Nobody would ring any more: whoever supervises it must see that, and start another."""
    told = subprocess.run(
        [sys.executable, "-c", DEAD_BEAT], cwd=here, env=os.environ | QUICK, capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].endswith("the beat has ended by itself; the log says why. Start again")
