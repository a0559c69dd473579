"""A real HTTP server on a thread, which keeps the raw requests it saw and answers what a test put into it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from worker.bbb import Client, Endpoint

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    port: int = 0

    @property
    def call(self) -> str:
        return self.target.partition("?")[0].rpartition("/")[2]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/xml"})


@dataclass
class Wire:
    """What the server will say, by call or to everything, and what it heard."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    behave: Callable[[Seen], Answer] | None = None

    def says(self, body: str | bytes, call: str = "*", **more) -> None:
        self.answers[call] = Answer(body.encode() if isinstance(body, str) else body, **more)

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        if self.behave:
            return self.behave(seen)
        return self.answers.get(seen.call, self.answers.get("*", Answer(status=404)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(
            self.command, self.path, dict(self.headers.items()), self.rfile.read(length), self.client_address[1]
        )
        answer = self.server.wire.answer(seen)
        self.send_response(answer.status)
        for name, value in _headers(answer).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *args):
        pass


def _headers(answer: Answer) -> dict[str, str]:
    length = {} if "Transfer-Encoding" in answer.headers else {"Content-Length": str(len(answer.body))}
    return length | answer.headers


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up early is part of the tests."""


@contextmanager
def serving() -> Iterator[Wire]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.wire = Wire(f"http://127.0.0.1:{server.server_port}/key/")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def wire():
    with serving() as wire:
        yield wire


@pytest.fixture
def client(wire):
    with Client(Endpoint(wire.url, SECRET)) as client:
        yield client
