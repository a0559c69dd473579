"""exact: a server's own report after a meeting, once, twice, late, skewed and spoilt."""

from datetime import timedelta

import pytest

from tests.operations.klass import refold
from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.errors import InputError, Unknown
from worker.operations.attendance import exact
from worker.store.tables import ExactStay, Meeting


@pytest.fixture
def room(held):
    """Polled from the second minute to the fifty-eighth: the teacher, and u1 to the thirtieth."""
    teacher, student = {"t1": ("Teacher", "MODERATOR")}, {"u1": "Zahra"}
    return held().saw((2, 30, teacher | student), (30.5, 58, teacher))


def payload(room, *people, start=0, finish=60, ahead=0):
    """``(user_id, name, moderator, first minute, last minute)``, by a server whose clock is so many seconds ahead."""

    def iso(minute):
        return (room.at(minute) + timedelta(seconds=ahead)).isoformat()

    attendees = [
        {"ext_user_id": key, "name": name, "moderator": lead, "joins": [iso(first)], "leaves": [iso(last)]}
        for key, name, lead, first, last in people
    ]
    data = {"start": iso(start), "finish": iso(finish), "attendees": attendees}
    return {
        "version": "1.0",
        "meeting_id": f"mtz-{room.occurrence}",
        "internal_meeting_id": f"run-{room.occurrence}",
        "data": data,
    }


TOLD = (("t1", "Teacher", True, 0.5, 59), ("u1", "Zahra", False, 1, 29))


def accept(stage, given, server=1):
    return exact.accept(stage.context, given, server, stage.clock())


def test_it_replaces_the_polls_of_a_settled_class_at_once(stage, room):
    room.over()
    assert room.stays() == [("t1", 2, 58, "poll"), ("u1", 2, 30, "poll")]
    assert accept(stage, payload(room, *TOLD)) == "accepted"
    assert room.stays() == [("t1", 0.5, 59, "exact"), ("u1", 1, 29, "exact")]
    assert len(stage.story("exact")) == 1


def test_it_is_folded_in_where_it_came_before_the_class_was_settled(stage, room):
    accept(stage, payload(room, *TOLD))
    room.over()
    assert room.stays() == [("t1", 0.5, 59, "exact"), ("u1", 1, 29, "exact")]


def test_the_same_again_changes_nothing_and_says_so(stage, room):
    room.over()
    accept(stage, payload(room, *TOLD))
    before = stage.rows(ExactStay)
    assert accept(stage, payload(room, *TOLD)) == "known"
    assert len(stage.rows(ExactStay)) == len(before)
    assert len(stage.story("exact")) == 1


def test_another_report_of_the_same_meeting_replaces_the_first(stage, room):
    room.over()
    accept(stage, payload(room, *TOLD))
    assert accept(stage, payload(room, TOLD[0])) == "accepted"
    assert room.stays() == [("t1", 0.5, 59, "exact")]


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_leaves_all_or_nothing(stage, room, boundary):
    room.over()
    with pytest.raises(Crash):
        exact.accept(crashing(stage.context, at=boundary), payload(room, *TOLD), 1, stage.clock())
    assert [each[3] for each in room.stays()] == ["exact" if boundary else "poll"] * 2
    accept(stage, payload(room, *TOLD))
    assert [each[3] for each in room.stays()] == ["exact"] * 2


def test_the_gaps_of_a_settled_class_that_it_covers_are_gaps_no_more(stage, held):
    room = held().saw((0, 10, {"u1": "Zahra"}), (30, 60, {"u1": "Zahra"})).over()
    assert len(stage.kept_gaps(room.occurrence)) == 1
    accept(stage, payload(room, TOLD[1]))
    assert stage.kept_gaps(room.occurrence) == []


def test_polls_remain_beyond_the_end_of_the_report(stage, room):
    room.over()
    accept(stage, payload(room, TOLD[0], finish=40))
    assert room.stays() == [("t1", 0.5, 58, "both")]


@pytest.mark.parametrize("ahead", [-7200, -90, 90, 7200])
def test_e45_a_server_whose_clock_is_wrong_is_brought_to_ours(stage, room, ahead):
    room.over()
    with stage.context.database.write() as session:
        meeting = session.get_one(Meeting, room.meeting)
        meeting.create_time += ahead * 1000
    accept(stage, payload(room, *TOLD, ahead=ahead))
    for _, first, last, _ in room.stays():
        assert min(abs(first - 0.5), abs(first - 1)) <= 1.01 / 60
        assert min(abs(last - 59), abs(last - 29)) <= 1.01 / 60


def test_a_meeting_that_is_not_ours_is_unknown(stage, room):
    for spoilt in ({"internal_meeting_id": "other"}, {"meeting_id": "other"}):
        with pytest.raises(Unknown, match="no meeting"):
            accept(stage, payload(room, *TOLD) | spoilt)


def test_a_report_by_another_server_of_this_meeting_is_not_heard(stage, room, add_server):
    other = add_server().server_id
    with pytest.raises(Unknown, match="no meeting"):
        accept(stage, payload(room, *TOLD), server=other)
    assert stage.rows(ExactStay) == []


def test_a_report_of_nobody_where_people_were_seen_is_not_used(stage, room):
    room.over()
    with pytest.raises(InputError, match="names nobody"):
        accept(stage, payload(room))
    assert [each[3] for each in room.stays()] == ["poll"] * 2


def test_what_is_no_report_is_refused(stage, room):
    with pytest.raises(bbb.Garbled):
        accept(stage, {"data": {}})
    assert stage.rows(ExactStay) == []


def test_names_that_no_database_takes_are_made_to_fit(stage, room):
    people = [("u\0" + "x" * 400, "N\0\ud800" + "n" * 600, False, 1, 2), ("", "z" * 600, False, 1, 2)]
    accept(stage, payload(room, *people))
    room.over()
    assert len(room.stays()) == 2


def test_reports_of_recorders_are_left_out_and_folding_again_changes_nothing(stage, room):
    room.over()
    accept(stage, payload(room, *TOLD, ("recorder-bot", "x", False, 0, 60)))
    first = room.stays()
    assert [each[0] for each in first] == ["t1", "u1"]
    assert refold(stage) == (1, 0)
    assert room.stays() == first


def test_a_shift_is_no_more_than_needed():
    from datetime import UTC, datetime

    asked = datetime(2026, 3, 2, 9, tzinfo=UTC)
    opened = asked + timedelta(seconds=3)
    for made, shift in ((-5, 5), (0, 0), (2, 0), (3, 0), (10, -7)):
        told = int((asked + timedelta(seconds=made)).timestamp() * 1000)
        assert exact.skew(told, asked, opened) == timedelta(seconds=shift)
    assert exact.skew(None, asked, opened) == timedelta(0)


def test_a_report_of_a_room_that_an_earlier_request_had_made_is_not_moved(stage, held):
    """Asked for at the start, given up without an answer, asked for again two minutes later: it is the first one's."""
    room = held()
    with stage.context.database.write() as session:
        row = session.get_one(Meeting, room.meeting)
        given_up = {"state": "closed", "closed_at": room.at(2), "close_reason": "abandoned", "passwords": row.passwords}
        session.add(
            Meeting(
                occurrence_id=room.occurrence,
                server_id=room.server_id,
                external_id=row.external_id,
                requested_at=row.requested_at,
                **given_up,
            )
        )
        row.requested_at, row.opened_at = room.at(2), room.at(2.05)
    room.saw((2.5, 60, {"u1": "Zahra"})).over()
    accept(stage, payload(room, ("t1", "Teacher", True, 3, 59), ("u1", "Zahra", False, 2.1, 60)))
    assert [(key, first, last) for key, first, last, _ in room.stays()] == [("t1", 3, 59), ("u1", 2.1, 60)]
