"""harvest: recordings are found by our label, placed by their internal id, and kept whatever happens."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.domain import matching
from worker.operations import sweeps
from worker.operations.recordings import full_harvest, harvest, keeping
from worker.simulator import PROFILES, Fault
from worker.store.tables import Course, Meeting, Playback, Recording, Server


@pytest.fixture
def context(make_context):
    """So impatient that every state of a recording is seen."""
    return make_context(recording_first_seconds=10, recording_longest_seconds=20)


@pytest.fixture
def server(add_server):
    return add_server()


def record(stage, server, make_course, make_occurrence, code="alg", record_="always", **columns):
    """A recorded class that is over, its recording still on its way."""
    make_course(code, record=record_, **columns)
    occurrence = make_occurrence(code, start_in=0, minutes=5)
    stage.provision()
    (meeting,) = [each for each in stage.live() if each.occurrence_id == occurrence]
    server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.poll()
    stage.clock.advance(minutes=14)
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


# Cheap and incremental -----------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """Every call of the wire, as its name and parameters."""
    made = []
    real = bbb.Client.ask

    def ask(client, call, params=()):
        made.append((call, dict(params)))
        return real(client, call, params)

    monkeypatch.setattr(bbb.Client, "ask", ask)
    return made


def test_what_is_waited_for_is_asked_by_id_many_at_a_time_and_nothing_else(stage, server, occurrence, calls):
    stage.clock.advance(minutes=10)
    stage.harvest()
    (meeting,) = stage.meetings()
    await_many(stage, meeting, 60)
    calls.clear()
    stage.clock.advance(minutes=1)
    stage.harvest()
    assert [call for call, _ in calls] == ["getRecordings"] * 3  # 61 awaited, 25 a request
    assert all(params.get("recordID") and params["state"] == "any" for _, params in calls)
    assert all("meta_mtz-origin" not in params for _, params in calls)


def await_many(stage, meeting, count):
    """So many more closed runs that a recording is awaited of."""
    columns = {key: getattr(meeting, key) for key in ("occurrence_id", "server_id", "external_id", "passwords")}
    times = {key: getattr(meeting, key) for key in ("requested_at", "opened_at", "closed_at")}
    with stage.context.database.write() as session:
        for number in range(count):
            internal = f"{number:040x}-1700000000000"
            row = Meeting(**columns, **times, state="closed", recorded=True, internal_id=internal)
            session.add(row)


def test_no_scan_is_ever_without_a_label_or_ids(stage, server, occurrence, calls):
    for _ in range(30):
        stage.clock.advance(minutes=60)
        stage.harvest()
    asked = [params for call, params in calls if call == "getRecordings"]
    assert all(params.get("recordID") or params.get("meta_mtz-origin") for params in asked)


def test_a_server_at_rest_is_left_alone(stage, server, occurrence, calls):
    for _ in range(12):
        stage.clock.advance(minutes=10)
        stage.harvest()
    calls.clear()
    stage.harvest()
    assert calls == []


def test_the_slow_pass_finds_what_nobody_waits_for(stage, server):
    stage.harvest()
    foreign(stage, server, {"mtz-origin": stage.context.settings.origin})
    stage.clock.advance(minutes=60)
    assert stage.harvest() == 0
    stage.clock.advance(seconds=stage.context.settings.harvest_full_seconds)
    assert stage.harvest() == 1


@pytest.mark.parametrize("profile", ["A", "E", "scalelite"])
def test_e83_the_slow_pass_goes_through_pages_or_takes_all_at_once(stage, add_server, profile, calls):
    server = add_server(profile)
    grow(stage, server, 250)
    assert stage.harvest() == 250
    assert len(calls) == (1 if profile == "A" else 3)
    assert len(stage.rows(Recording)) == 250


def test_e83_a_server_that_ignores_pages_with_exactly_a_page_full_ends(stage, server, calls):
    grow(stage, server, 100)
    assert stage.harvest() == 100
    assert len(calls) == 2


def test_a_killed_slow_pass_goes_on_at_its_page(stage, add_server, calls):
    server = add_server("E")
    grow(stage, server, 350)
    with pytest.raises(Crash):
        harvest.one(crashing(stage.context, at=9), server.server_id, stage.clock)
    first = stage.server(server).full_harvest_offset
    assert first > 0
    calls.clear()
    stage.harvest()
    assert [params["offset"] for _, params in calls] == [str(each) for each in range(first, 350, 100)]
    assert len(stage.rows(Recording)) == 350
    assert stage.server(server).full_harvest_offset is None


def grow(stage, server, count):
    """So many recordings of ours that no run of ours made."""
    foreign(stage, server, {"mtz-origin": stage.context.settings.origin})
    stage.clock.advance(minutes=10)
    (model,) = server.world.recordings.values()
    server.world.recordings.clear()
    for number in range(count):
        name = f"{number:040x}-{1_700_000_000_000 + number}"
        server.world.recordings[name] = replace(model, record_id=name, metadata=dict(model.metadata))


def test_a_recording_whose_label_was_lost_is_found_only_when_everything_is_asked_for(stage, server, occurrence, calls):
    stage.harvest()
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(recording_due_at=None, recording_tries=1))
    for made in server.world.recordings.values():
        made.metadata.clear()
    foreign(stage, server, {"mtz-origin": "somebody-else"})
    stage.clock.advance(minutes=60 * 7)
    assert stage.harvest() == 0
    assert full_harvest.everything(stage.context, stage.clock) == 1
    assert [row.meeting_id for row in stage.rows(Recording)] == [stage.only_meeting().id]


def test_what_the_slow_pass_does_not_show_is_asked_for_before_it_is_gone(stage, server, occurrence):
    stage.clock.advance(minutes=10)
    stage.harvest()
    (made,) = server.world.recordings.values()
    made.metadata.pop("mtz-origin")  # somebody removed our label: it is still there
    stage.clock.advance(minutes=60 * 7)
    stage.harvest()
    assert stage.rows(Recording)[0].deleted_at is None
    server.world.recordings.clear()
    stage.clock.advance(minutes=60 * 7)
    stage.harvest()
    assert stage.rows(Recording)[0].deleted_at == stage.clock()


# Formats that are waited for, and hints ------------------------------------------------------------------------------


def test_the_wanted_set_is_waited_for(stage, server, make_course, make_occurrence):
    record(stage, server, make_course, make_occurrence, recording_formats="presentation,video")
    ready = []
    for _ in range(30):
        stage.clock.advance(seconds=20)
        stage.harvest()
        ready.append((len(formats(stage)), stage.story().count("recording_ready")))
    assert (2, 0) in ready  # podcast and presentation
    assert ready[-1] == (3, 1)
    assert stage.only_meeting().recording_due_at is None


def test_what_never_comes_is_waited_for_only_so_long(stage, server, make_course, make_occurrence):
    record(stage, server, make_course, make_occurrence, recording_formats="capture")
    for _ in range(100):
        stage.clock.advance(seconds=60)
        stage.harvest()
    (told,) = stage.story("recording_ready")
    assert "without capture" in told.detail
    (row,) = stage.rows(Recording)
    patience = timedelta(seconds=stage.context.settings.recording_formats_seconds)
    assert patience <= row.ready_at - row.published_at <= patience + timedelta(minutes=1)
    assert stage.only_meeting().recording_due_at is None


def test_a_hint_only_makes_the_next_question_come_sooner(make_context, stage, server, occurrence):
    meeting = stage.only_meeting()
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(recording_due_at=stage.clock() + timedelta(days=1)))
        session.execute(update(Server).values(full_harvest_at=stage.clock()))
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 0
    assert not harvest.poke(stage.context, "somebody-else", stage.clock())
    assert not harvest.poke(stage.context, f"mtz-other-{occurrence}", stage.clock())
    for some_id in (meeting.internal_id, meeting.external_id):
        assert harvest.poke(stage.context, some_id, stage.clock())
    assert stage.rows(Recording) == []
    assert stage.harvest() == 1


def test_who_asks_by_hand_is_answered_now_whatever_the_ladder_says(stage, server, occurrence):
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(recording_due_at=stage.clock() + timedelta(days=1)))
        session.execute(update(Server).values(full_harvest_at=stage.clock()))
    foreign(stage, server, {"mtz-origin": stage.context.settings.origin})
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 0
    assert sweeps.run(stage.context, "harvest", stage.clock).startswith("harvested 2 recordings")
    assert len(stage.rows(Recording)) == 2


def test_who_asks_by_hand_twice_leaves_a_slow_pass_in_its_place(stage, server, calls):
    with stage.context.database.write() as session:
        session.execute(update(Server).values(full_harvest_at=stage.clock(), full_harvest_offset=300))
    harvest.hurry(stage.context, stage.clock())
    assert stage.server(server).full_harvest_offset == 300
    assert stage.server(server).full_harvest_at == stage.clock()


@pytest.mark.parametrize(("period", "first"), [(2, 2), (300, 60)])
def test_the_first_wait_is_no_longer_than_the_period_of_the_loop(make_context, period, first):
    context = make_context(harvest_period_seconds=period)
    assert keeping.ladder_of(context).first == timedelta(seconds=first)


# Other dialects ------------------------------------------------------------------------------------------------------


def test_e88_a_name_that_is_escaped_twice_is_shown_as_it_was(stage, add_server, make_course, make_occurrence):
    server = add_server("scalelite")
    record(stage, server, make_course, make_occurrence, title="Q & A <1>")
    stage.clock.advance(minutes=10)
    stage.harvest()
    assert stage.rows(Recording)[0].name == "Q & A <1>"


def test_e92_e93_on_meetingz_past_sessions_link_to_recordings(stage, add_server, make_course, make_occurrence, calls):
    server = add_server(replace(PROFILES["meetingz"], recordings=False))
    occurrence = record(stage, server, make_course, make_occurrence, title="جبر و حساب")
    stage.clock.advance(minutes=10)
    assert stage.harvest() == 1
    (row,) = stage.rows(Recording)
    meeting = stage.only_meeting()
    assert (row.record_id, row.meeting_id, row.matched_by) == (meeting.internal_id, meeting.id, "session")
    assert formats(stage) == ["video"]
    assert stage.story("recorded")[0].occurrence_id == occurrence
    calls.clear()
    stage.clock.advance(minutes=1)
    stage.harvest()
    assert {call for call, _ in calls} == {"getSessions"}


def test_two_classes_of_one_name_at_one_time_are_told_apart_by_asking_for_each(
    stage, add_server, make_course, make_occurrence
):
    server = add_server("meetingz")
    occurrences = []
    for code in ("a", "b"):
        make_course(code, record="always", title="Mathematics")
        occurrences.append(make_occurrence(code, start_in=0, minutes=5))
    stage.provision()
    for meeting in stage.live():
        server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.poll()
    stage.clock.advance(minutes=14)
    stage.run_until(lambda: all(stage.occurrence(each).settled_at for each in occurrences))
    stage.clock.advance(minutes=20)
    stage.harvest()
    placed = {row.record_id: row.meeting_id for row in stage.rows(Recording)}
    assert placed == {meeting.internal_id: meeting.id for meeting in stage.meetings()}


def test_a_server_that_once_listed_recordings_is_not_given_up_for_a_bad_answer(stage, server, occurrence):
    stage.clock.advance(minutes=10)
    stage.harvest()
    server.world.faults.add(Fault("html_200", call="getRecordings", count=1))
    stage.clock.advance(minutes=1)
    stage.harvest()
    assert "harvest" in stage.server(server).features
    stage.clock.advance(minutes=1)
    assert stage.harvest() == 1


@pytest.mark.parametrize(
    ("name", "minute", "fits"),
    [
        ("Algebra", 0, True),
        ("Algebra", 61, True),
        ("Algebra", 62, False),
        ("Algebra", -1, True),
        ("Algebra", -2, False),
        ("Geometry", 5, False),
        ("Alge&amp;amp;bra", 5, False),
        ("ALGEBRA ", 5, True),
    ],
)
def test_a_session_fits_by_name_and_within_the_life_of_a_run(clock, name, minute, fits):
    run = matching.Run(7, "Algebra", clock(), clock() + timedelta(minutes=60))
    session = matching.Session(3, name, clock() + timedelta(minutes=minute))
    assert matching.match([run], [session]) == (({7: 3} if fits else {}), set())


def test_two_runs_that_fit_one_session_are_not_guessed(clock):
    runs = [matching.Run(number, "A & B", clock(), clock() + timedelta(minutes=60)) for number in (1, 2)]
    session = matching.Session(3, "A &amp;amp; B", clock() + timedelta(minutes=1))
    assert matching.match(runs, [session]) == ({}, {1, 2})


def test_a_poisoned_recording_is_put_aside_and_the_rest_is_kept(stage, server, monkeypatch):
    from worker.operations.recordings import keeping

    grow(stage, server, 5)
    bad = next(iter(server.world.recordings))
    real = keeping._update

    def poisoned(session, row, found, place, now):
        if row.record_id == bad:
            raise ValueError("cannot be kept")
        real(session, row, found, place, now)

    monkeypatch.setattr(keeping, "_update", poisoned)
    stage.harvest()
    assert len(stage.rows(Recording)) == 4
    assert re.search("cannot be kept", stage.story("poisoned")[0].detail)


def test_a_course_is_asked_nothing_of_where_it_is_never_recorded(stage, server, make_course, make_occurrence, calls):
    record(stage, server, make_course, make_occurrence, record_="never")
    stage.harvest()
    calls.clear()
    stage.clock.advance(minutes=10)
    stage.harvest()
    assert [call for call, _ in calls] == []
    assert stage.rows(Course)[0].record == "never"
