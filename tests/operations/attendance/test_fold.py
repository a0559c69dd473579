"""fold: observations -> stays and gaps in their tables; folding again changes nothing."""

from datetime import timedelta

import pytest

from tests.operations.stage import Crash, crashing
from worker.operations.attendance import fold, retention
from worker.operations.reports import report_sessions
from worker.operations.reports.report import Wanted
from worker.operations.timetable import arrange, sittings
from worker.simulator import Fault
from worker.store.tables import Meeting, Occurrence


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(stage, server, make_course, make_occurrence):
    """A class of ten minutes, seen to its end: u1 all the time, u2 from the fifth minute, silence in the seventh."""
    make_course(roster=[("u1", "Zahra", "viewer"), ("u2", "Ali", "viewer"), ("u3", "Reza", "viewer")])
    made = make_occurrence(start_in=0, minutes=10)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "u1", "Zahra")
    stage.polls(10)
    server.world.join(room, "u2", "Ali")
    stage.polls(2)
    server.world.faults.add(Fault("drop"))
    stage.polls(4)
    server.world.faults.clear()
    stage.polls(4)
    server.world.end_from_inside(room)
    stage.polls(2)
    return made


def seconds(stage, occurrence, rows):
    start = stage.occurrence(occurrence).starts_at
    return [tuple((at - start).total_seconds() if hasattr(at, "tzinfo") else at for at in row) for row in rows]


def kept(stage, occurrence):
    stays = [(row.attendee_key, row.first_seen, row.last_seen) for row in stage.kept_stays(occurrence)]
    gaps = [(row.first_at, row.last_at) for row in stage.kept_gaps(occurrence)]
    return seconds(stage, occurrence, stays), seconds(stage, occurrence, gaps)


EXPECTED = (
    [("u1", 0, 330), ("u1", 480, 570), ("u2", 300, 330), ("u2", 480, 570)],
    [(330, 480)],
)


def test_stays_and_gaps_are_kept_when_it_is_over(stage, occurrence):
    stage.end()
    assert kept(stage, occurrence) == EXPECTED
    assert stage.occurrence(occurrence).settled_at == stage.clock()


def test_folding_again_gives_the_same(stage, occurrence):
    stage.end()
    stage.clock.advance(minutes=60)
    for _ in range(2):
        with stage.context.database.write() as session:
            fold.write(session, stage.context, session.get_one(Occurrence, occurrence), stage.clock())
        assert kept(stage, occurrence) == EXPECTED


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_at_any_point_loses_no_stay(stage, occurrence, boundary):
    with pytest.raises(Crash):
        fold.settle(crashing(stage.context, at=boundary), [occurrence], stage.clock)
    stage.end()
    assert kept(stage, occurrence) == EXPECTED
    assert stage.story().count("held") == 1


def test_a_poisoned_class_stops_no_other_and_is_named_once(
    stage, occurrence, server, make_course, make_occurrence, monkeypatch
):
    make_course("b")
    other = make_occurrence("b", start_in=0, minutes=1)
    stage.clock.advance(minutes=2)
    real = fold.load

    def load(session, occurrence_id):
        if occurrence_id == occurrence:
            raise ValueError("poison")
        return real(session, occurrence_id)

    monkeypatch.setattr(fold, "load", load)
    for _ in range(2):
        fold.settle(stage.context, [occurrence, other], stage.clock)
    assert stage.occurrence(occurrence).settled_at is None
    assert stage.occurrence(other).settled_at is not None
    assert [event.occurrence_id for event in stage.story("poisoned")] == [occurrence]


def test_a_silence_is_neither_presence_nor_absence(stage, occurrence):
    stage.end()
    marks = stage.marks()
    assert marks["u1"]["seconds_present"] == 420
    assert marks["u1"]["seconds_unknown"] == 150
    assert marks["u3"]["seconds_present"] == 0
    assert marks["u3"]["seconds_unknown"] == 150
    assert marks["u3"]["status"] == "absent"


def test_a_class_going_on_is_folded_as_far_as_it_has_come(stage, server, make_course, make_occurrence):
    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    start = stage.clock()
    stage.polls(3)
    server.world.faults.add(Fault("drop"))
    stage.clock.advance(minutes=5)
    assert stage.stays(occurrence) == [("u1", start, start + timedelta(seconds=60))]
    assert stage.gaps(occurrence) == [(start + timedelta(seconds=60), stage.clock())]


def test_a_room_that_opened_late_makes_nobody_late(stage, server, make_course, make_occurrence):
    make_course(roster=[("u1", "Zahra", "viewer")])
    made = make_occurrence(start_in=0, minutes=60)
    stage.clock.advance(seconds=20 * 60)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.polls(80)
    stage.run_until(lambda: stage.occurrence(made).settled_at is not None)
    (mark,) = stage.marks().values()
    assert not mark["late"]
    assert mark["seconds_unknown"] == 20 * 60


def test_what_comes_after_a_teacher_has_ended_the_class_is_known(stage, server, make_course, make_occurrence):
    make_course(roster=[("u1", "Zahra", "viewer")])
    made = make_occurrence(start_in=0, minutes=60)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", "MODERATOR")
    stage.polls(60)
    server.world.end_from_inside(room)
    stage.run_until(lambda: stage.occurrence(made).settled_at is not None)
    assert stage.occurrence(made).finished_at is not None
    assert stage.kept_gaps(made) == []


def test_a_class_is_settled_once_and_not_while_its_room_is_open(stage, held):
    room = held().saw((0, 60, {"u1": "Zahra"}))
    stage.clock.now = room.at(120)
    assert stage.settle(room.occurrence) == 0
    assert stage.occurrence(room.occurrence).settled_at is None
    room.over()
    assert stage.settle(room.occurrence) == 0
    assert stage.story().count("held") == 1


def test_a_class_to_which_nobody_came_was_missed(stage, held):
    room = held().saw((0, 60, {})).over()
    assert stage.story()[-1] == "missed"
    assert stage.kept_stays(room.occurrence) == []


def test_of_a_cancelled_class_neither_is_told(stage, held):
    room = held()
    arrange.cancel(stage.context, room.occurrence, "snow", stage.clock())
    room.over()
    assert not {"held", "missed"} & set(stage.story())


def test_a_room_that_never_opened_is_asked_for_no_more(stage, held):
    room = held()
    with stage.context.database.write() as session:
        meeting = session.get_one(Meeting, room.meeting)
        meeting.state, meeting.opened_at = "requested", None
    stage.clock.now = room.at(120)
    assert stage.settle(room.occurrence) == 1
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.close_reason, meeting.closed_at) == ("closed", "abandoned", stage.clock())


# Until when a room was open


def minutes(room, gaps):
    return [tuple((at - room.start).total_seconds() / 60 for at in gap) for gap in gaps]


def missed(room, minute):
    with room.stage.context.database.write() as session:
        session.get_one(Meeting, room.meeting).missed_at = room.at(minute)


def test_a_room_was_gone_since_the_first_poll_that_missed_it_however_late_it_was_closed(stage, held):
    room = held().saw((0, 30, {"u1": "Zahra"})).over(40)
    missed(room, 30.5)
    assert minutes(room, stage.gaps(room.occurrence)) == [(30.5, 60)]


def test_a_room_that_was_missed_once_is_open_still(stage, held):
    room = held().saw((0, 30, {"u1": "Zahra"}))
    missed(room, 30.5)
    stage.clock.advance(minutes=40)
    assert minutes(room, stage.gaps(room.occurrence)) == [(30, 40)]


def test_what_is_not_known_of_a_class_that_overruns_is_asked_of_nobody(stage, held):
    room = held().saw((0, 59, {"u1": "Zahra"}))
    stage.clock.now = room.at(90)
    assert stage.gaps(room.occurrence) == []


def test_in_an_extension_no_room_is_missed(stage, held):
    room = held().saw((0, 59.5, {"u1": "Zahra"}))
    arrange.extend(stage.context, room.occurrence, 30, stage.clock())
    stage.clock.now = room.at(90)
    room.over()
    stage.clock.now = room.at(120)
    assert stage.gaps(room.occurrence) == []


def test_a_class_in_which_only_a_recorder_was_is_missed_however_old_it_gets(stage, held):
    held().saw((0, 60, {"bbb-recorder": "bbb-recorder"})).over()

    def states():
        with stage.context.database.read() as session:
            (found,) = sittings.find(session, stage.clock())
        (row,) = report_sessions.rows(stage.context, Wanted(), stage.clock())
        return found.state, row["state"], stage.story()[-1]

    assert states() == ("missed", "missed", "missed")
    stage.clock.advance(minutes=60 * 24 * 200)
    assert retention.prune(stage.context, stage.clock()) == (1, 0)
    assert states()[:2] == ("missed", "missed")
