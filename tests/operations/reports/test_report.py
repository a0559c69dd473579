"""report: everyone on the roster of that day, and everyone else who was seen."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from worker.errors import Unknown
from worker.operations.reports import report
from worker.operations.timetable import arrange, sittings
from worker.store.tables import Course, Participant

ROSTER = [("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer"), ("u2", "Ali", "viewer")]


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(stage, server, make_course, make_occurrence):
    """An hour with the teacher and u1 from start to end, and a guest for a third of it."""
    make_course(roster=ROSTER, end_policy="end", grace_seconds=0)
    made = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    server.world.join(room, "u1", "Zahra")
    stage.polls(40)
    server.world.join(room, "x1", "Guest")
    stage.polls(40)
    server.world.leave(room, "x1")
    stage.run_until(lambda: stage.occurrence(made).settled_at)
    return made


def test_roster_and_guests(stage, occurrence):
    marks = stage.marks()
    assert {key: row["status"] for key, row in marks.items()} == {
        "t1": "present",
        "u1": "present",
        "u2": "absent",
        "x1": "partial",
    }
    assert marks["t1"]["role"] == "moderator"
    assert marks["x1"]["late"] is True
    assert marks["x1"]["left_early"] is True
    assert marks["u1"]["joins"] == 1
    assert 99 <= marks["u1"]["percent"] <= 100


def test_a_report_before_settling_and_after_says_the_same(stage, server, make_course, make_occurrence):
    make_course(roster=ROSTER)
    occurrence = make_occurrence(start_in=0, minutes=10)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.polls(20)
    server.world.end_from_inside(stage.only_meeting().external_id)
    stage.polls(2)
    before = stage.marks()
    stage.settle(occurrence)
    assert stage.marks() == before


def test_a_person_is_on_the_roster_only_from_and_until(stage, occurrence):
    with stage.context.database.write() as session:
        for person in session.scalars(select(Participant)):
            if person.user_id == "u1":
                person.valid_from = date(2026, 3, 3)
            if person.user_id == "u2":
                person.valid_until = date(2026, 3, 1)
    marks = stage.marks()
    assert "u2" not in marks
    assert marks["u1"]["role"] == "viewer"  # not enrolled that day, but there


def test_filters(stage, occurrence):
    start = stage.occurrence(occurrence).starts_at
    assert stage.marks(course="alg", since=start, until=start + timedelta(seconds=1))
    assert stage.marks(until=start) == {}
    assert stage.marks(since=start + timedelta(seconds=1)) == {}
    with pytest.raises(Unknown):
        stage.marks(course="nope")


def test_cancelled_and_coming_classes_are_left_out(stage, server, make_course, make_occurrence):
    make_course(roster=ROSTER)
    cancelled, _coming = make_occurrence(start_in=0), make_occurrence(start_in=60)
    arrange.cancel(stage.context, cancelled, "ill", stage.clock())
    assert stage.marks() == {}


def test_a_class_whose_room_never_opened_blames_nobody(stage, make_course, make_occurrence):
    make_course(roster=ROSTER)
    make_occurrence(start_in=0)
    stage.clock.advance(minutes=90)
    assert {row["status"] for row in stage.marks().values()} == {"unknown"}


def test_many_classes_are_reported_in_order_over_batches(stage, make_course, make_occurrence, monkeypatch):
    monkeypatch.setattr(report, "_BATCH", 2)
    make_course(roster=ROSTER)
    made = [make_occurrence(start_in=60 * number) for number in range(5)]
    stage.clock.advance(minutes=600)
    rows = list(report.attendance_rows(stage.context, report.Wanted(), stage.clock()))
    assert [row["occurrence"] for row in rows] == [each for each in made for _ in ROSTER]


def test_live(stage, server, make_course, make_occurrence):
    make_course(roster=ROSTER)
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    server.world.join(room, "u1", "Zahra")
    server.world.join(room, "u1", "Zahra", device="phone")
    stage.poll()
    with stage.context.database.read() as session:
        found = report.live(session, stage.clock())
    assert (found["meetings"], found["participants"]) == (1, 2)
    assert found["courses"] == [{"course": "alg", "occurrence": occurrence, "participants": 2, "moderators": 1}]


def test_states_of_sittings(stage, server, make_course, make_occurrence):
    make_course()
    occurrence = make_occurrence(start_in=10, minutes=5)

    def state():
        with stage.context.database.read() as session:
            (found,) = sittings.find(session, stage.clock())
        return found.state

    words = [state()]
    stage.provision()
    words.append(state())
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.poll()
    words.append(state())
    stage.run_until(lambda: stage.occurrence(occurrence).settled_at)
    words.append(state())
    assert words == ["planned", "open", "live", "held"]


def test_e65_times_are_kept_in_utc_and_the_zone_of_the_course_is_told(stage, make_course, make_occurrence):
    make_course(roster=ROSTER[:1], timezone="Asia/Tehran")
    make_occurrence(start_in=0)
    mark = stage.marks()["t1"]
    assert (mark["timezone"], mark["starts_at"].utcoffset()) == ("Asia/Tehran", timedelta(0))
    assert stage.rows(Course)[0].timezone == "Asia/Tehran"
