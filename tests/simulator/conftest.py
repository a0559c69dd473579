"""A clock turned by hand, a caller that signs for itself, and worlds of every era."""

import hashlib
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import requests

from worker.simulator import World, serve
from worker.simulator.api import answer
from worker.simulator.wire import Request

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
ERAS = ("A", "B", "C", "D", "E", "meetingz", "scalelite")
START = 1_700_000_000.0


class Clock:
    """Seconds since the epoch, moved only by the test."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


class Answer:
    """An XML answer, by the names in it."""

    def __init__(self, reply):
        self.status, self.headers, self.body = reply.status, reply.headers, reply.body
        self.root = ElementTree.fromstring(reply.body) if reply.body.startswith(b"<response>") else None

    def __getitem__(self, path):
        return self.root.findtext(path)

    @property
    def ok(self):
        return self["returncode"] == "SUCCESS"

    @property
    def key(self):
        return self["messageKey"] or self["errors/error/key"] or self._f2_key()

    def _f2_key(self):
        error = self.root.find("errors/error")
        return None if error is None else error.get("key")

    def all(self, path):
        return self.root.findall(path)


def sign(call, query, secret=SECRET, algorithm="sha1"):
    return hashlib.new(algorithm, (call + query + secret).encode()).hexdigest()


def signed(call, query="", **options):
    return f"{query}{'&' if query else ''}checksum={sign(call, query, **options)}"


class Caller:
    """Calls a world without any HTTP."""

    def __init__(self, world):
        self.world = world

    def raw(self, call, query, **fields):
        return Answer(answer(self.world, Request(call=call, raw_query=query, **fields)))

    def __call__(self, call, **params):
        return self.raw(call, signed(call, urlencode(params)))

    def create(self, meeting_id="m1", **params):
        given = {"meetingID": meeting_id, "name": "Algebra", "attendeePW": "ap", "moderatorPW": "mp", **params}
        return self("create", **given)

    def info(self, meeting_id="m1"):
        return self("getMeetingInfo", meetingID=meeting_id)

    def names(self, meeting_id="m1"):
        return [element.findtext("userID") for element in self.info(meeting_id).all("attendees/attendee")]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(clock):
    """Makes a caller and its world on the hand-turned clock."""

    def _(profile="B", **options):
        return Caller(World(SECRET, profile=profile, clock=clock, **options))

    return _


@pytest.fixture
def call(make):
    return make()


@pytest.fixture
def world(call):
    return call.world


@pytest.fixture
def served(clock):
    """Serves worlds over real HTTP; all are stopped at the end."""
    running = []

    def _(profile="B", **options):
        options.setdefault("clock", clock)
        server = serve(World(SECRET, profile=profile, **options))
        running.append(server)
        return server

    yield _
    for server in running:
        server.stop()


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        yield session
