"""What really goes over the wire, and what becomes of everything that can come back."""

import gzip
import hashlib
import logging
import socket
import threading
import traceback

import pytest

from tests.bbb.answers import created, failed, meeting, meetings, success
from tests.bbb.conftest import SECRET, Answer
from worker.bbb import (
    Busy,
    ChecksumRefused,
    Client,
    CreateParams,
    Endpoint,
    Error,
    Garbled,
    NotFound,
    Refused,
    Unreachable,
    UnsafeRequest,
    Unsupported,
)

PARAMS = CreateParams(meeting_id="alg-101", name="Algebra", attendee_pw="viewer-pw", moderator_pw="moderator-pw")
RESERVED = "~ * ' ( ) ! / : , @ $ [ ] ; & = % + # ? \" < > \\ ^ ` { | }"


@pytest.mark.parametrize(
    "text", [*RESERVED.split(), RESERVED, "علی‌رضا", "\u200f۱۲", "🙂👩🏽‍🏫", "%7E%2a", "a+b c", "a&checksum=1"]
)
def test_e7_the_bytes_sent_are_the_bytes_hashed(wire, client, text):
    wire.says(success("<meetings/>"))
    client.ask("getMeetings", [("name", text), ("z", text)])
    query, _, signature = wire.seen[0].query.rpartition("&checksum=")
    assert signature == hashlib.sha1(f"getMeetings{query}{SECRET}".encode()).hexdigest()


def test_e7_a_join_address_reaches_a_server_unchanged(wire, client):
    url = client.join_url("alg-101", full_name=RESERVED + "زهرا 🙂", password="viewer-pw", user_id="~stu*42")
    wire.says(success("<running>true</running>"))
    client._transport.get(url)
    assert wire.url.removesuffix("/key/") + wire.seen[0].target == url


def test_e91_the_path_of_the_address_is_kept(wire, client):
    wire.says(success("<running>true</running>"))
    assert client.is_running("x") is True
    assert wire.seen[0].target.startswith("/key/api/isMeetingRunning?")


def test_e10_never_asks_for_json_and_says_who_it_is(wire, client):
    wire.says(success("<version>2.0</version>"))
    client.version()
    headers = wire.seen[0].headers
    assert (headers["Accept"], headers["User-Agent"]) == ("*/*", "meetingz-worker")
    assert wire.seen[0].target == "/key/api/"


def test_e11_persian_is_read_right_without_a_charset(wire, client):
    wire.says(success(meeting()), headers={"Content-Type": "text/xml"})
    assert client.meeting_info("alg-101").name == "جبر خطی"


def test_a_compressed_answer_is_read(wire, client):
    body = gzip.compress(meetings(meeting(), meeting(id="b")))
    wire.says(body, headers={"Content-Encoding": "gzip", "Content-Length": str(len(body))})
    assert [found.meeting_id for found in client.meetings()] == ["alg-101", "b"]


def test_a_chunked_answer_is_read(wire, client):
    body = meetings(meeting())
    half = len(body) // 2
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
    wire.says(chunked, headers={"Transfer-Encoding": "chunked"})
    assert len(client.meetings()) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", Unreachable),
        (504, b"", Unreachable),
        (500, b"<html>Grails</html>", Unreachable),
        (429, b"", Unreachable),
        (404, b"<html>404</html>", Unsupported),
        (405, b"", Unsupported),
        (400, b"<html>400</html>", Garbled),
        (403, b"", Garbled),
        (414, b"<html>414</html>", UnsafeRequest),
        (200, b"<html>a page</html>", Garbled),
        (200, b"<!DOCTYPE html><html></html>", Garbled),
        (200, b"", Garbled),
        (200, success(meeting())[:-5], Garbled),
        (200, failed("notFound") * 2, Garbled),
        (404, failed("notFound"), Unsupported),
        (500, failed("notFound"), Unreachable),
        (500, failed("checksumError"), ChecksumRefused),
        (200, failed("notFound"), NotFound),
        (200, failed("internalError"), Busy),
        (200, failed("unsupportedRequest"), Unsupported),
        (200, b'{"response":{"returncode":"FAILED","messageKey":"notFound","message":"x"}}', NotFound),
    ],
)
def test_e13_an_unknown_outcome_is_never_not_found(wire, client, status, body, error):
    wire.says(body, status=status)
    with pytest.raises(Error) as caught:
        client.meeting_info("alg-101")
    assert type(caught.value) is error


@pytest.mark.parametrize("call", ["meetings", "version"])
def test_a_redirect_is_not_followed(wire, client, call):
    wire.says(b"", status=302, headers={"Location": wire.url + "elsewhere", "Content-Length": "0"})
    with pytest.raises(Garbled, match="redirect"):
        getattr(client, call)()
    assert len(wire.seen) == 1


def test_e14_a_repeated_create_after_a_lost_answer_finds_the_same_meeting(wire, client):
    answers = [Answer(b"", status=504), Answer(created("<messageKey>duplicateWarning</messageKey>"))]
    wire.behave = lambda seen: answers.pop(0)
    with pytest.raises(Unreachable):
        client.create(PARAMS)
    again = client.create(PARAMS)
    assert (again.duplicate, again.create_time_ms) == (True, 1700000000123)
    assert wire.seen[0].target == wire.seen[1].target


def test_slides_are_posted_as_xml_and_everything_else_stays_in_the_address(wire, client):
    wire.says(created())
    client.create(PARAMS, slides_xml=b"<modules/>")
    seen = wire.seen[0]
    assert (seen.method, seen.body, seen.headers["Content-Type"]) == ("POST", b"<modules/>", "application/xml")
    query, _, signature = seen.query.rpartition("&checksum=")
    assert signature == hashlib.sha1(f"create{query}{SECRET}".encode()).hexdigest()


def test_no_cookie_is_kept(wire, client):
    wire.says(success("<meetings/>"), headers={"Set-Cookie": "JSESSIONID=abc; Path=/"})
    client.meetings()
    client.meetings()
    assert "Cookie" not in wire.seen[1].headers


def test_one_connection_serves_many_calls(wire, client):
    wire.says(success("<meetings/>"))
    for _ in range(5):
        client.meetings()
    assert len({seen.port for seen in wire.seen}) == 1


def test_the_environment_does_not_choose_a_proxy(wire, client, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    wire.says(success("<meetings/>"))
    assert client.meetings() == []


def test_an_endless_answer_is_cut_off(wire):
    wire.says(success("<meetings>" + " " * 200_000 + "</meetings>"))
    with Client(Endpoint(wire.url, SECRET), max_reply_bytes=100_000) as client, pytest.raises(Garbled, match="100000"):
        client.meetings()


def test_a_bomb_of_compressed_bytes_is_cut_off(wire):
    body = gzip.compress(b" " * 20_000_000)
    wire.says(body, headers={"Content-Encoding": "gzip", "Content-Length": str(len(body))})
    with Client(Endpoint(wire.url, SECRET), max_reply_bytes=1_000_000) as client, pytest.raises(Garbled):
        client.meetings()


def test_broken_compression_is_garbled(wire, client):
    wire.says(b"not gzip at all", headers={"Content-Encoding": "gzip", "Content-Length": "15"})
    with pytest.raises(Garbled):
        client.meetings()


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with Client(Endpoint(url, SECRET)) as client, pytest.raises(Unreachable, match="refused"):
            client.meetings()


def test_a_name_that_nobody_knows():
    with Client(Endpoint("https://nobody.invalid/", SECRET)) as client, pytest.raises(Unreachable):
        client.meetings()


def _raw_server(answer):
    """A server of bare bytes: what it sends, and whether it goes on, is up to `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/", thread


def test_a_server_that_accepts_and_says_nothing_runs_into_the_time_limit():
    done = threading.Event()
    url, thread = _raw_server(lambda connection: done.wait(10))
    with Client(Endpoint(url, SECRET), read_timeout=0.05) as client, pytest.raises(Unreachable, match="time limit"):
        client.meetings()
    done.set()
    thread.join()


def test_a_server_that_drips_runs_into_the_total_time_limit():
    done = threading.Event()

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not done.wait(0.01):
            connection.sendall(b" ")

    url, thread = _raw_server(drip)
    limits = {"read_timeout": 5, "total_timeout": 0.1}
    with Client(Endpoint(url, SECRET), **limits) as client, pytest.raises(Unreachable, match="complete after"):
        client.meetings()
    done.set()
    thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + success("<meetings/>"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<response>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_e13_a_connection_that_breaks_is_an_unknown_outcome(answer):
    url, thread = _raw_server(lambda connection: connection.sendall(answer))
    with Client(Endpoint(url, SECRET)) as client, pytest.raises((Unreachable, Garbled)):
        client.meetings()
    thread.join()


def _everything_printed(error, caplog) -> str:
    parts = [str(error), repr(error), repr(error.args), repr(error.__cause__), repr(error.__context__), caplog.text]
    return "\n".join([*parts, *traceback.format_exception(error)])


@pytest.mark.parametrize("status", [200, 302, 404, 414, 502])
@pytest.mark.parametrize("port", ["open", "closed"])
def test_e16_nothing_printed_by_a_failing_run_holds_a_secret(wire, status, port, caplog):
    caplog.set_level(logging.DEBUG)
    url = wire.url if port == "open" else "http://127.0.0.1:9/"
    wire.behave = lambda seen: Answer(failed("odd", f"you sent {seen.target} and moderatorPW=moderator-pw"), status)
    with Client(Endpoint(url, SECRET)) as client:
        for call in (lambda: client.create(PARAMS), lambda: client.end("alg-101", PARAMS.moderator_pw)):
            with pytest.raises(Error) as caught:
                call()
            printed = _everything_printed(caught.value, caplog) + repr(client) + repr(PARAMS)
            assert not [word for word in (SECRET, "moderator-pw", "viewer-pw") if word in printed]
            signatures = {seen.query.rpartition("checksum=")[2] for seen in wire.seen}
            assert not [signature for signature in signatures if signature in printed]
            assert caught.value.__cause__ is None
            assert caught.value.__context__ is None


def test_many_threads_share_one_client(wire, client):
    wire.says(meetings(meeting()))
    found = []
    threads = [threading.Thread(target=lambda: found.append(client.meetings()[0].name)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["جبر خطی"] * 20


def test_refusals_survive_pickling():
    import pickle

    error = pickle.loads(pickle.dumps(NotFound("notFound", "gone")))
    assert isinstance(error, Refused)
    assert (error.key, error.message) == ("notFound", "gone")
