"""end: overrunning and cancelled meetings are asked to end, ours only, until they have; what is over is settled."""

import pytest
from sqlalchemy import update

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.operations.meetings import end, joining, provision
from worker.operations.timetable import arrange
from worker.simulator import Fault
from worker.store.tables import Meeting

#: before and after the claim, the second look, the request, the note
BOUNDARIES = range(8)


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(stage, server, make_course, make_occurrence):
    """A class of an hour with its room open and a teacher inside, at its very end and grace."""
    make_course()
    made = make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    stage.clock.advance(minutes=69, seconds=30)
    stage.poll()
    return made


def test_a_meeting_past_end_and_grace_is_asked_to_end(stage, server, occurrence):
    assert stage.end() == ["asked"]
    assert stage.only_meeting().state == "ending"
    stage.polls(3)
    assert server.world.meetings() == []
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.close_reason) == ("closed", "ended")


def test_nothing_is_ended_within_the_grace(stage, server, occurrence):
    stage.clock.advance(seconds=-1)
    assert stage.end() == []
    assert stage.only_meeting().end_requested_at is None


def test_twice_is_once(stage, server, occurrence):
    meeting = stage.only_meeting()
    assert end.one(stage.context, meeting.id, stage.clock()) == "asked"
    assert end.one(stage.context, meeting.id, stage.clock()) == "idle"
    assert stage.end() == []
    assert stage.only_meeting().end_requests == 1
    assert stage.story().count("end_asked") == 1


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_crash_at_any_point_still_ends_it(stage, server, occurrence, boundary):
    with pytest.raises(Crash):
        end.one(crashing(stage.context, at=boundary), stage.only_meeting().id, stage.clock())
    stage.clock.advance(seconds=stage.context.settings.end_retry_seconds)
    for _ in range(4):
        stage.tick()
    assert server.world.meetings() == []
    assert stage.only_meeting().close_reason == "ended"
    assert stage.occurrence(occurrence).settled_at is not None


def test_asking_is_not_ending_and_a_meeting_that_lives_on_is_asked_again(stage, server, occurrence, monkeypatch):
    monkeypatch.setattr(server.world, "ask_to_end", lambda meeting, now: None)
    for _ in range(12):
        stage.tick()
    assert stage.only_meeting().end_requests == 6
    assert stage.story().count("end_asked") == 1
    assert stage.story().count("not_ended") == 1


def test_no_answer_is_asked_again_at_the_next_tick(stage, server, occurrence):
    server.world.faults.add(Fault("html_502", call="end", count=2))
    outcomes = []
    for _ in range(3):
        outcomes += stage.end()
        stage.clock.advance(seconds=30)
    assert outcomes == ["late", "late", "asked"]
    assert stage.story().count("end_asked") == 1
    assert stage.story().count("not_ended") == 0


def test_a_lost_answer_to_a_request_that_was_heard_is_no_trouble(stage, server, occurrence):
    server.world.faults.add(Fault("drop_after", call="end", count=1))
    assert stage.end() == ["late"]
    stage.clock.advance(seconds=30)
    assert stage.end() == ["idle"]
    stage.polls(3)
    assert stage.only_meeting().close_reason == "ended"


def test_e39_a_wrong_password_is_said_once_and_never_repeated(stage, server, occurrence):
    wrong = stage.context.vault.lock_pair("wrong-a", "wrong-m")
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(passwords=wrong))
    assert stage.end() == ["refused"]
    stage.clock.advance(minutes=5)
    assert stage.end() == []
    assert stage.only_meeting().state == "open"
    assert stage.story().count("end_refused") == 1
    assert len(server.world.meetings()) == 1


@pytest.mark.parametrize("profile", ["A", "B", "C", "D", "E", "meetingz", "scalelite"])
def test_e40_a_meeting_that_is_gone_already_is_no_trouble(stage, add_server, make_course, make_occurrence, profile):
    server = add_server(profile)
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    stage.clock.advance(minutes=80)
    assert stage.end() == ["idle"]
    stage.polls(2)
    assert stage.only_meeting().state == "closed"
    assert stage.story().count("end_refused") == 0
    assert server.world.meetings() == []


def test_a_foreign_meeting_is_never_ended(stage, server, occurrence):
    """The same id, another run, other labels: somebody else's."""
    meeting = stage.only_meeting()
    server.world.end_from_inside(meeting.external_id)
    passwords = dict(
        zip(("attendee_pw", "moderator_pw"), stage.context.vault.open_pair(meeting.passwords), strict=True)
    )
    meta = {"mtz-origin": "somebody-else"}
    client = stage.context.connect(stage.server(server))
    client.create(bbb.CreateParams(meeting_id=meeting.external_id, name="Theirs", meta=meta, **passwords))
    assert stage.end() == ["refused"]
    stage.clock.advance(minutes=1)
    stage.end()
    assert [each.name for each in server.world.meetings()] == ["Theirs"]


def test_our_own_run_is_known_by_its_internal_id_where_the_server_shows_no_labels(stage, server, occurrence):
    for each in server.world.meetings():
        each.metadata.clear()
    assert stage.end() == ["asked"]
    stage.polls(3)
    assert server.world.meetings() == []


def test_meetings_that_are_not_in_our_tables_are_left_alone(stage, server, occurrence):
    client = stage.context.connect(stage.server(server))
    client.create(bbb.CreateParams(meeting_id="theirs", name="Theirs", attendee_pw="ap", moderator_pw="mp"))
    server.world.join("theirs", "x", "Somebody")
    for _ in range(4):
        stage.tick()
    assert [each.meeting_id for each in server.world.meetings()] == ["theirs"]


def test_a_cancelled_class_is_ended_at_once(stage, server, make_course, make_occurrence):
    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    assert stage.end() == ["asked"]
    stage.clock.advance(seconds=30)
    for _ in range(3):
        stage.tick()
    assert server.world.meetings() == []
    assert stage.occurrence(occurrence).settled_at is not None
    assert "held" not in stage.story()


def test_an_extended_class_runs_to_its_new_end_and_grace(stage, server, occurrence):
    arrange.extend(stage.context, occurrence, 30, stage.clock())
    assert stage.end() == []
    stage.clock.advance(minutes=30)
    assert stage.end() in (["asked"], ["idle"])


def test_a_class_extended_after_the_bell_rang_is_not_ended(stage, server, occurrence):
    ids = end.due_meetings(stage.context, stage.clock())
    arrange.extend(stage.context, occurrence, 30, stage.clock())
    assert end.some(stage.context, ids, stage.clock) == ["idle"]
    assert stage.only_meeting().end_requested_at is None


def test_a_course_that_may_run_on_for_ever_is_not_ended(stage, server, make_course, make_occurrence):
    make_course(end_policy="never")
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.clock.advance(minutes=600)
    assert stage.end() == []


def test_the_courses_own_grace_goes_before_the_general_one(stage, server, make_course, make_occurrence):
    make_course(grace_seconds=0)
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.clock.advance(minutes=60)
    assert stage.end() == ["asked"]


def test_a_poisoned_meeting_stops_no_other_and_is_named_once(stage, server, make_course, make_occurrence):
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    for meeting in stage.live():
        server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    bad = stage.live()[0]
    with stage.context.database.write() as session:
        session.execute(update(Meeting).where(Meeting.id == bad.id).values(passwords=b"nonsense"))
    stage.clock.advance(minutes=70)
    assert sorted(stage.end()) == ["asked", "late"]
    stage.clock.advance(minutes=2)
    stage.end()
    assert [event.occurrence_id for event in stage.story("poisoned")] == [bad.occurrence_id]


def test_one_dead_server_delays_no_other(stage, add_server, make_course, make_occurrence):
    servers = [add_server(), add_server()]
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    servers[0].world.faults.add(Fault("drop"))
    stage.clock.advance(minutes=70)
    assert sorted(stage.end()) in (["asked", "late"], ["idle", "late"])


# What is over is settled


def test_a_class_with_people_was_held(stage, server, occurrence):
    for _ in range(4):
        stage.tick()
    assert stage.story()[-1] == "held"
    assert {stay.attendee_key for stay in stage.kept_stays(occurrence)} == {"t1"}


def test_a_class_nobody_came_to_was_missed(stage, server, make_course, make_occurrence):
    make_course()
    occurrence = make_occurrence(start_in=0, minutes=5)
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    assert stage.story()[-1] == "missed"


def test_a_class_is_not_settled_while_its_room_lives(stage, server, occurrence):
    stage.end()
    assert stage.occurrence(occurrence).settled_at is None


def test_a_class_whose_room_never_opened_is_settled_and_its_request_given_up(
    stage, server, make_course, make_occurrence
):
    make_course(roster=[("u1", "Zahra", "viewer")])
    occurrence = make_occurrence(start_in=0)
    server.world.faults.add(Fault("drop"))
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at, seconds=300, ticks=40)
    assert stage.live() == []
    assert stage.only_meeting().close_reason == "abandoned"
    assert "missed" in stage.story()
    assert stage.marks()["u1"]["status"] == "unknown"


def test_a_class_cancelled_while_its_room_was_requested_is_settled(stage, server, make_course, make_occurrence):
    make_course()
    occurrence = make_occurrence(start_in=0)
    with pytest.raises(Crash):
        provision.one(crashing(stage.context, at=1), occurrence, stage.clock())
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    stage.end()
    assert stage.live() == []
    assert stage.occurrence(occurrence).settled_at is not None


def test_settling_twice_is_once(stage, server, occurrence):
    for _ in range(4):
        stage.tick()
    assert stage.settle(occurrence) == 0
    assert stage.story().count("held") == 1


def test_a_class_that_was_extended_after_it_was_asked_to_end_can_be_joined(stage, server, occurrence):
    """Nobody knows whether the request arrived; the room is there."""
    server.world.faults.add(Fault("drop", call="end", count=1))
    assert stage.end() == ["late"]
    arrange.extend(stage.context, occurrence, 60, stage.clock())
    stage.clock.advance(seconds=30)
    stage.poll()
    assert stage.end() == []
    link = joining.link(stage.context, occurrence, user_id="u1", name="Zahra", role="viewer", now=stage.clock())
    assert "/join?" in link


def test_a_class_that_was_extended_and_ends_all_the_same_is_opened_again(stage, server, occurrence):
    """The request had arrived: that was us, and not its teacher."""
    assert stage.end() == ["asked"]
    arrange.extend(stage.context, occurrence, 60, stage.clock())
    stage.polls(3)
    assert stage.meetings()[0].close_reason == "ended"
    assert stage.occurrence(occurrence).finished_at is None
    assert stage.provision() == ["opened"]
