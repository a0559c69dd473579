"""A served page, and people who are signed in to it."""

import re

import pytest
import requests

from worker.operations import pulse
from worker.store.tables import Pulse
from worker.store.upsert import insert_new
from worker.web import access, serving

PASSWORD = "correct horse battery"
ROLES = {"viewer": None, "teacher": "t-1", "admin": None}


class Person:
    """Somebody at a browser: keeps cookies, follows nothing by itself, sends forms as a page of ours would."""

    def __init__(self, base, language="en"):
        self.base = base
        self.http = requests.Session()
        self.http.headers["Origin"] = base
        self.http.cookies.set("language", language)

    def get(self, path, **options):
        return self.http.get(self.base + path, allow_redirects=False, timeout=20, **options)

    def post(self, path, data=None, *, token=True, **options):
        data = dict(data or {})
        if token:
            data["csrf"] = self.csrf()
        return self.http.post(self.base + path, data=data, allow_redirects=False, timeout=20, **options)

    def csrf(self):
        """The token that stands in every page of this session."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/password").text)
        return found[1] if found else ""

    def sign_in(self, name, password=PASSWORD, next="/"):
        return self.post("/login", {"name": name, "password": password, "next": next}, token=False)


class Program:
    """A program with a token."""

    def __init__(self, base, token):
        self.base = base
        self.http = requests.Session()
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **options):
        return self.http.get(f"{self.base}/api/v1{path}", timeout=20, **options)

    def post(self, path, body=None, **options):
        return self.http.post(f"{self.base}/api/v1{path}", json=body, timeout=20, **options)


@pytest.fixture
def site(context, clock, monkeypatch):
    """The page, served over HTTP on the test's clock. Answers its address."""
    monkeypatch.setattr(access, "_hasher", quick_hasher)
    served = serving.Beside(context, "127.0.0.1", 0, clock=clock)
    with served:
        yield served.url


def quick_hasher():
    """argon2 with the least work: its strength is the library's, not ours to test a hundred times."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def users(context, clock, site):
    """One user of each role; the teacher's courses are those of t-1."""
    for role, teacher in ROLES.items():
        access.add(context, role, PASSWORD, role, clock(), teacher)


@pytest.fixture
def visit(site, users):
    """Somebody of this role, signed in; None: a stranger."""

    def _(role=None, language="en"):
        person = Person(site, language)
        if role is not None:
            assert person.sign_in(role).status_code == 303
        return person

    return _


@pytest.fixture
def program(context, clock, site, users):
    """A program with a token of this user."""

    def _(role="admin", scopes=access.SCOPES):
        token = role and access.issue(context, role, "test", scopes, clock())
        return Program(site, token)

    return _


@pytest.fixture
def beating(context, clock):
    """Every loop has just run."""
    with context.database.write() as session:
        rows = [{"loop": loop, "started_at": clock(), "ended_at": clock()} for loop in pulse.LOOPS]
        insert_new(session, Pulse, rows)
