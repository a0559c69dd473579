"""A server behind a stale load balancer denies a room for some polls while a class is on in it: nobody has ended it."""

from datetime import timedelta

import pytest

from tests.operations.meetings.test_provision import hide
from worker.operations.meetings import end_now
from worker.operations.timetable import arrange


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def room(stage, server, make_course, make_occurrence):
    """Makes a class that has begun, its teacher inside. Answers its number and its room's id."""

    def _(**columns):
        make_course(roster=[("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer")], **columns)
        number = make_occurrence(start_in=0)
        stage.provision()
        found = stage.only_meeting().external_id
        server.world.join(found, "t1", "Teacher", role="MODERATOR")
        server.world.join(found, "u1", "Zahra")
        stage.polls(20)  # ten minutes into an hour
        return number, found

    return _


def inside(server):
    return [meeting.meeting_id for meeting in server.world.meetings()]


def test_a_class_that_was_denied_for_a_moment_goes_on(stage, server, room):
    occurrence, external_id = room()
    hide(server.world, stage, polls=2)
    assert stage.occurrence(occurrence).finished_at  # so it looked: as if its teacher had ended it
    for _ in range(10):
        stage.tick()
    assert inside(server) == [external_id]
    assert stage.only_meeting().state == "open"
    assert stage.occurrence(occurrence).finished_at is None
    assert stage.story()[-1] == "reopened"


def test_the_moment_is_unknown_and_nobody_left_in_it(stage, server, room):
    occurrence, _ = room()
    hide(server.world, stage, polls=2)
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    marks = stage.marks()
    assert {each["status"] for each in marks.values()} == {"present"}
    assert not any(each["left_early"] for each in marks.values())


@pytest.mark.parametrize(("policy", "minutes_past"), [("end", 2), ("never", 20), ("spare", 20)])
def test_so_does_one_that_runs_on_as_it_may(stage, server, room, policy, minutes_past):
    occurrence, external_id = room(end_policy=policy)
    stage.clock.now = stage.occurrence(occurrence).closes_at + timedelta(minutes=minutes_past)
    stage.polls(2)
    hide(server.world, stage, polls=2)
    for _ in range(6):  # three minutes
        stage.tick()
    assert inside(server) == [external_id]
    assert len(stage.live()) == 1


def test_one_that_was_settled_meanwhile_is_settled_again_with_what_came_after(stage, server, room):
    occurrence, external_id = room(end_policy="never")
    stage.clock.now = stage.occurrence(occurrence).closes_at + timedelta(minutes=20)
    stage.polls(2)
    live, server.world._ledger.live = server.world._ledger.live, {}
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    server.world._ledger.live = live
    stage.polls(10)
    assert stage.occurrence(occurrence).settled_at is None
    server.world.end_from_inside(external_id)
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    assert max(stay.last_seen for stay in stage.kept_stays(occurrence)) > stage.clock() - timedelta(minutes=3)


@pytest.mark.parametrize("by", ["its teacher", "an admin", "the timetable"])
def test_a_class_that_somebody_ended_is_no_room_again(stage, server, room, by):
    """Shown once more by a list that lags, empty; or alive since the server took no notice of our asking."""
    occurrence, external_id = room()
    if by == "an admin":
        end_now.one(stage.context, occurrence, stage.clock())
    elif by == "the timetable":
        arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    else:
        server.world.leave(external_id, "t1")
        server.world.leave(external_id, "u1")
    hide(server.world, stage, polls=2)
    stage.polls(2)
    assert stage.live() == []
