"""The command as a stranger types it: in this process where speed matters, and as a process of its own."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog

from tests.conftest import SECRET
from worker import settings
from worker.cli import main

MEETINGZ = Path(sys.executable).with_name("meetingz")


def days_ahead(*days):
    """The weekdays so many days from today, as cron counts them: from two on, never near now, whatever the hour."""
    return ",".join(str((datetime.now(UTC) + timedelta(days)).isoweekday() % 7) for days in days)


def timetable():
    """Two courses without a class today or tomorrow: what a test opens by hand is the only class there is."""
    return f"""\
code,title,cron,minutes,teacher_name,record
ALG-101,Algebra · جبر,0 9 * * {days_ahead(3)},90,Dr. Noor,always
PHY-201,Physics,"30 10 * * {days_ahead(2, 5)}",90,,never
"""


ROSTER = """\
course,user_id,full_name,role
ALG-101,u1,پریسا صادقی,viewer
ALG-101,t1,Dr. Noor,moderator
"""


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Stdout as one JSON document: anything else on it is an error here."""
        return json.loads(self.out)


@pytest.fixture
def here(tmp_path, monkeypatch, bare_environment):
    """An empty folder, in which the command is typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def meetingz(here, monkeypatch, capfdbinary):
    """Types a command in this process. Whatever is not caught at its door fails the test."""

    def _(*words, stdin=""):
        monkeypatch.setattr(sys, "argv", ["meetingz", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        settings.load.cache_clear()
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as leaving, _logs_as_they_were():
            main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        code = leaving.value.code or 0
        return Result(code, out.decode(), err.decode())

    yield _
    settings.load.cache_clear()


@contextmanager
def _logs_as_they_were():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        structlog.reset_defaults()


@pytest.fixture
def process(here):
    """Types a command as a process of its own."""

    def _(*words, folder=here, timeout=60, **variables):
        ended = subprocess.run(
            [MEETINGZ, *map(str, words)],
            cwd=folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        return Result(ended.returncode, ended.stdout, ended.stderr)

    return _


@pytest.fixture
def server(served):
    """A simulated server by the real clock."""
    return served(clock=time.time)


@pytest.fixture
def secret(monkeypatch):
    """The variable that holds the simulated server's secret."""
    monkeypatch.setenv("SECRET", SECRET)
    return "SECRET"


@pytest.fixture
def school(meetingz, here):
    """Two courses and a roster, brought in from files."""
    (here / "timetable.csv").write_text(timetable(), encoding="utf-8")
    (here / "roster.csv").write_text(ROSTER, encoding="utf-8")
    assert meetingz("timetable", "import", "timetable.csv").code == 0
    assert meetingz("roster", "import", "roster.csv").code == 0
    return here


@contextmanager
def answering(body, status=200):
    """The address of a server that says the same to everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        web.daemon_threads = True
        threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}/bigbluebutton/"
        web.shutdown()
