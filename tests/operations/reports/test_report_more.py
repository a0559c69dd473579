"""matrix, sessions, person, totals, Moodle's marks, thresholds: what people ask for, from the same facts."""

from datetime import timedelta

import pytest

from worker.errors import InputError, Unknown
from worker.operations.attendance import corrections, poll, thresholds
from worker.operations.reports import report, report_matrix, report_sessions, report_totals, tables_of_reports
from worker.operations.reports.report import Wanted
from worker.operations.timetable import arrange
from worker.store.tables import LoadPoint, Meeting, Recording

TEACHER = {"t1": ("Teacher", "MODERATOR")}


@pytest.fixture
def room(held):
    """The teacher from the third minute; u1 all the time, u2 from the half on; a guest for a while."""
    return (
        held()
        .saw(
            (0, 2.5, {"u1": "Zahra"}),
            (3, 29.5, {"u1": "Zahra"} | TEACHER),
            (30, 40, {"u1": "Zahra", "u2": "Ali", "x1": "Guest"} | TEACHER),
            (40.5, 60, {"u1": "Zahra", "u2": "Ali"} | TEACHER),
        )
        .over(63, reason="finished")
    )


def rows(stage, table, **wanted):
    return list(tables_of_reports.make(stage.context, table, Wanted(**wanted), "en", stage.clock()).rows)


def by_user(rows):
    return {row["user_id"]: row for row in rows}


# Sessions


def test_a_session_is_held_against_its_plan(stage, room):
    (row,) = rows(stage, "sessions")
    assert (row["state"], row["verdict"], row["seconds_late"], row["ended_by"]) == ("held", "late", 180, "teacher")
    assert (row["seconds_short"], row["seconds_overran"]) == (0, 0)
    assert (row["started_at"], row["ended_at"], row["closed_at"]) == (room.at(0), room.at(60), room.at(63))
    counts = {key: row[key] for key in ("expected", "guests", "present", "partial", "late", "absent", "unknown")}
    assert counts == {"expected": 3, "guests": 1, "present": 2, "partial": 1, "late": 1, "absent": 0, "unknown": 0}
    assert (row["peak"], row["peak_at"]) == (4, room.at(30))
    assert 2 < row["mean"] < 4


@pytest.mark.parametrize(
    ("stretches", "verdict"),
    [
        ([(0, 60)], "on time"),
        ([(0.5, 59)], "on time"),
        ([(0, 45)], "short"),
        ([(0, 70)], "overran"),
        ([(9, 45)], "late, short"),
        ([(9, 70)], "late, overran"),
    ],
)
def test_late_short_and_overran(stage, held, stretches, verdict):
    quiet = [(first, last, TEACHER) for first, last in stretches]
    first, last = stretches[0]
    before = [] if first == 0 else [(0, first - 0.5, {})]
    after = [] if last >= 60 else [(last + 0.5, 60, {})]
    held().saw(*before, *quiet, *after).over(max(last + 1, 61))
    assert rows(stage, "sessions")[0]["verdict"] == verdict


def test_a_class_of_students_alone_has_no_teacher_who_was_late(stage, held):
    held().saw((0, 60, {"u1": "Zahra"})).over()
    (row,) = rows(stage, "sessions")
    assert (row["seconds_late"], row["verdict"]) == (None, "on time")


def test_nobody_is_late_or_early_for_a_time_that_nobody_watched(stage, held):
    held().saw((20, 40, TEACHER)).over()
    (row,) = rows(stage, "sessions")
    assert row["verdict"] == "on time"
    assert row["mean"] == 1


def test_missed_cancelled_and_planned_are_rows_too(stage, held, make_occurrence):
    held().over()
    cancelled, ahead = make_occurrence(start_in=600), make_occurrence(start_in=1200)
    arrange.cancel(stage.context, cancelled, "snow", stage.clock())
    found = {row["occurrence"]: row for row in rows(stage, "sessions")}
    assert [found[number]["state"] for number in sorted(found)] == ["missed", "cancelled", "planned"]
    assert found[cancelled]["reason"] == "snow"
    assert found[ahead].get("expected") is None


def test_two_runs_are_one_session_and_its_recordings_are_counted(stage, room):
    with stage.context.database.write() as session:
        meeting = session.get_one(Meeting, room.meeting)
        facts = {"server_id": meeting.server_id, "meeting_id": meeting.id, "name": "x", "state": "published"}
        times = {"found_at": room.at(70), "seen_at": room.at(70)}
        session.add(Recording(record_id="run-1", published=True, labels={}, **facts, **times))
    assert rows(stage, "sessions")[0]["recordings"] == 1


# Matrix


def test_the_matrix_has_a_letter_for_each_person_and_sitting(stage, room, held):
    second = held(at=0).saw((0, 60, {"u1": "Zahra"} | TEACHER)).over()
    third = held(at=0).over()
    given = {"reason": "was ill", "by": "noor", "now": stage.clock()}
    corrections.correct(stage.context, second.occurrence, "u2", "excused", **given)
    judged, found = report_matrix.matrix(stage.context, Wanted(course="alg"), stage.clock())
    order = [room.occurrence, second.occurrence, third.occurrence]
    letters = {row["user_id"]: "".join(row["letters"].get(number, "-") for number in order) for row in found}
    assert letters == {"t1": "PPU", "u1": "PPU", "u2": "LEU", "x1": "L--"}
    line = by_user(found)["u2"]
    assert {key: line[key] for key in ("present", "late", "absent", "excused", "unknown", "percent")} == {
        "present": 0, "late": 1, "absent": 0, "excused": 1, "unknown": 1, "percent": 100,
    }  # fmt: skip
    assert [row["guest"] for row in found] == [False, False, False, True]
    assert [each.occurrence.id for each in judged] == order


def test_a_matrix_is_of_one_course(stage, room):
    with pytest.raises(InputError, match="--course"):
        rows(stage, "matrix")
    with pytest.raises(Unknown):
        rows(stage, "matrix", course="nothing")


def test_a_correction_to_present_is_a_plain_p(stage, room):
    given = {"reason": "bus was late", "by": "noor", "now": stage.clock()}
    corrections.correct(stage.context, room.occurrence, "u2", "present", **given)
    assert by_user(report_matrix.matrix(stage.context, Wanted(course="alg"), stage.clock())[1])["u2"]["present"] == 1


# One person


def test_one_persons_term_is_what_the_attendance_report_says_of_them(stage, room, held):
    held("b").saw((0, 60, {"u1": "Zahra"})).over()
    held("c", roster=[]).saw((0, 10, {"u1": "Zahra"})).over()
    held("d", roster=[]).saw((0, 10, {"u7": "Other"})).over()
    whole = [row for row in rows(stage, "attendance") if row["user_id"] == "u1"]
    assert rows(stage, "person", user_id="u1") == whole
    assert [row["course"] for row in whole] == ["alg", "b", "c"]


# Totals


def test_every_poll_leaves_the_most_of_its_minute(stage, add_server, make_course, make_occurrence):
    server = add_server()
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    for people in (3, 1, 2):
        server.world.leave(room, "u0")
        for number in range(people):
            server.world.join(room, f"u{number}", "Somebody")
        stage.poll()
        stage.clock.advance(seconds=15)
    (point,) = stage.rows(LoadPoint)
    assert (point.minute, point.meetings) == (stage.clock() - timedelta(seconds=45), 1)
    assert point.people >= 3
    assert rows(stage, "totals")[0] == {"at": point.minute, "meetings": 1, "participants": point.people}


def test_a_failed_poll_leaves_no_point(stage, add_server):
    from worker.simulator import Fault

    server = add_server()
    server.world.faults.add(Fault("http_500"))
    poll.sweep(stage.context, stage.clock)
    assert stage.rows(LoadPoint) == []


def points(stage, server_id, *people):
    with stage.context.database.write() as session:
        for minute, count in enumerate(people):
            at = stage.clock() + timedelta(minutes=minute, seconds=7)
            report_totals.note(session, server_id, at, meetings=1, people=count)


def test_totals_by_time_server_and_course(stage, room, make_context):
    points(stage, room.server_id, 5, 9, 4)
    (row,) = tables_of_reports.make(stage.context, "totals", Wanted(), "en", stage.clock(), by="server").rows
    assert (row["server"], row["peak"], row["mean"], row["minutes"]) == ("quiet", 9, 6, 3)
    assert row["peak_at"] == stage.clock() + timedelta(minutes=1)
    (row,) = tables_of_reports.make(stage.context, "totals", Wanted(), "en", stage.clock(), by="course").rows
    assert (row["course"], row["occurrences"], row["peak"], row["peak_at"]) == ("alg", 1, 4, room.at(30))
    later = Wanted(since=stage.clock() + timedelta(minutes=2))
    assert [each["participants"] for each in report_totals.by_time(stage.context, later, stage.clock())] == [4]


def by_course(stage):
    return list(tables_of_reports.make(stage.context, "totals", Wanted(), "en", stage.clock(), by="course").rows)


def test_the_mean_of_a_course_is_over_the_time_that_was_watched(stage, held):
    both = {"u1": "Zahra", "u2": "Ali"}
    held().saw((0, 20, both), (50, 60, both)).over()
    (session,), (course,) = rows(stage, "sessions"), by_course(stage)
    assert (course["mean"], course["seconds_present"]) == (session["mean"], 3600) == (2, 3600)


def test_sittings_without_anybody_are_neither_counted_nor_in_the_mean_of_a_course(stage, held):
    held().saw((0, 60, {"u1": "Zahra", "u2": "Ali"})).over()
    held(at=0).saw((0, 60, {})).over()
    held(at=0).saw((0, 60, {"u1": "Zahra"})).over()
    (course,) = by_course(stage)
    assert (course["occurrences"], course["mean"]) == (2, 1.5)


def test_the_mean_of_a_course_that_nobody_came_to_is_not_known(stage, held):
    held().saw((0, 60, {})).over()
    (course,) = by_course(stage)
    assert (course["occurrences"], course["mean"]) == (0, None)


def test_the_most_of_a_minute_does_not_depend_on_the_order(stage, room):
    for counts in ((3, 8, 5), (8, 5, 3)):
        stage.clock.advance(minutes=2)
        with stage.context.database.write() as session:
            for count in counts:
                report_totals.note(session, room.server_id, stage.clock(), meetings=count, people=count)
    assert [point.people for point in stage.rows(LoadPoint)] == [8, 8]


def test_totals_of_servers_know_no_course_and_no_other_by(stage, room):
    with pytest.raises(InputError, match="--by course"):
        rows(stage, "totals", course="alg")
    with pytest.raises(InputError, match="time, server, course"):
        tables_of_reports.make(stage.context, "totals", Wanted(), "en", stage.clock(), by="moon")


# Moodle


def test_marks_for_moodle_are_of_one_sitting(stage, room, held):
    assert rows(stage, "moodle", occurrence=room.occurrence) == [
        {"user": "t1", "scantime": "2026-03-02 09:03:00", "status": "P"},
        {"user": "u1", "scantime": "2026-03-02 09:00:00", "status": "P"},
        {"user": "u2", "scantime": "2026-03-02 09:30:00", "status": "L"},
        {"user": "x1", "scantime": "2026-03-02 09:30:00", "status": "L"},
    ]
    held(at=0).over()
    with pytest.raises(InputError, match="--occurrence"):
        rows(stage, "moodle", course="alg")


def test_what_is_unknown_is_left_to_moodle(stage, held):
    room = held().over()
    assert rows(stage, "moodle", occurrence=room.occurrence) == []


# Thresholds


def test_a_course_has_thresholds_of_its_own(stage, room):
    assert stage.marks()["u2"]["status"] == "partial"
    thresholds.put(stage.context, "alg", {"present_percent": 45, "late_seconds": 3600}, stage.clock())
    row = stage.marks()["u2"]
    assert (row["status"], row["late"]) == ("present", False)
    thresholds.put(stage.context, "alg", dict.fromkeys(thresholds.NAMES), stage.clock())
    assert stage.marks()["u2"]["status"] == "partial"
    assert len(stage.story("thresholds")) == 2


@pytest.mark.parametrize("change", [{"present_percent": 101}, {"partial_percent": 80}, {"late_seconds": -1}])
def test_thresholds_that_contradict_each_other_are_refused(stage, room, change):
    with pytest.raises(InputError):
        thresholds.put(stage.context, "alg", change, stage.clock())
    assert stage.story("thresholds") == []


def test_a_report_that_is_not_there(stage, room):
    with pytest.raises(InputError, match="attendance, matrix, sessions, person, totals"):
        rows(stage, "weather")


def test_years_stream_by_in_batches(stage, held, monkeypatch):
    monkeypatch.setattr(report, "_BATCH", 1)
    monkeypatch.setattr(report_sessions, "_BATCH", 1)
    for _ in range(3):
        held(at=0).saw((0, 60, {"u1": "Zahra"})).over()
    assert len(rows(stage, "attendance")) == 9
    assert len(rows(stage, "sessions")) == 3


def test_a_teacher_who_looked_in_before_the_class_and_came_late_is_late(stage, held):
    teacher = {"t1": ("Teacher", "MODERATOR")}
    room = held(at=15)
    room.saw((-14, -13, teacher), (-12, 30, {"u1": "Zahra"}), (30.5, 60, teacher | {"u1": "Zahra"})).over()
    (row,) = report_sessions.rows(stage.context, Wanted(), stage.clock())
    assert stage.marks()["t1"]["late"] is True
    assert (row["verdict"], row["started_at"]) == ("late", room.at(-14))


def test_a_look_into_the_room_after_the_class_does_not_make_it_longer(stage, held):
    room = held().saw((0, 30, {"u1": "Zahra"}), (30, 61.5, {}), (62, 63, {"u1": "Zahra"})).over(70)
    (row,) = report_sessions.rows(stage.context, Wanted(), stage.clock())
    assert (row["verdict"], row["seconds_short"]) == ("short, overran", 1800)
    assert row["ended_at"] == room.at(63)
