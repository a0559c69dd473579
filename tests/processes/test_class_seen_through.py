"""A whole class, seen through by real processes on a real broker and a real database, with a SIGKILL in the middle."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.conftest import SECRET
from tests.operations.stage import Stage
from tests.processes.programs import Programs, wait_for
from worker.operations import context as contexts
from worker.operations.installation import servers
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator import World, serve
from worker.store.tables import Course, Meeting, Participant, Pulse, Server

PERIOD = 1.0
#: What the clocks of three processes and a busy machine may add.
SLACK = 0.5
ROSTER = [("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer"), ("u2", "Ali", "viewer"), ("u9", "Never", "viewer")]


def now():
    return datetime.now(UTC)


@pytest.fixture
def options(postgres, valkey_url, tmp_path, bare_environment):
    url = postgres.migrated()
    broker = f"{valkey_url}/{len(postgres._made) % 16}"
    periods = {f"{loop}_period_seconds": PERIOD for loop in ("plan", "provision", "poll", "end", "harvest")}
    yield {
        "database_url": url,
        "broker_url": broker,
        "data_dir": str(tmp_path),
        "secret_key": "a key for tests only",
        "timezone": "UTC",
        "lead_seconds": 3,
        "grace_seconds": 1,
        "tolerance_seconds": 2.5 * PERIOD,
        "end_retry_seconds": 2,
        "late_seconds": 5,
        "left_early_seconds": 5,
        "connect_timeout_seconds": 2,
        "read_timeout_seconds": 2,
        **periods,
    }
    postgres.drop(url)


@pytest.fixture
def stage(options):
    context = contexts.make(Settings(**options))
    yield Stage(context, now)
    context.database.dispose()


@pytest.fixture
def world():
    # The server's own clocks run thirty times faster; a minute that a caller names is a minute.
    return World(SECRET, scale=30, minute_seconds=60)


@pytest.fixture
def served(world, stage):
    with serve(world) as running:
        servers.add(stage.context, "one", running.base_url, SECRET, now())
        yield running


@pytest.fixture
def programs(options, tmp_path):
    running = Programs(tmp_path, **options)
    yield running
    running.stop()


@pytest.fixture
def occurrence(stage, served):
    """A class of 20 seconds that begins in 5."""
    with stage.context.database.write() as session:
        course = Course(code="alg", title="Algebra", timezone="UTC", record="always", options={})
        session.add(course)
        session.flush()
        for user_id, name, role in ROSTER:
            session.add(Participant(course_id=course.id, user_id=user_id, full_name=name, role=role))
    start = now() + timedelta(seconds=5)
    return arrange.add(stage.context, "alg", start, start + timedelta(seconds=20), now())


def room_of(stage):
    def room():
        """the room is open"""
        return next((meeting.external_id for meeting in stage.live() if meeting.state == "open"), None)

    return wait_for(room, within=25)


def until(instant):
    """Not luck but the timetable: the class itself takes this long."""
    time.sleep(max(0.0, (instant - now()).total_seconds()))


def settled(stage, occurrence, programs):
    def over():
        """the class is settled"""
        return stage.occurrence(occurrence).settled_at

    try:
        wait_for(over, within=30)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{programs.logs()[-6000:]}") from None


def present(stays, window):
    """Seconds of truth within the window, for one connection after another of one person."""
    return sum(max(0.0, min(stay.left_at or window[1], window[1]) - max(stay.joined_at, window[0])) for stay in stays)


def check(stage, world, occurrence, *, unknown):
    """The report against the truth: no stay lost, none doubled, no error beyond two periods and what is unknown."""
    row = stage.occurrence(occurrence)
    window = (row.starts_at.timestamp(), row.ends_at.timestamp())
    marks = stage.marks()
    for user_id, _, _ in ROSTER:
        truth = present([stay for stay in world.truth() if stay.user_id == user_id], window)
        found = marks[user_id]["seconds_present"]
        assert found <= truth + 2 * PERIOD + SLACK, user_id
        assert found >= truth - unknown - 2 * PERIOD - SLACK, user_id
    assert marks["u9"]["seconds_present"] == 0
    for key in ("t1", "u1", "u2"):
        own = [(stay.first_seen, stay.last_seen) for stay in stage.kept_stays(occurrence) if stay.attendee_key == key]
        assert own, key
        assert all(one[1] < two[0] for one, two in pairwise(sorted(own)))


def one_meeting_ended(stage, world):
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.close_reason) == ("closed", "ended")
    assert [record.internal_id for record in world.history()] == [meeting.internal_id]
    assert world.meetings() == []
    story = stage.story()
    assert [story.count(kind) for kind in ("requested", "opened", "first_seen", "held", "poisoned")] == [1, 1, 1, 1, 0]


def test_a_class_survives_a_worker_killed_in_its_middle(stage, world, programs, occurrence):
    worker = programs.worker()
    programs.beat()
    room = room_of(stage)
    start = stage.occurrence(occurrence).starts_at
    world.join(room, "t1", "Teacher", role="MODERATOR")
    world.join(room, "u1", "Zahra")
    until(start + timedelta(seconds=6))
    world.join(room, "u2", "Ali")
    until(start + timedelta(seconds=8))
    programs.kill(worker)
    killed = now()
    until(start + timedelta(seconds=12))
    programs.worker()

    def polled():
        """the new worker has polled"""
        return any(row.polled_at and row.polled_at > killed for row in stage.rows(Server))

    wait_for(polled, within=15)
    outage = (now() - killed).total_seconds() + PERIOD
    world.leave(room, "u2")
    settled(stage, occurrence, programs)
    one_meeting_ended(stage, world)
    # A machine with too much to do may leave more unseen than the dead worker did; that is known too.
    gaps = stage.kept_gaps(occurrence)
    others = [gap for gap in gaps if not gap.first_at <= killed <= gap.last_at]
    assert len(gaps) == len(others) + 1
    check(
        stage,
        world,
        occurrence,
        unknown=outage + sum((each.last_at - each.first_at).total_seconds() for each in others),
    )
    assert stage.marks()["u1"]["seconds_unknown"] >= (start + timedelta(seconds=12) - killed).total_seconds() - SLACK
    assert_nothing_secret(programs, stage)


def test_two_beats_double_nothing(stage, world, programs, occurrence):
    programs.worker()
    programs.beat("beat-1")
    programs.beat("beat-2")
    room = room_of(stage)
    for user_id, name, role in ROSTER[:3]:
        world.join(room, user_id, name, role="MODERATOR" if role == "moderator" else "VIEWER")
    settled(stage, occurrence, programs)
    one_meeting_ended(stage, world)
    unseen = sum((end - start).total_seconds() for start, end in stage.gaps(occurrence))
    check(stage, world, occurrence, unknown=unseen)
    assert {row.loop for row in stage.rows(Pulse)} >= {"plan", "provision", "poll", "end", "harvest"}
    assert all(row.error is None for row in stage.rows(Pulse))
    assert_nothing_secret(programs, stage)


def assert_nothing_secret(programs, stage):
    passwords = [stage.context.vault.open_pair(meeting.passwords) for meeting in stage.rows(Meeting)]
    written = programs.logs()
    assert "opened" in written
    for secret in (SECRET, "a key for tests only", "checksum=", *(each for pair in passwords for each in pair)):
        assert secret not in written
    assert "Traceback" not in written
