"""The end callback: called when a meeting has ended, until somebody hears it (protocol section 8)."""

import http.server
import itertools
import queue
import threading

import pytest

from worker.simulator import World, serve

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"


class Listener:
    """A page that hears the callbacks; ``statuses`` is what it answers to the first of them."""

    def __init__(self, *statuses):
        self._queue = heard = queue.Queue()
        answers = itertools.chain(statuses, itertools.repeat(200))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(next(answers))
                self.end_headers()
                heard.put(self.path)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ended"

    def next(self):
        return self._queue.get(timeout=20)

    def is_silent(self):
        return self._queue.empty()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def world():
    made = World(SECRET, scale=1000)  # the next try comes after 30 ms
    with serve(made):
        yield made


def begin(call, listener, meeting_id="m1", query="", **params):
    call.create(meeting_id, meta_endCallbackUrl=listener.url + query, **params)
    call.world.join(meeting_id, "t1", "Teacher", "MODERATOR")


@pytest.fixture
def call(world):
    from tests.simulator.conftest import Caller

    return Caller(world)


@pytest.mark.parametrize(("recorded", "said"), [("true", "true"), ("false", "false")])
def test_the_address_of_create_is_told_the_meeting_and_whether_it_was_recorded(call, recorded, said):
    with Listener() as listener:
        begin(call, listener, record=recorded, autoStartRecording=recorded)
        call.world.end_from_inside("m1")
        assert listener.next() == f"/ended?meetingID=m1&recordingmarks={said}"


def test_an_address_with_a_query_keeps_it(call):
    with Listener() as listener:
        begin(call, listener, query="?school=7")
        call.world.end_from_inside("m1")
        assert listener.next() == "/ended?school=7&meetingID=m1&recordingmarks=false"


def test_it_is_called_again_until_it_is_heard_and_five_times_at_most(call):
    with Listener(503, 503, 200, *[503] * 5) as listener:
        begin(call, listener)
        call.world.end_from_inside("m1")
        first = [listener.next() for _ in range(3)]
        begin(call, listener, "m2")
        call.world.end_from_inside("m2")
        second = [listener.next() for _ in range(5)]
        begin(call, listener, "m3")
        call.world.end_from_inside("m3")
        told = [path.partition("&")[0].removeprefix("/ended?meetingID=") for path in (*first, *second, listener.next())]
        assert told == ["m1"] * 3 + ["m2"] * 5 + ["m3"]
        assert listener.is_silent()


def test_a_meeting_that_was_forgotten_is_not_told(call):
    with Listener() as listener:
        begin(call, listener)
        call.world.restart_web()
        begin(call, listener, "m2")
        call.world.leave("m1", "t1")
        call.world.end_from_inside("m2")
        assert "m2" in listener.next()
        assert listener.is_silent()
