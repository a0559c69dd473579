"""harvest: recordings are found by our label, placed by their internal id, and kept whatever happens."""

from dataclasses import replace

import pytest

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.operations import harvest
from worker.simulator import PROFILES, Fault
from worker.store.tables import Playback, Recording


@pytest.fixture
def context(make_context):
    """So impatient that every state of a recording is seen."""
    return make_context(recording_first_seconds=10, recording_longest_seconds=20)


@pytest.fixture
def server(add_server):
    return add_server()


def record(stage, server, make_course, make_occurrence, code="alg"):
    """A recorded class that is over, its recording still on its way."""
    make_course(code, record="always")
    occurrence = make_occurrence(code, start_in=0, minutes=5)
    stage.provision()
    (meeting,) = [each for each in stage.live() if each.occurrence_id == occurrence]
    server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    return occurrence


@pytest.fixture
def occurrence(stage, server, make_course, make_occurrence):
    return record(stage, server, make_course, make_occurrence)


def formats(stage):
    return [row.format for row in stage.rows(Playback)]


def test_a_recording_is_placed_by_its_internal_id(stage, server, occurrence):
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1
    (row,) = stage.rows(Recording)
    meeting = stage.only_meeting()
    assert (row.record_id, row.meeting_id, row.state) == (meeting.internal_id, meeting.id, "published")
    assert row.labels["mtz-occurrence"] == str(occurrence)
    assert formats(stage) == ["podcast", "presentation", "video"]
    assert [event.occurrence_id for event in stage.story("recorded")] == [occurrence]
    assert stage.server(server).harvested_at == stage.clock()


def test_twice_is_once(stage, occurrence):
    stage.clock.advance(minutes=10)
    stage.harvest()
    (before,) = stage.rows(Recording)
    stage.clock.advance(minutes=5)
    assert stage.harvest() == 1
    (after,) = stage.rows(Recording)
    assert (after.id, after.found_at) == (before.id, before.found_at)
    assert after.seen_at == stage.clock()
    assert len(formats(stage)) == 3
    assert stage.story().count("recorded") == 1


@pytest.mark.parametrize("boundary", range(6))
def test_a_crash_at_any_point_loses_nothing_and_tells_once(stage, server, occurrence, boundary):
    stage.clock.advance(minutes=10)
    with pytest.raises(Crash):
        harvest.one(crashing(stage.context, at=boundary), server.server_id, stage.clock)
    stage.clock.advance(minutes=1)
    assert stage.harvest() == 1
    assert len(stage.rows(Recording)) == 1
    assert len(formats(stage)) == 3
    assert stage.story().count("recorded") == 1


def test_e78_formats_come_one_by_one(stage, occurrence):
    seen = []
    for _ in range(16):
        stage.clock.advance(seconds=20)
        stage.harvest()
        seen.append(len(formats(stage)))
    assert seen == sorted(seen)
    assert set(seen) >= {1, 2, 3}


def test_e79_a_recording_still_in_the_making_has_no_times_yet(stage, occurrence):
    while not stage.rows(Recording):
        stage.clock.advance(seconds=10)
        stage.harvest()
    (row,) = stage.rows(Recording)
    if row.state == "processing":
        assert (row.started_at, row.ended_at) == (None, None)
    stage.clock.advance(minutes=10)
    stage.harvest()
    (row,) = stage.rows(Recording)
    assert row.state == "published"
    assert row.started_at < row.ended_at


def test_a_failed_call_is_noted_and_changes_nothing(stage, server, occurrence):
    stage.clock.advance(minutes=10)
    stage.harvest()
    stage.clock.advance(minutes=1)
    server.world.faults.add(Fault("html_502", call="getRecordings"))
    assert stage.harvest() == 0
    assert len(stage.rows(Recording)) == 1
    assert "recordings" in stage.server(server).features["harvest"]
    server.world.faults.clear()
    stage.harvest()
    assert "harvest" not in stage.server(server).features


def test_one_dead_server_does_not_stop_the_others(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    first.world.faults.add(Fault("drop"))
    for _ in range(3):
        stage.poll()
    record(stage, second, make_course, make_occurrence)
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1


def test_e90_a_server_without_any_history_is_noted_not_an_error(stage, add_server, make_course, make_occurrence):
    server = add_server("meetingz")
    record(stage, server, make_course, make_occurrence)
    server.world.faults.add(Fault("html_502", call="getSessions"))
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 0
    assert stage.server(server).features["harvest"]


@pytest.mark.parametrize("profile", ["A", "B", "C", "D", "E", "scalelite"])
def test_every_era(stage, add_server, make_course, make_occurrence, profile):
    server = add_server(profile)
    occurrence = record(stage, server, make_course, make_occurrence)
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1
    assert stage.rows(Recording)[0].meeting_id == stage.only_meeting().id
    assert stage.story("recorded")[0].occurrence_id == occurrence


def test_e76_recordings_of_others_are_left_out_where_the_server_combines_filters_with_or(
    stage, add_server, make_course, make_occurrence
):
    server = add_server(replace(PROFILES["B"], meta_filter="or"))
    record(stage, server, make_course, make_occurrence)
    foreign(stage, server, {"mtz-origin": "somebody-else"})
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1


def test_a_recording_of_ours_that_fits_no_meeting_is_kept(stage, server):
    foreign(stage, server, {"mtz-origin": stage.context.settings.origin, "mtz-occurrence": "7"})
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1
    (row,) = stage.rows(Recording)
    assert row.meeting_id is None
    assert row.labels["mtz-occurrence"] == "7"


def foreign(stage, server, meta):
    """A recorded meeting that our tables do not know."""
    client = stage.context.connect(stage.server(server))
    passwords = {"attendee_pw": "ap", "moderator_pw": "mp"}
    params = bbb.CreateParams(meeting_id="theirs", name="Theirs", record=True, meta=meta, **passwords)
    client.create(replace(params, auto_start_recording=True))
    server.world.join("theirs", "x", "Somebody", role="MODERATOR")
    stage.clock.advance(minutes=1)
    server.world.end_from_inside("theirs")
