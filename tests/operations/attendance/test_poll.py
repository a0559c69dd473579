"""poll: who is in, which meetings are gone; a failed poll is not an observation."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.domain.attendance import Seen
from worker.operations.attendance import observe, poll
from worker.operations.attendance.observe import Recent, Sight
from worker.operations.meetings import provision
from worker.operations.timetable import arrange
from worker.simulator import PROFILES, Fault
from worker.store.tables import Attendee, EndedObservation, Meeting, Observation, OngoingObservation, Server

#: before and after the call, the record, the note about the server
BOUNDARIES = range(6)
SILENCES = ["drop", "http_500", "html_502", "html_200", "empty", "truncate", "garbage", "two_documents"]
ERAS = ["A", "B", "C", "D", "E", "meetingz", "scalelite"]


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(stage, server, make_course, make_occurrence):
    """A class with its room open; the clock stands at the open room."""
    make_course(roster=[("u1", "Zahra", "viewer")])
    made = make_occurrence(start_in=0)
    assert stage.provision() == ["opened"]
    return made


@pytest.fixture
def room(stage, occurrence):
    return stage.only_meeting().external_id


def people(stage):
    """``(first, last, polls, keys)`` of each observation, in seconds since the first poll."""
    observations = stage.rows(Observation)
    names = {(row.meeting_id, str(row.number)): row.user_id for row in stage.rows(Attendee)}
    start = observations[0].first_at if observations else None
    return [
        (
            (row.first_at - start).total_seconds(),
            (row.last_at - start).total_seconds(),
            row.polls,
            sorted(names[row.meeting_id, number] for number in row.attendees.split()),
        )
        for row in observations
    ]


def test_an_unchanged_room_is_one_observation(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(4)
    assert people(stage) == [(0, 90, 4, ["u1"])]


def test_a_change_begins_another_observation(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    server.world.join(room, "u2", "Ali")
    stage.polls(2)
    assert people(stage) == [(0, 30, 2, ["u1"]), (60, 90, 2, ["u1", "u2"])]


def test_the_same_poll_twice_is_one_poll(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.poll()
    stage.poll()
    assert people(stage) == [(0, 0, 1, ["u1"])]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_crash_at_any_point_loses_no_more_than_that_poll(stage, server, room, occurrence, boundary):
    server.world.join(room, "u1", "Zahra")
    start = stage.clock()
    stage.polls(2)
    with pytest.raises(Crash):
        poll.one(crashing(stage.context, at=boundary), server.server_id, stage.clock)
    stage.clock.advance(seconds=30)
    stage.polls(2)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=120))]
    assert len(stage.live()) == 1


@pytest.mark.parametrize("kind", SILENCES)
def test_a_failed_poll_closes_nothing_and_says_nothing_about_people(stage, server, room, occurrence, kind):
    server.world.join(room, "u1", "Zahra")
    start = stage.clock()
    stage.polls(2)
    server.world.faults.add(Fault(kind))
    stage.polls(5)
    server.world.faults.clear()
    stage.polls(2)
    assert stage.only_meeting().state == "open"
    assert stage.only_meeting().misses == 0
    assert stage.stays(occurrence) == [
        ("u1", start, start + timedelta(seconds=30)),
        ("u1", start + timedelta(seconds=210), start + timedelta(seconds=240)),
    ]
    assert stage.gaps(occurrence) == [(start + timedelta(seconds=30), start + timedelta(seconds=210))]


def test_a_refused_checksum_closes_nothing(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    server.world.faults.add(Fault("checksum_error"))
    stage.polls(5)
    assert stage.only_meeting().state == "open"
    assert stage.server(server).healthy is False


def test_a_short_silence_splits_no_stay(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    start = stage.clock()
    stage.polls(2)
    server.world.faults.add(Fault("html_502", count=2))
    stage.polls(2)
    stage.polls(2)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=150))]
    assert stage.gaps(occurrence) == []


def test_e43_one_not_found_between_two_good_polls_closes_nothing(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    start = stage.clock()
    stage.polls(2)
    with hidden(server.world):
        stage.polls(1)
    assert stage.only_meeting().misses == 1
    stage.polls(2)
    assert stage.only_meeting().misses == 0
    assert stage.only_meeting().missed_at is None
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=120))]


def test_e43_a_meeting_missing_from_the_list_is_asked_for_before_anything_is_believed(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.poll()
    server.world.faults.add(Fault("not_found_blip", call="getMeetings"))  # a refusal: this one fails the whole poll
    stage.polls(3)
    assert stage.only_meeting().misses == 0


def test_e43_a_restarted_web_application_is_no_teacher_who_ends_every_class(
    stage, server, make_course, make_occurrence
):
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    for meeting in stage.live():
        server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(2)
    server.world.faults.add(Fault("restart_web", count=1))
    stage.polls(3)
    assert [meeting.close_reason for meeting in stage.meetings()] == ["finished", "finished"]
    assert stage.provision() == ["opened", "opened"]


class hidden:  # noqa: N801 - a context manager
    """The server denies every meeting, and knows them again afterwards."""

    def __init__(self, world):
        self.world = world

    def __enter__(self):
        self.live, self.world._ledger.live = self.world._ledger.live, {}

    def __exit__(self, *_):
        self.world._ledger.live = self.live


def test_a_meeting_ended_from_inside_is_closed_after_misses_in_a_row_and_not_opened_again(
    stage, server, room, occurrence
):
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    stage.polls(2)
    server.world.end_from_inside(room)
    first_miss = stage.clock()
    stage.polls(1)
    assert stage.only_meeting().state == "open"
    stage.polls(1)
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.close_reason, meeting.missed_at) == ("closed", "finished", first_miss)
    assert stage.occurrence(occurrence).finished_at == first_miss
    assert stage.provision() == []


def test_a_deserted_room_is_opened_again(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    server.world.leave(room, "u1")
    stage.run_until(lambda: len(stage.meetings()) == 2)
    assert stage.meetings()[0].close_reason == "expired"
    assert len(stage.live()) == 1


def test_a_room_that_died_before_the_class_began_was_not_ended_by_its_teacher(
    stage, server, make_course, make_occurrence
):
    make_course()
    make_occurrence(start_in=10)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    server.world.end_from_inside(room)
    stage.polls(2)
    assert stage.provision() == ["opened"]


def test_an_extended_class_cut_by_the_servers_own_clock_is_opened_again(stage, server, occurrence, room):
    """``duration`` cannot be changed after create: the first run ends by itself in the middle of the extension."""

    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    stage.polls(2)
    arrange.extend(stage.context, occurrence, 60, stage.clock())
    stage.run_until(lambda: stage.meetings()[0].closed_at)
    assert server.world.history()[0].end_reason == "duration"
    stage.tick()
    assert len(stage.live()) == 1
    assert stage.occurrence(occurrence).finished_at is None


@pytest.mark.parametrize(("missed_first", "stays"), [(False, 1), (True, 2)])
def test_e44_another_run_under_our_id_closes_the_one_we_knew(stage, server, room, occurrence, missed_first, stays):
    """Who was in both never left, unless a poll in between found no meeting at all."""
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    if missed_first:
        live, server.world._ledger.live = server.world._ledger.live, {}
        stage.polls(1)
        server.world._ledger.live = live
    old = stage.only_meeting()
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(internal_id="an-earlier-run"))
    stage.polls(1)
    assert stage.only_meeting().close_reason == "replaced"
    assert stage.provision() == ["opened"]
    stage.polls(2)
    assert [meeting.internal_id for meeting in stage.meetings()] == ["an-earlier-run", old.internal_id]
    assert [key for key, _, _ in stage.stays(occurrence)] == ["u1"] * stays


def test_e37_a_class_in_two_runs_is_one_class(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    server.world.leave(room, "u1")
    stage.run_until(lambda: len(stage.meetings()) == 2 and stage.live())
    server.world.join(room, "u1", "Zahra")
    stage.polls(3)
    assert {key for key, _, _ in stage.stays(occurrence)} == {"u1"}
    assert len(stage.stays(occurrence)) == 2


def test_e46_two_devices_are_one_person(stage, server, room, occurrence):
    start = stage.clock()
    server.world.join(room, "u1", "Zahra", device="laptop")
    stage.polls(2)
    server.world.join(room, "u1", "Zahra", device="phone")
    stage.polls(2)
    server.world.leave(room, "u1", "laptop")
    stage.polls(2)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=150))]
    assert stage.only_meeting().people == 1


def test_e47_a_ghost_after_a_rejoin_is_no_double_time(stage, add_server, make_course, make_occurrence):
    server = add_server("C")
    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    start = stage.clock()
    server.world.join(room, "u1", "Zahra", device="a")
    stage.polls(2)
    server.world.leave(room, "u1", "a")
    server.world.join(room, "u1", "Zahra", device="b")
    stage.polls(4)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=150))]


def test_e48_people_without_a_user_id_are_each_unknown(stage, server, room):
    for _ in range(2):
        join_without_id(stage, server, room)
    stage.polls(3)
    assert set(stage.marks()) == {"u1", None}
    assert stage.only_meeting().people == 2


def join_without_id(stage, server, room):
    import requests

    client = stage.context.connect(stage.server(server))
    password = stage.context.vault.open_pair(stage.only_meeting().passwords)[0]
    assert isinstance(client, bbb.Client)
    requests.get(client.join_url(room, full_name="Zahra", password=password), timeout=5)


def test_e49_two_people_of_one_name_are_two(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    server.world.join(room, "u2", "Zahra")
    stage.polls(2)
    assert [key for key, _, _ in stage.stays(occurrence)] == ["u1", "u2"]


@pytest.mark.parametrize("profile", ERAS)
def test_e50_nobody_one_and_many_are_told_apart_in_every_era(stage, add_server, make_course, make_occurrence, profile):
    server = add_server(profile)
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    counts = []
    for number in range(4):
        stage.polls(1)
        counts.append(stage.only_meeting().people)
        server.world.join(room, f"u{number}", "زهرا & <علی>")
    assert counts == [0, 1, 2, 3]


def test_e54_somebody_promoted_for_a_while_counts_as_a_moderator(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    stage.polls(1)
    server.world.promote(room, "u1")
    stage.polls(1)
    server.world.promote(room, "u1", "VIEWER")
    stage.polls(1)
    (stay,) = stage.folded(occurrence)[0]
    assert stay.role == "MODERATOR"


def test_e55_breakout_rooms_are_neither_ours_nor_people(stage, server, room):

    server.world.join(room, "u1", "Zahra")
    client = stage.context.connect(stage.server(server))
    passwords = {"attendee_pw": "ap", "moderator_pw": "mp"}
    extra = {"isBreakout": "true", "parentMeetingID": room, "sequence": "1", "freeJoin": "false"}
    client.create(bbb.CreateParams(meeting_id="room-1", name="Group 1", extra=extra, **passwords))
    server.world.join("room-1", "w_abc-1", "Zahra")
    stage.polls(2)
    assert people(stage) == [(0, 30, 2, ["u1"])]


def test_e58_a_recorder_is_kept_out_of_counts_and_stays(stage, add_server, make_course, make_occurrence):
    server = add_server(replace(PROFILES["B"], recorder_bot="meetingz-recorder"))
    make_course(record="always")
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.polls(2)
    assert stage.only_meeting().people == 1
    assert [key for key, _, _ in stage.stays(occurrence)] == ["u1"]


def test_e59_a_control_character_in_one_name_loses_nobody(stage, add_server, make_course, make_occurrence):
    server = add_server("A")
    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "u1", "Zah\x0bra")
    server.world.join(room, "u2", "Ali")
    stage.polls(2)
    assert {key for key, _, _ in stage.stays(occurrence)} == {"u1", "u2"}


def test_a_name_too_long_for_the_table_stops_nothing(stage, server, room, occurrence):
    server.world.join(room, "u" * 300, "N" * 2000)
    server.world.join(room, "u2", "Ali")
    stage.polls(2)
    assert len(stage.stays(occurrence)) == 2
    assert stage.story("poisoned") == []


def test_e64_the_end_of_a_stay_is_the_last_sighting(stage, server, room, occurrence):
    server.world.join(room, "u1", "Zahra")
    start = stage.clock()
    stage.polls(3)
    server.world.end_from_inside(room)
    stage.polls(3)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=60))]


def test_e63_somebody_seen_once_was_there(stage, server, room, occurrence):
    stage.polls(1)
    server.world.join(room, "u1", "Zahra")
    at = stage.clock()
    stage.polls(1)
    server.world.leave(room, "u1")
    stage.clock.advance(seconds=25)
    stage.polls(2)
    assert stage.stays(occurrence) == [("u1", at, at)]


def test_one_dead_server_does_not_stop_the_others(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    first.world.faults.add(Fault("drop"))
    for meeting in stage.live():
        (first if meeting.server_id == first.server_id else second).world.join(meeting.external_id, "u1", "Zahra")
    stage.polls(3)
    seen = {meeting.server_id: meeting.people for meeting in stage.live()}
    assert seen == {first.server_id: 0, second.server_id: 1}
    assert len(stage.live()) == 2


def test_a_server_that_lists_no_attendees_is_asked_for_each_meeting(stage, add_server, make_course, make_occurrence):
    server = add_server(replace(PROFILES["B"], bulk_attendees=False))
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    for meeting in stage.live():
        server.world.join(meeting.external_id, "u1", "Zahra")
    stage.polls(3)
    assert stage.server(server).bulk_poll is False
    assert [meeting.people for meeting in stage.live()] == [1, 1]


def test_a_poisoned_meeting_is_named_once_and_the_others_are_recorded(
    stage, server, make_course, make_occurrence, monkeypatch
):
    for code in ("a", "b"):
        make_course(code)
        make_occurrence(code, start_in=0)
    stage.provision()
    bad = stage.live()[0]
    for meeting in stage.live():
        server.world.join(meeting.external_id, "u1", "Zahra")
    real = poll._note_found

    def note(session, same):
        if any(meeting.id == bad.id for meeting, _ in same):
            raise ValueError("poison")
        real(session, same)

    monkeypatch.setattr(poll, "_note_found", note)
    stage.polls(3)
    assert [meeting.people for meeting in stage.live()] == [0, 1]
    assert [event.occurrence_id for event in stage.story("poisoned")] == [bad.occurrence_id]


def test_two_pollers_at_once_double_no_stay(stage, server, room, occurrence):
    start = stage.clock()
    for number in range(4):
        server.world.join(room, f"u{number}", "Somebody")
        together = threading.Barrier(4)

        def poll_it(_, together=together):
            together.wait()
            return poll.one(stage.context, server.server_id, stage.clock)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(poll_it, range(4)))
        stage.clock.advance(seconds=30)
    assert stage.stays(occurrence) == [
        (f"u{number}", start + timedelta(seconds=30 * number), start + timedelta(seconds=90)) for number in range(4)
    ]
    assert stage.story("poisoned") == []


def test_two_pollers_at_once_count_one_miss(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(1)
    with hidden(server.world), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: poll.one(stage.context, server.server_id, stage.clock), range(4)))
    assert stage.only_meeting().misses >= 1


def test_two_pollers_who_number_newcomers_at_once_agree(stage, room):
    """Each saw another newcomer first: both are numbered, and neither view is lost."""
    meeting = stage.only_meeting()
    together = threading.Barrier(2)
    tolerance = timedelta(seconds=90)

    def see(number):
        together.wait()
        with stage.context.database.write() as session:
            sight = Sight(meeting.id, (Seen(f"u{number}", "Somebody", "VIEWER"),), 1, 0)
            observe.write(session, [sight], stage.clock() + timedelta(seconds=number), tolerance, Recent())

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(see, range(2)))
        assert sorted((row.number, row.user_id[0]) for row in stage.rows(Attendee)) == [(1, "u"), (2, "u")]
        stage.clock.advance(seconds=30)
        with stage.context.database.write() as session:
            for table in (EndedObservation, OngoingObservation, Attendee):
                session.execute(delete(table))


@pytest.fixture
def saw(stage, room):
    """``saw(second, "a b")``: a poll by a process that remembers nothing. Gives all runs, and when the last began."""
    meeting, start = stage.only_meeting().id, stage.clock()

    def _(second, who):
        people = tuple(Seen(each, each, "VIEWER") for each in who.split())
        with stage.context.database.write() as session:
            sight, at = Sight(meeting, people, len(people), 0), start + timedelta(seconds=second)
            observe.write(session, [sight], at, timedelta(seconds=90), Recent())
        runs = [((row.first_at - start).seconds, (row.last_at - start).seconds) for row in stage.rows(Observation)]
        return sorted(runs), (stage.rows(OngoingObservation)[0].first_at - start).seconds

    return _


def test_an_answer_that_a_later_one_overtook_is_kept_beside_it(saw):
    assert saw(0, "a") == ([(0, 0)], 0)
    assert saw(30, "a b") == ([(0, 0), (30, 30)], 30)
    assert saw(20, "a") == ([(0, 0), (20, 20), (30, 30)], 30)
    assert saw(60, "a b") == ([(0, 0), (20, 20), (30, 60)], 30)


def test_the_same_poll_told_twice_changes_nothing(saw):
    assert saw(0, "a") == saw(0, "a")
    saw(30, "a")
    assert saw(30, "a") == saw(10, "a") == ([(0, 30)], 0)


def test_a_clock_that_was_ahead_for_a_moment_stops_nothing(saw):
    saw(0, "a")
    assert saw(3600, "a") == ([(0, 0), (3600, 3600)], 3600)
    assert saw(30, "a") == ([(0, 0), (30, 30), (3600, 3600)], 30)
    assert saw(60, "a") == ([(0, 0), (30, 60), (3600, 3600)], 30)


def test_a_gap_beyond_the_tolerance_begins_anew(saw):
    saw(0, "a")
    assert saw(90, "a") == ([(0, 90)], 0)
    assert saw(181, "a") == ([(0, 90), (181, 181)], 181)


def test_a_bell_rung_twice_is_followed_once(stage, server):
    now = stage.clock()
    assert poll.claim(stage.context, server.server_id, now)
    assert not poll.claim(stage.context, server.server_id, now)
    assert not poll.claim(stage.context, server.server_id, now + timedelta(seconds=14))
    assert poll.claim(stage.context, server.server_id, now + timedelta(seconds=15))


def test_a_disabled_server_is_watched_while_a_meeting_of_ours_is_on_it(stage, server, room):
    with stage.context.database.write() as session:
        session.execute(update(Server).values(enabled=False))
    server.world.join(room, "u1", "Zahra")
    stage.polls(1)
    assert stage.only_meeting().people == 1


def test_first_seen_is_told_once(stage, server, room):
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    server.world.leave(room, "u1")
    stage.polls(2)
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    assert stage.story().count("first_seen") == 1


def test_a_request_is_not_polled(stage, server, make_course, make_occurrence):
    make_course("b")
    made = make_occurrence("b")
    with pytest.raises(Crash):
        provision.one(crashing(stage.context, at=1), made, stage.clock())
    stage.polls(4)
    assert stage.only_meeting().state == "requested"
