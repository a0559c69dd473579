"""A run that was believed gone and lives: whatever was tried meanwhile, it is the room of its class."""

from datetime import timedelta

import pytest

from tests.operations.meetings.test_provision import hide
from worker import bbb
from worker.operations.attendance import fold
from worker.operations.timetable import sittings
from worker.simulator import Fault
from worker.store.tables import Alarm, Meeting


@pytest.fixture
def servers(add_server):
    return [add_server(), add_server()]


@pytest.fixture
def homes(stage, servers, make_course, make_occurrence):
    """A class with somebody in its room. Answers its server, and the other one."""
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting()
    home, other = servers if room.server_id == servers[0].server_id else servers[::-1]
    home.world.join(room.external_id, "u1", "Zahra")
    stage.polls(2)
    return home, other


def test_its_class_is_live_though_its_row_is_older_than_what_was_tried_after_it(stage, homes):
    """Denied for a moment, then tried in vain on another server, then found alive where it was."""
    home, other = homes
    hide(home.world, stage, polls=2)
    home.world.faults.add(Fault("drop", count=3))
    stage.polls(3)
    other.world.faults.add(Fault("drop", call="create"))
    assert stage.provision() == ["late"]
    stage.polls(3)
    assert stage.server(home).healthy
    assert [stage.provision()[0] for _ in range(2)] == ["late", "reopened"]
    stage.polls(1)
    (live,) = stage.live()
    assert live.id < max(each.id for each in stage.meetings())
    with stage.context.database.read() as session:
        (found,) = sittings.find(session, stage.clock())
    assert (found.state, found.meeting.id) == ("live", live.id)
    home.world.faults.add(Fault("drop", count=3))
    stage.polls(3)
    assert stage.provision() == []  # somebody is in it: it has its room, and no other is asked for
    assert stage.story("poisoned") == []


@pytest.fixture
def slow_create(monkeypatch):
    """Something happens between the server's doing and our hearing of it."""

    def _(meanwhile):
        real, done = bbb.Client.create, []

        def create(client, params):
            made = real(client, params)
            done or done.append(meanwhile())
            return made

        monkeypatch.setattr(bbb.Client, "create", create)

    return _


def test_it_is_none_where_its_request_was_given_up_meanwhile_for_another(stage, homes, slow_create):
    """The answer comes to one worker when a second has moved on: `strays` looks after what lives there."""
    home, other = homes
    hide(home.world, stage, polls=2)

    def moved_on():
        with stage.context.database.write() as session:
            asked = session.query(Meeting).filter_by(state="requested").one()
            asked.state, asked.closed_at, asked.close_reason = "closed", stage.clock(), "abandoned"
            session.flush()
            another = {"occurrence_id": asked.occurrence_id, "external_id": asked.external_id, "attempts": 1}
            place = {"server_id": other.server_id, "passwords": asked.passwords, "requested_at": stage.clock()}
            session.add(Meeting(**another, **place, state="requested"))

    slow_create(moved_on)
    assert stage.provision() == ["idle"]
    assert stage.story("poisoned") == []
    assert stage.rows(Alarm) == []


def test_it_is_none_where_its_class_was_settled_meanwhile(stage, homes, slow_create):
    (occurrence,) = {each.occurrence_id for each in stage.meetings()}
    stage.clock.now = stage.occurrence(occurrence).closes_at - timedelta(seconds=62)
    hide(homes[0].world, stage, polls=2)

    def settled():
        stage.clock.advance(seconds=5)
        assert fold.settle(stage.context, [occurrence], stage.clock) == 1

    slow_create(settled)
    stage.provision()
    assert stage.occurrence(occurrence).settled_at is not None
    assert stage.live() == []
