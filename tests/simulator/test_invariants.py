"""Random play: what must hold whatever happens, in every era."""

import random

import pytest

from tests.simulator.conftest import ERAS
from worker.simulator import answers

IDS = ("m1", "m2", "m3")
PEOPLE = tuple(f"u{n}" for n in range(6))


def act(call, clock, dice):
    world, meeting_id, user_id = call.world, dice.choice(IDS), dice.choice(PEOPLE)
    match dice.choice(
        ("create", "join", "join", "leave", "leave", "end", "wait", "wait", "press", "promote", "restart")
    ):
        case "create":
            call.create(meeting_id, duration=dice.choice((0, 0, 3, 30)), record="true")
        case "join" if world.meeting(meeting_id):
            world.join(meeting_id, user_id, user_id, device=dice.choice("12"))
        case "leave":
            world.leave(meeting_id, user_id, dice.choice((None, "1")))
        case "end" if dice.random() < 0.3:
            call("end", meetingID=meeting_id, password="mp")
        case "press" if world.meeting(meeting_id):
            world.press_record(meeting_id)
        case "promote" if world.meeting(meeting_id):
            world.promote(meeting_id, user_id)
        case "restart" if dice.random() < 0.1:
            world.restart_web()
        case _:
            clock.forward(dice.choice((0.3, 1, 4.9, 17, 61)))


def check_what_is_shown(call, clock):
    """Nothing stale is shown, and nobody who is inside is missing."""
    for meeting in call.world.meetings():
        shown = answers.info(meeting, call.world.profile, clock.now)
        meeting.cache.clear()
        assert shown == answers.info(meeting, call.world.profile, clock.now)
        assert {person.user_id for person in meeting.connected} <= set(call.names(meeting.meeting_id))


def check_the_story(call, clock):
    history, truth = call.world.history(), call.world.truth()
    by_id = {record.internal_id: record for record in history}
    assert len(by_id) == len(history)
    for stay in truth:
        record = by_id[stay.internal_id]
        assert record.created_at <= stay.joined_at <= (stay.left_at or clock.now)
        assert (record.ended_at is None) or stay.left_at <= record.ended_at <= clock.now
    assert all((record.ended_at is None) is (record.end_reason is None) for record in history)
    never = [record for record in history if record.end_reason == "unused"]
    assert not {record.internal_id for record in never} & {stay.internal_id for stay in truth}


def check_the_recordings(call):
    ended = {record.internal_id for record in call.world.history() if record.ended_at is not None}
    assert set(call.world.recordings) <= ended
    assert all(recording.length > 0 for recording in call.world.recordings.values())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("era", ERAS)
def test_a_world_never_contradicts_itself(make, clock, era, seed):
    call = make(era)
    dice = random.Random(f"{era}/{seed}")
    for _ in range(250):
        act(call, clock, dice)
        check_what_is_shown(call, clock)
    check_the_story(call, clock)
    check_the_recordings(call)
    clock.forward(100_000)
    for record in call.world.history():
        assert record.ended_at is not None or any(
            stay.left_at is None for stay in call.world.truth() if stay.internal_id == record.internal_id
        )
