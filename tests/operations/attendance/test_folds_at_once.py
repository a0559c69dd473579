"""Settling, folding again and a server's own report, one in the middle of another: they come one after the other."""

import threading

import pytest

from tests.operations.attendance.test_exact import TOLD, accept, payload
from worker.errors import Conflict
from worker.operations.attendance import fold
from worker.operations.timetable import arrange
from worker.store import due
from worker.store.tables import Meeting, Occurrence

EXACT = [("t1", 0.5, 59, "exact"), ("u1", 1, 29, "exact")]


@pytest.fixture
def room(held):
    teacher, student = {"t1": ("Teacher", "MODERATOR")}, {"u1": "Zahra"}
    return held().saw((2, 30, teacher | student), (30.5, 58, teacher))


def begin(function, *given):
    """It is under way: it has ended, or waits for what we hold."""
    caller = threading.Thread(target=function, args=given)
    caller.start()
    caller.join(1)
    return caller


def test_a_report_that_comes_while_its_class_is_being_settled_is_folded_in(stage, room):
    with stage.context.database.write() as session:
        meeting = session.get_one(Meeting, room.meeting)
        meeting.state, meeting.close_reason = "closed", "ended"
        meeting.closed_at = meeting.missed_at = room.at(60)
    stage.clock.now = room.at(61)
    with stage.context.database.write() as session:  # caught between its fold and its commit
        assert fold._settle(session, stage.context, room.occurrence, stage.clock())
        caller = begin(accept, stage, payload(room, *TOLD))
    caller.join(30)
    assert room.stays() == EXACT


def test_a_report_that_comes_while_its_class_is_folded_again_leaves_no_stays_of_both(stage, room):
    room.over()
    with stage.context.database.write() as session:
        again = session.get_one(Occurrence, room.occurrence, with_for_update={"key_share": True})
        fold.write(session, stage.context, again, stage.clock())
        caller = begin(accept, stage, payload(room, *TOLD))
    caller.join(30)
    assert room.stays() == EXACT


def test_a_class_that_is_folded_again_while_it_is_pruned_keeps_its_stays(stage, room):
    room.over()
    before = room.stays()
    with stage.context.database.write() as session:  # as retention does, caught before its commit
        session.get_one(Occurrence, room.occurrence).pruned_at = stage.clock()
        session.flush()
        caller = begin(fold.refold, stage.context, None, None, None, stage.clock())
    caller.join(30)
    assert room.stays() == before


def over_and_rung(stage, occurrence):
    with stage.context.database.read() as session:
        return due.occurrences_to_settle(session, stage.clock()) == [occurrence]


def test_a_class_extended_after_the_bell_rang_is_not_settled(stage, add_server, make_course, make_occurrence):
    add_server()
    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.clock.advance(minutes=60)
    assert over_and_rung(stage, occurrence)
    arrange.extend(stage.context, occurrence, 60, stage.clock())
    assert stage.settle(occurrence) == 0
    assert stage.provision() == ["opened"]


def test_a_class_brought_back_after_the_bell_rang_is_not_settled(stage, add_server, make_course, make_occurrence):
    add_server()
    make_course()
    occurrence = make_occurrence(start_in=10)
    arrange.cancel(stage.context, occurrence, "by mistake", stage.clock())
    assert over_and_rung(stage, occurrence)
    row = stage.occurrence(occurrence)
    assert arrange.add(stage.context, "alg", row.starts_at, row.ends_at, stage.clock()) == occurrence
    assert stage.settle(occurrence) == 0
    assert stage.provision() == ["opened"]


def test_a_class_extended_while_it_is_being_settled_is_over(stage, room):
    """One of the two is first; the other knows."""
    said = []

    def extend():
        try:
            said.append(arrange.extend(stage.context, room.occurrence, 60, stage.clock()))
        except Conflict as error:
            said.append(str(error))

    with stage.context.database.write() as session:
        meeting = session.get_one(Meeting, room.meeting)
        meeting.state, meeting.close_reason, meeting.closed_at = "closed", "ended", room.at(60)
    stage.clock.now = room.at(61)
    with stage.context.database.write() as session:
        assert fold._settle(session, stage.context, room.occurrence, stage.clock())
        caller = begin(extend)
    caller.join(30)
    assert said == [f"occurrence {room.occurrence} is over or cancelled; add an extra sitting instead"]
