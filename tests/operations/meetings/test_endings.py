"""Endings: classes that may run on while nothing needs their place, and people who are told before theirs ends."""

import pytest
from sqlalchemy import update

from worker import bbb
from worker.operations.timetable import arrange
from worker.store.tables import Event, Meeting, Server


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def held(stage, server, make_course, make_occurrence):
    """A class of an hour, its teacher inside, at its end and grace."""

    def _(**columns):
        make_course(**columns)
        occurrence = make_occurrence(start_in=0)
        stage.provision()
        server.world.join(stage.live()[0].external_id, "t1", "Teacher", role="MODERATOR")
        stage.polls(1)
        stage.clock.advance(minutes=69, seconds=30)
        stage.poll()
        return occurrence

    return _


def test_a_spare_class_runs_on_while_nothing_needs_its_place(stage, held):
    held(end_policy="spare", teacher_id="t1", room="12")
    assert stage.end() == []
    stage.clock.advance(minutes=59)
    assert stage.end() == []
    stage.clock.advance(minutes=1)
    assert stage.end() == ["asked"]


@pytest.mark.parametrize("shared", [{"teacher_id": "t1"}, {"room": "12"}])
def test_a_spare_class_makes_way_for_its_teacher_and_its_room(stage, held, make_course, make_occurrence, shared):
    held(end_policy="spare", **shared)
    make_course("next", **shared)
    make_occurrence("next", start_in=20)
    assert stage.end() == []
    stage.clock.advance(minutes=5)
    assert stage.end() == ["asked"]


def test_a_spare_class_makes_way_for_its_own_next_sitting(stage, held, make_occurrence):
    held(end_policy="spare")
    make_occurrence(start_in=10)
    assert stage.end() == ["asked"]


def test_a_spare_class_ignores_strangers_and_cancelled_classes(stage, held, make_course, make_occurrence):
    held(end_policy="spare", teacher_id="t1")
    make_course("other", teacher_id="t2")
    make_occurrence("other", start_in=5)
    make_course("off", teacher_id="t1")
    arrange.cancel(stage.context, make_occurrence("off", start_in=5), "ill", stage.clock())
    assert stage.end() == []


def test_a_spare_class_makes_way_on_a_crowded_server(stage, server, held):
    held(end_policy="spare")
    with stage.context.database.write() as session:
        session.execute(update(Server).values(capacity=50, people=50))
    assert stage.end() == []
    with stage.context.database.write() as session:
        session.execute(update(Server).values(people=51))
    assert stage.end() == ["asked"]


# Told before


def said(stage, monkeypatch, error=None):
    """What is said in the chat; ``error`` is what the server answers."""
    lines = []

    def send(self, meeting_id, text, user_name):
        lines.append(text)
        if error is not None:
            raise error

    monkeypatch.setattr(bbb.Client, "send_chat_message", send)
    return lines


def test_people_are_told_five_minutes_before_their_class_is_ended(stage, held, monkeypatch):
    lines = said(stage, monkeypatch)
    held()
    stage.clock.advance(minutes=-5, seconds=-1)
    stage.end()
    assert lines == []
    stage.clock.advance(seconds=1)
    stage.end()
    stage.end()
    assert lines == ["This class ends in 5 min."]
    assert stage.rows(Event, Event.kind == "warned")[0].detail == "ends in 5 min"


def test_they_are_told_again_where_the_class_was_extended(stage, held, monkeypatch):
    lines = said(stage, monkeypatch)
    occurrence = held()
    stage.clock.advance(minutes=-4)
    stage.end()
    arrange.extend(stage.context, occurrence, 30, stage.clock())
    stage.end()
    assert len(lines) == 1
    stage.clock.advance(minutes=30)
    stage.end()
    assert len(lines) == 2


@pytest.mark.parametrize("error", [bbb.Unsupported("http404"), bbb.Garbled("a web page"), bbb.ChecksumRefused("x")])
def test_e90_a_server_without_a_chat_call_is_remembered_and_the_warning_stands(stage, server, held, monkeypatch, error):
    lines = said(stage, monkeypatch, error)
    held()
    stage.clock.advance(minutes=-3)
    stage.end()
    assert stage.server(server).features == {"chat": "no"}
    assert stage.story().count("warned") == 1
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(warned_at=None))
    stage.end()
    assert len(lines) == 1


def test_silence_of_the_server_is_not_a_missing_call(stage, server, held, monkeypatch):
    said(stage, monkeypatch, bbb.Unreachable("no answer"))
    held()
    stage.clock.advance(minutes=-3)
    stage.end()
    assert stage.server(server).features is None


def test_an_empty_room_is_told_nothing(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    stage.clock.advance(minutes=66)
    stage.end()
    assert "warned" not in stage.story()


def test_a_class_that_may_run_on_for_ever_is_told_nothing(stage, held, monkeypatch):
    lines = said(stage, monkeypatch)
    held(end_policy="never")
    stage.clock.advance(minutes=-3)
    stage.end()
    assert lines == []


# A restart ends no class


def test_a_restarted_server_ends_no_class_and_it_is_opened_again(stage, server, make_course, make_occurrence):
    from worker.simulator import Fault

    make_course()
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(2)
    server.world.faults.add(Fault("drop"))
    stage.polls(2)
    server.world.faults.clear()
    server.world.restart_web()
    stage.polls(2)
    assert stage.occurrence(occurrence).finished_at is None
    assert stage.provision() == ["opened"]
