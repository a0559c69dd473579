"""What the tests stand on: real databases, a clock turned by hand, simulated servers, and rows made in one line."""

import itertools
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests import services
from worker.operations import context as contexts
from worker.operations.installation import servers
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator import World, serve
from worker.store.tables import Course, Participant

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
DATABASES = ("sqlite", "postgresql")


def pytest_configure():
    """A run that is told to stop takes its database and broker down with it, as with Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # A job in the background ignores the interrupt, and so would every process that a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Clock:
    """It is Monday 2 March 2026, 09:00 UTC, until a test says otherwise."""

    def __init__(self):
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def __call__(self):
        return self.now

    def timestamp(self):
        return self.now.timestamp()

    def advance(self, *, seconds=0.0, minutes=0.0):
        self.now += timedelta(seconds=seconds, minutes=minutes)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def postgres():
    with services.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url():
    with services.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    return services.sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path):
    """A migrated database of the test's own, on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "meetingz.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    postgres = request.getfixturevalue("postgres")
    url = postgres.migrated()
    yield url
    postgres.drop(url)


@pytest.fixture
def bare_environment(monkeypatch):
    """No setting of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("MEETINGZ_") or name in OTHERS:
            monkeypatch.delenv(name)


OTHERS = ("DATABASE_URL", "REDIS_URL", "BIGBLUEBUTTON_ENDPOINT", "BIGBLUEBUTTON_SECRET")
OTHERS += ("BBB_SERVER_BASE_URL", "BBB_SECRET", "LOG_LEVEL")


@pytest.fixture
def make_context(database_url, tmp_path, bare_environment):
    """Surroundings on the test's database, with these settings; all its connections are closed at the end."""
    made = []

    def _(**settings):
        settings = {"timezone": "UTC", "secret_key": "a key for tests only", "read_timeout_seconds": 5, **settings}
        context = contexts.make(Settings(data_dir=tmp_path, database_url=database_url, **settings))
        made.append(context)
        return context

    yield _
    for context in made:
        for _, client in context.connect._known.values():
            client.close()
        context.database.dispose()


@pytest.fixture
def context(make_context):
    return make_context()


@pytest.fixture
def database(context):
    return context.database


@pytest.fixture(scope="session")
def stopping():
    """Stops servers aside: each takes a fifth of a second to notice, which no test need wait for."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def served(clock, stopping):
    """Serves simulated servers on the test's clock, over real HTTP; all are stopped at the end."""
    running = []

    def _(profile="B", **options):
        options.setdefault("clock", clock.timestamp)
        server = serve(World(SECRET, profile=profile, **options))
        running.append(server)
        return server

    yield _
    for server in running:
        stopping.submit(server.stop)


@pytest.fixture
def add_server(context, clock, served):
    """A simulated server, entered in the tables. Answers the served world; its number is ``server_id``."""
    names = (f"server-{number}" for number in itertools.count(1))

    def _(profile="B", *, capacity=None, weight=1.0, **options):
        running = served(profile, **options)
        running.name = next(names)
        running.server_id = servers.add(
            context, running.name, running.base_url, SECRET, clock(), capacity=capacity, weight=weight
        )
        return running

    return _


@pytest.fixture
def make_course(context):
    """A course with a roster of ``(user_id, full_name, role)``. Answers its code."""

    def _(code="alg", *, roster=(), **columns):
        columns = {"title": "Algebra", "timezone": "UTC", "options": {}, **columns}
        with context.database.write() as session:
            course = Course(code=code, **columns)
            session.add(course)
            session.flush()
            for user_id, name, role in roster:
                session.add(Participant(course_id=course.id, user_id=user_id, full_name=name, role=role))
        return code

    return _


@pytest.fixture
def make_occurrence(context, clock):
    """A sitting that starts ``start_in`` minutes from now. Answers its number."""

    def _(code="alg", *, start_in=10, minutes=60):
        start = clock() + timedelta(minutes=start_in)
        return arrange.add(context, code, start, start + timedelta(minutes=minutes), clock())

    return _
