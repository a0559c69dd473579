"""When meetings end, and who is still seen in them."""

from dataclasses import replace

import pytest

from tests.simulator.conftest import ERAS
from worker.simulator import PROFILES

END_TIMES = {"A": (70, 80), "B": (65, 76), "C": (70, 80), "D": (70, 80), "E": (70, 80)}


def lives(call, meeting_id="m1"):
    return call.info(meeting_id).ok


def ends_after(call, clock, limit=1000, step=1.0):
    waited = 0.0
    while lives(call):
        clock.forward(step)
        waited += step
        assert waited < limit
    return waited


@pytest.mark.parametrize("era", ERAS)
def test_e35_a_meeting_nobody_joins_vanishes_between_5_00_and_5_10(make, clock, era):
    call = make(era)
    call.create()
    assert 300 <= ends_after(call, clock) <= 310
    assert call.world.history()[0].end_reason == "unused"


def test_e35_the_next_create_after_the_expiry_is_a_new_instance(call, clock):
    first = call.create()["internalMeetingID"]
    clock.forward(311)
    assert call.create()["internalMeetingID"] != first
    assert [record.end_reason for record in call.world.history()] == ["unused", None]


def test_e36_a_meeting_never_joined_is_listed_but_not_running(call):
    call.create()
    meeting = call("getMeetings").all("meetings/meeting")[0]
    assert meeting.findtext("running") == "false"
    assert meeting.findtext("hasUserJoined") == "false"
    created = int(meeting.findtext("createTime"))
    assert created + 20 <= int(meeting.findtext("startTime")) <= created + 100
    assert meeting.findtext("endTime") == "0"


@pytest.mark.parametrize("era", list(END_TIMES))
def test_e37_the_meeting_ends_65_to_85_seconds_after_the_last_one_left(make, clock, era):
    call = make(era)
    call.create()
    clock.forward(33)
    call.world.join("m1", "u1", "Zahra")
    clock.forward(600)
    call.world.leave("m1", "u1")
    low, high = END_TIMES[era]
    assert 65 <= low <= ends_after(call, clock) <= high <= 85
    assert call.world.history()[0].end_reason == "emptied"


@pytest.mark.parametrize("era", list(END_TIMES))
def test_e37_somebody_back_after_50_seconds_finds_the_same_instance(make, clock, era):
    call = make(era)
    first = call.create()["internalMeetingID"]
    call.world.join("m1", "u1", "Zahra")
    clock.forward(100)
    call.world.leave("m1", "u1")
    clock.forward(50)
    call.world.join("m1", "u1", "Zahra")
    clock.forward(500)
    assert call.info()["internalMeetingID"] == first
    assert call.info()["endTime"] == "0"


@pytest.mark.parametrize("era", list(END_TIMES))
def test_e37_after_90_seconds_it_is_gone(make, clock, era):
    call = make(era)
    call.create()
    call.world.join("m1", "u1", "Zahra")
    clock.forward(100)
    call.world.leave("m1", "u1")
    clock.forward(90)
    assert call.info().key == "notFound"


@pytest.mark.parametrize(("early", "minutes", "end"), [(0, 1, 60), (15, 90, 5400), (0, 10, 600)])
def test_e34_duration_counts_from_creation_not_from_the_first_join(call, clock, early, minutes, end):
    call.create(duration=minutes)
    clock.forward(early)
    call.world.join("m1", "u1", "Zahra")
    assert end <= early + ends_after(call, clock, limit=6000, step=0.5) <= end + 10.5
    assert call.world.history()[0].end_reason == "duration"


def test_e38_end_takes_effect_a_little_later(call, clock):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    assert call("end", meetingID="m1", password="mp").key == "sentEndMeetingRequest"
    assert lives(call)
    assert call("end", meetingID="m1", password="mp").key == "sentEndMeetingRequest"
    clock.forward(1.5)
    assert call.info().key == "notFound"
    assert call("end", meetingID="m1", password="mp").key == "notFound"
    assert call.world.history()[0].end_reason == "end"


def test_e38_end_works_on_a_meeting_nobody_joined(call, clock):
    call.create()
    assert call("end", meetingID="m1", password="mp").ok
    clock.forward(2)
    assert not lives(call)


def test_e39_end_with_another_password_leaves_the_meeting_alone(call, clock):
    call.create()
    assert call("end", meetingID="m1", password="ap").key == "invalidPassword"
    clock.forward(10)
    assert lives(call)


@pytest.mark.parametrize(
    ("era", "key"), [("A", "notFound"), ("B", "notFound"), ("C", "notFound"), ("D", "invalidPassword")]
)
def test_e40_end_of_an_unknown_meeting(make, era, key):
    assert make(era)("end", meetingID="nope", password="mp").key == key


def test_e41_an_unknown_meeting_is_not_running(call):
    assert call("isMeetingRunning", meetingID="nope")["running"] == "false"


def test_e30_create_right_after_the_end_is_a_new_instance(call, clock):
    first = call.create()
    call.world.end_from_inside("m1")
    second = call.create()
    assert second["internalMeetingID"] != first["internalMeetingID"]
    assert second["createTime"] != first["createTime"]
    assert call.world.history()[0].end_reason == "inside"


def test_an_emptied_meeting_shows_its_end_time_until_somebody_returns(call, clock):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    clock.forward(30)
    call.world.leave("m1", "u1")
    assert call.info()["endTime"] == "0"
    clock.forward(20)
    info = call.info()
    assert (info["running"], info["hasUserJoined"]) == ("false", "true")
    assert info["endTime"] != "0"
    call.world.join("m1", "u2", "Ali")
    assert call.info()["endTime"] == "0"


LATENCIES = {
    "A": (10, 20, 10, 20),
    "B": (1, 20, 1, 20),
    "C": (70, 95, 70, 95),
    "D": (10, 20, 70, 95),
    "E": (10, 20, 10, 20),
}


@pytest.mark.parametrize("era", list(LATENCIES))
def test_e62_who_has_left_is_seen_for_a_while(make, clock, era):
    call = make(era)
    call.create()
    call.world.join("m1", "teacher", "Ada", "MODERATOR")
    call.world.join("m1", "u1", "Zahra")
    clock.forward(101)
    call.world.leave("m1", "u1")
    count_low, count_high, list_low, list_high = LATENCIES[era]
    assert count_low <= _until(call, clock, lambda: call.info()["participantCount"] == "1") <= count_high
    call.world.join("m1", "u2", "Ali")
    clock.forward(200)
    call.world.leave("m1", "u2")
    assert list_low <= _until(call, clock, lambda: len(call.names()) == 1) <= list_high


def _until(call, clock, reached):
    waited = 0
    while not reached():
        clock.forward(1)
        waited += 1
        assert waited < 200
    return waited


def test_e51_era_d_lists_more_people_than_it_counts(make, clock):
    call = make("D")
    call.create()
    call.world.join("m1", "u1", "Zahra")
    call.world.join("m1", "u2", "Ali")
    call.world.leave("m1", "u1")
    clock.forward(25)
    info = call.info()
    assert info["participantCount"] == "1"
    assert len(info.all("attendees/attendee")) == 2


def test_e46_two_devices_are_two_entries(call):
    call.create()
    call.world.join("m1", "u1", "Zahra", device="1")
    call.world.join("m1", "u1", "Zahra", device="2")
    assert call.names() == ["u1", "u1"]
    assert len(call.world.truth()) == 2


def test_e46_era_e_throws_out_the_oldest_of_four_sessions(make, clock):
    call = make("E")
    call.create()
    for device in "1234":
        call.world.join("m1", "u1", "Zahra", device=device)
    assert sum(stay.left_at is None for stay in call.world.truth()) == 3


def test_e47_a_rejoin_overlaps_its_own_ghost(call, clock):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    clock.forward(60)
    call.world.leave("m1", "u1")
    call.world.join("m1", "u1", "Zahra")
    assert call.names() == ["u1", "u1"]
    clock.forward(20)
    assert call.names() == ["u1"]


def test_e54_a_role_changes_while_the_class_runs(call):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    assert call.info()["moderatorCount"] == "0"
    call.world.promote("m1", "u1")
    assert call.info()["attendees/attendee/role"] == "MODERATOR"


def test_scale_hurries_the_servers_own_clocks(make, clock):
    call = make(scale=60)
    call.create()
    clock.forward(4.9)
    assert lives(call)
    clock.forward(0.3)
    assert not lives(call)


def test_minutes_named_by_a_caller_have_their_own_length(make, clock):
    call = make(scale=60, minute_seconds=10)
    call.create(duration=2)
    call.world.join("m1", "u1", "Zahra")
    clock.forward(19.9)
    assert lives(call)
    clock.forward(0.3)
    assert not lives(call)


@pytest.mark.parametrize(("era", "lives_on"), [("B", False), ("D", True), ("E", True)])
def test_expiry_parameters_are_known_from_era_d_on(make, clock, era, lives_on):
    call = make(era)
    call.create(meetingExpireIfNoUserJoinedInMinutes=20)
    clock.forward(400)
    assert lives(call) is lives_on


def test_truth_knows_every_stay_of_every_meeting(call, clock):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    start = clock.now
    clock.forward(10)
    call.world.leave("m1", "u1")
    clock.forward(5)
    call.world.join("m1", "u1", "Zahra")
    clock.forward(10)
    call.world.end_from_inside("m1")
    stays = [(stay.joined_at - start, stay.left_at - start) for stay in call.world.truth()]
    assert stays == [(0, 10), (15, 25)]
    assert call.world.history()[0].peak == 1


def test_e42_a_server_may_show_ended_meetings_for_a_while(make, clock):
    call = make(replace(PROFILES["B"], ended_visible=60.0))
    call.create()
    call.world.end_from_inside("m1")
    assert call.info()["hasBeenForciblyEnded"] == "true"
    clock.forward(61)
    assert call.info().key == "notFound"


def test_e43_a_web_restart_loses_meetings_with_people_inside(call, clock):
    first = call.create()["internalMeetingID"]
    call.world.join("m1", "u1", "Zahra")
    call.world.restart_web()
    assert call.info().key == "notFound"
    assert call.create()["internalMeetingID"] != first
    assert [stay.left_at for stay in call.world.truth()] == [None]
    call.world.leave("m1", "u1")
    clock.forward(100)
    assert call.world.history()[0].end_reason == "emptied"


def test_e55_breakouts_are_listed_and_end_with_their_parent(call, clock):
    parent = call.create()["internalMeetingID"]
    call.create("room1", isBreakout="true", parentMeetingID="m1", sequence=1)
    assert call.info("room1")["parentMeetingID"] == parent
    assert call.info()["breakoutRooms/breakout"] == "room1"
    call.world.end_from_inside("room1")
    assert call.info()["breakoutRooms/breakout"] is None
    call.create("room2", isBreakout="true", parentMeetingID="m1", sequence=2)
    call.world.end_from_inside("m1")
    assert not lives(call, "room2")


def test_e58_a_recorder_bot_comes_with_the_recording_and_goes_with_the_last_one(make, clock):
    call = make(replace(PROFILES["meetingz"], recorder_bot="recorder-1"))
    call.create(record="true")
    call.world.join("m1", "u1", "Zahra")
    call.world.press_record("m1")
    assert sorted(call.names()) == ["recorder-1", "u1"]
    clock.forward(100)
    call.world.leave("m1", "u1")
    clock.forward(90)
    assert not lives(call)
