"""Servers: entered, asked, mended; what is wrong with one is said in words."""

import signal
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import MEETINGZ, answering
from tests.cli.test_bad_files import refused
from tests.conftest import SECRET
from worker.simulator.faults import Fault


@pytest.fixture
def entered(meetingz, server, secret):
    """A server by the name of one."""
    assert meetingz("server", "add", "one", server.base_url, "--secret-env", secret).code == 0
    return server


def test_a_first_command_in_an_empty_folder_makes_the_embedded_database(meetingz, here):
    assert meetingz("server", "list", "--json").json == []
    assert (here / "var" / "meetingz.db").is_file()


def test_a_database_that_was_named_is_not_made_without_being_asked(meetingz, here, monkeypatch):
    monkeypatch.setenv("MEETINGZ_DATABASE_URL", f"sqlite:///{here}/own.db")
    refused(meetingz("server", "list"), "the database is empty: run `meetingz db upgrade`")
    made = meetingz("db", "upgrade").out.strip()
    assert made.endswith(", it was empty")
    assert meetingz("db", "upgrade").out.strip() == made.removesuffix(", it was empty")
    assert meetingz("db", "check").code == 0
    monkeypatch.setattr("worker.store.migrate.differences", lambda database: "a table is missing")
    differing = meetingz("db", "check")
    assert (differing.code, differing.out) == (1, "a table is missing\n")
    assert meetingz("server", "list").code == 0


def test_a_server_that_answers_is_described(meetingz, entered):
    told = meetingz("server", "check", "one")
    assert told.code == 0
    assert "reachable: yes" in told.out
    found = meetingz("server", "check", "one", "--json").json
    assert found["reachable"] is True
    assert found["checksums"] == ["sha1", "sha256"]


FAULTS = [
    ("html_200", ["a web page", "look at the address"]),
    ("html_502", ["HTTP 502"]),
    ("http_500", ["HTTP 500"]),
    ("empty", ["empty", "look at the address"]),
    ("truncate", ["look at the address"]),
    ("garbage", ["look at the address"]),
    ("redirect", ["redirect", "look at the address"]),
    ("checksum_error", ["the secret is wrong"]),
    ("drop", ["the connection was refused or broken"]),
]


@pytest.mark.parametrize(("kind", "said"), FAULTS, ids=[kind for kind, _ in FAULTS])
def test_a_server_that_answers_something_else_is_described_in_words(meetingz, entered, kind, said):
    entered.world.faults.add(Fault(kind))
    told = meetingz("server", "check", "one")
    refused(told, "server one cannot be used", *said)
    assert SECRET not in told.err
    assert "checksum=" not in told.err
    as_json = meetingz("server", "check", "one", "--json")
    assert as_json.code == 1
    assert as_json.json["problem"]


def test_a_wrong_secret_is_said_and_mended(meetingz, server, secret, monkeypatch):
    monkeypatch.setenv("WRONG", "not-the-secret")
    meetingz("server", "add", "one", server.base_url, "--secret-env", "WRONG")
    refused(meetingz("server", "check", "one"), "the secret is wrong", "meetingz server set")
    assert meetingz("server", "set", "one", "--secret-env", secret).code == 0
    assert meetingz("server", "check", "one").code == 0


def test_a_checksum_that_is_not_accepted_is_said_and_mended(meetingz, server, secret):
    meetingz("server", "add", "one", server.base_url, "--secret-env", secret, "--checksum", "sha512")
    refused(meetingz("server", "check", "one"), "it does not accept sha512 checksums, but sha1, sha256")
    assert meetingz("server", "set", "one", "--checksum", "sha256").code == 0
    assert meetingz("server", "check", "one").code == 0


def test_an_address_where_nobody_listens_is_said(meetingz, secret):
    meetingz("server", "add", "one", "http://127.0.0.1:9/bigbluebutton/", "--secret-env", secret)
    refused(meetingz("server", "check", "one"), "the connection was refused or broken")
    (row,) = meetingz("server", "list", "--json").json
    assert row["why"].startswith("the connection was refused"), "it was polled by nobody yet"


def test_a_web_page_at_the_address_is_said(meetingz, secret):
    with answering(b"<!doctype html><html><body>Welcome</body></html>") as url:
        meetingz("server", "add", "one", url, "--secret-env", secret)
        refused(meetingz("server", "check", "one"), "a web page", "look at the address")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "one", "{url}", "--secret-env", "SECRET"), "there is a server 'one' already"),
        (("add", "two", "{url}", "--secret-env", "SECRET"), "there is a server with the address"),
        (("add", "two", "ftp://example.org/", "--secret-env", "SECRET"), "must begin with https:// or http://"),
        (("add", "two", "https://example.org/", "--secret-env", "NOPE"), "the variable NOPE is not set or empty"),
        (("add", "two", "https://example.org/", "--secret-file", "nofile"), "nofile"),
        (("add", "two", "https://example.org/", "--secret-env", "SECRET", "--weight", "0"), "the weight 0"),
        (("set", "one"), "nothing to change was named"),
        (("set", "nosuch", "--weight", "2"), "there is no server 'nosuch'"),
        (("check", "nosuch"), "there is no server 'nosuch'"),
        (("drain", "nosuch"), "there is no server 'nosuch'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_entered_is_said(meetingz, entered, words, said):
    refused(meetingz("server", *(word.format(url=entered.base_url) for word in words)), said)


@pytest.mark.parametrize("words", [("set", "one"), ("add", "two", "https://b.example/", "--secret-env", "SECRET")])
def test_a_capacity_that_no_server_has_is_refused(meetingz, entered, words):
    told = meetingz("server", *words, "--capacity", "9" * 20)
    assert (told.code, told.out) == (2, "")
    assert "less than or equal to 1000000" in told.err


def test_a_server_is_drained_disabled_and_enabled(meetingz, entered):
    for verb, state in (("drain", "draining, not asked yet"), ("disable", "disabled"), ("enable", "not asked yet")):
        assert meetingz("server", verb, "one").code == 0
        assert meetingz("server", "list", "--json").json[0]["state"] == state
    meetingz("server", "check", "one")
    assert meetingz("server", "list", "--json").json[0]["state"] == "healthy"
    meetingz("server", "drain", "one")
    assert meetingz("server", "list", "--json").json[0]["state"] == "draining, healthy"


def test_the_seats_kept_for_the_next_hour_are_listed_beside_those_that_are_taken(meetingz, school, entered):
    start = datetime.now(UTC) - timedelta(minutes=1)
    times = ("--start", start.isoformat(), "--end", (start + timedelta(hours=1)).isoformat())
    assert meetingz("occurrence", "add", "ALG-101", *times).code == 0
    assert meetingz("run", "provision").code == 0
    (row,) = meetingz("server", "list", "--json").json
    assert (row["reserved"], row["people"]) == (2, 0)


def test_a_first_failure_is_told_with_its_number(meetingz, secret):
    meetingz("server", "add", "one", "http://127.0.0.1:9/bigbluebutton/", "--secret-env", secret)
    meetingz("run", "poll")
    (row,) = meetingz("server", "list", "--json").json
    assert row["why"].startswith("1 failures in a row: ")


def test_a_secret_comes_from_a_file_or_stdin_and_is_nowhere_to_be_read(meetingz, server, here):
    (here / "secret").write_text(f"{SECRET}\n")
    assert meetingz("server", "add", "file", server.base_url, "--secret-file", "secret").code == 0
    assert meetingz("server", "add", "stdin", "https://example.org/bbb/", "--secret-stdin", stdin=SECRET).code == 0
    assert meetingz("server", "check", "file").code == 0
    assert SECRET not in meetingz("server", "list", "--json").out
    assert SECRET.encode() not in (here / "var" / "meetingz.db").read_bytes()


def test_simulate_serves_until_it_is_interrupted(here, meetingz, monkeypatch):
    with subprocess.Popen([MEETINGZ, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True) as running:
        try:
            address = next(word for word in running.stdout.readline().split() if word.startswith("http://"))
            monkeypatch.setenv("SECRET", "simulated")
            assert meetingz("server", "add", "one", address, "--secret-env", "SECRET").code == 0
            assert meetingz("server", "check", "one").code == 0
        finally:
            running.send_signal(signal.SIGINT)
            try:
                code = running.wait(timeout=20)
            finally:
                running.kill()
        assert code == 0


def test_a_port_that_is_taken_is_said(meetingz, server):
    refused(meetingz("simulate", "--port", server.port), f"port {server.port} cannot be used", "--port")


def test_what_is_set_of_a_server_is_kept_and_what_cannot_be_is_refused(meetingz, entered):
    assert meetingz("server", "set", "one", "--leave-latency", "45", "--rate", "2").code == 0
    refused(meetingz("server", "set", "one", "--leave-latency", "601"), "a leave latency of 601 s is not possible")
    assert meetingz("server", "set", "one", "--capacity", "200", "--weight", "2").code == 0
    (row,) = meetingz("server", "list", "--json").json
    assert (row["leave_latency_seconds"], row["rate_limit"], row["capacity"], row["weight"]) == (45, 2, 200, 2)
    assert meetingz("server", "set", "one", "--capacity", "0", "--rate", "0").code == 0
    (row,) = meetingz("server", "list", "--json").json
    assert (row["leave_latency_seconds"], row["rate_limit"], row["capacity"], row["weight"]) == (45, None, None, 2)
