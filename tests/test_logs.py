"""No secret, password, checksum or signed address reaches a line of the log, whatever goes wrong."""

import io
import json
import logging
import sys

import pytest
import requests
import structlog
from sqlalchemy.exc import IntegrityError

from tests.conftest import SECRET
from tests.operations.stage import Stage
from worker import logs
from worker.operations.meetings import joining
from worker.settings import Settings
from worker.simulator import Fault
from worker.store.tables import Course, Event, Server


@pytest.fixture
def configure(monkeypatch, bare_environment):
    """Configures logging into a text that can be read; everything is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(logging.root.manager.loggerDict)}

    def _(**settings):
        written = io.StringIO()
        monkeypatch.setattr(sys, "stderr", written)
        logs.configure(Settings(**settings))
        return written

    yield _
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    structlog.reset_defaults()


SIGNED = "https://x/bigbluebutton/api/join?fullName=Z&password=hunter2&checksum=0123456789abcdef"


@pytest.fixture(params=["text", "json"])
def written(request, configure):
    return configure(log_format=request.param, log_level="DEBUG")


def test_one_event_a_line_with_ids(configure):
    written = configure(log_format="json")
    logs.event("opened", occurrence=7, server=None, detail="line one\nline two")
    (line,) = written.getvalue().splitlines()
    found = json.loads(line)
    assert (found["event"], found["occurrence"], found["level"]) == ("opened", 7, "info")
    assert "server" not in found
    assert found["timestamp"].endswith("Z")


def test_a_signed_address_in_our_own_event(written):
    logs.event("not_opened", level="warning", detail=SIGNED)
    assert_clean(written, "hunter2", "0123456789abcdef")


@pytest.mark.parametrize("name", ["meetingz", "urllib3.connectionpool", "celery.worker", "some.library"])
def test_a_signed_address_in_any_librarys_line(written, name):
    logging.getLogger(name).warning("GET %s failed", SIGNED)
    assert_clean(written, "hunter2", "0123456789abcdef")


def test_a_signed_address_in_a_traceback(written):
    try:
        raise ValueError(SIGNED)
    except ValueError:
        logging.getLogger("some.library").exception("it broke")
        structlog.get_logger("meetingz").exception("it broke")
    assert "ValueError" in written.getvalue()
    assert_clean(written, "hunter2", "0123456789abcdef")


def test_a_signed_address_within_a_list_or_a_mapping(written):
    logs.event("odd", detail=[SIGNED], more={"url": SIGNED}, error=ValueError(SIGNED))
    assert_clean(written, "hunter2", "0123456789abcdef")


def test_the_password_of_a_database(written):
    logging.getLogger("sqlalchemy").warning("cannot reach postgresql://meetingz:hunter2@db/x")
    assert_clean(written, "hunter2")


@pytest.mark.parametrize(
    "text",
    [
        "GET https://h/join/gAAAAA-hunter2_=/door failed",
        "next=%2Fjoin%2FgAAAAA-hunter2_%3D",
        "Authorization: Bearer mtz_hunter2-_x",
        "{'authorization': 'bearer MTZ_hunter2'}",
    ],
)
def test_a_ticket_of_the_join_page_and_the_token_of_a_program(written, text):
    logging.getLogger("some.library").error(text)
    logs.event("odd", detail=text)
    assert_clean(written, "hunter2")


def test_a_row_that_the_database_refuses(written, context):
    try:
        with context.database.write() as session:
            session.add(Course(code="alg", title=None, teacher_id="0012345678", teacher_name="Sara Hush\nHush"))
    except IntegrityError:
        logging.getLogger("some.library").exception("it broke")
    assert "IntegrityError" in written.getvalue()
    assert_clean(written, "0012345678", "Hush")


def assert_clean(written, *secrets):
    text = written.getvalue()
    assert text
    assert not [secret for secret in secrets if secret in text]


FAULTS = ["drop", "drop_after", "http_500", "html_502", "html_200", "truncate", "garbage", "checksum_error", "redirect"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_class_full_of_trouble_leaves_no_secret_in_any_line_or_row(
    configure, log_format, context, clock, add_server, make_course, make_occurrence
):
    written = configure(log_format=log_format, log_level="DEBUG")
    stage, server = Stage(context, clock), add_server()
    make_course(record="always")
    for kind in FAULTS:
        server.world.faults.add(Fault(kind, count=2))
        make_occurrence(start_in=0, minutes=5)
        for _ in range(3):
            stage.tick()
        stage.harvest()
        server.world.faults.clear()
        for _ in range(4):
            stage.tick()
        visit(stage)
        server.world.faults.add(Fault(kind, call="end", count=2))
        clock.advance(minutes=15)
        for _ in range(6):
            stage.tick()
        server.world.faults.clear()
    rows = str([(row.kind, row.detail) for row in stage.rows(Event)])
    rows += str([(row.last_error, row.features) for row in stage.rows(Server)])
    said = written.getvalue() + rows
    assert said.count("create_failed") > 3
    passwords = [word for row in stage.meetings() for word in context.vault.open_pair(row.passwords)]
    for secret in (SECRET, "a key for tests only", "checksum=0", *passwords):
        assert secret not in said
    assert not [line for line in said.splitlines() if "checksum=" in line and "checksum=***" not in line]


def visit(stage):
    """Somebody follows a join link."""
    live = [meeting for meeting in stage.live() if meeting.state == "open"]
    if live:
        link = joining.link(
            stage.context, live[0].occurrence_id, user_id="u1", name="Zahra", role="viewer", now=stage.clock()
        )
        requests.get(link, timeout=5, allow_redirects=False)
