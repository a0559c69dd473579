"""Alarms: raised once for what holds, recovered once when it holds no longer."""

import pytest
from sqlalchemy import update

from worker.operations import pulse, story
from worker.operations.installation import watch
from worker.operations.timetable import arrange
from worker.simulator import Fault
from worker.store.tables import Alarm, Meeting, Server


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(make_course, make_occurrence, server):
    make_course()
    return make_occurrence()


def look(stage):
    return watch.sweep(stage.context, stage.clock())


def standing(stage):
    return [row.kind for row in stage.rows(Alarm, Alarm.recovered_at.is_(None))]


# What holds


def test_a_room_that_is_not_open_five_minutes_before_its_class_is_an_alarm_that_says_why(stage, server, occurrence):
    server.world.faults.add(Fault("http_500", call="create"))
    stage.provision()
    assert look(stage) == (0, 0)
    stage.clock.advance(minutes=5)
    stage.provision()
    assert look(stage) == (1, 0)
    (alarm,) = stage.rows(Alarm)
    assert (alarm.kind, alarm.cause, alarm.occurrence_id) == ("not_opened", f"occurrence:{occurrence}", occurrence)
    assert alarm.detail == f"{server.name}: HTTP 500"


def test_an_alarm_is_raised_once_and_recovered_once(stage, server, occurrence):
    server.world.faults.add(Fault("http_500", call="create"))
    stage.clock.advance(minutes=6)
    stage.provision()
    assert [look(stage), look(stage)] == [(1, 0), (0, 0)]
    server.world.faults.clear()
    stage.provision()
    assert [look(stage), look(stage)] == [(0, 1), (0, 0)]
    assert stage.story().count("not_opened") == stage.story().count("recovered") == 1


def test_the_same_trouble_later_is_a_new_alarm(stage, add_server):
    server = add_server()
    for healthy in (False, True, False):
        with stage.context.database.write() as session:
            session.execute(update(Server).where(Server.id == server.server_id).values(healthy=healthy))
        look(stage)
    assert [row.recovered_at is None for row in stage.rows(Alarm)] == [False, True]


def test_a_class_of_the_last_minute_has_two_sweeps_to_get_its_room(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=60)
    look(stage)
    assert standing(stage) == ["not_opened"]


def test_without_any_request_the_alarm_asks_whether_the_loops_run(stage, occurrence):
    stage.clock.advance(minutes=6)
    look(stage)
    assert "meetingz doctor" in stage.rows(Alarm)[0].detail


def test_without_a_usable_server_there_is_one_alarm_for_all_classes(stage, server, make_course, make_occurrence):
    for code in ("a", "b", "c"):
        make_course(code)
        make_occurrence(code)
    with stage.context.database.write() as session:
        session.execute(update(Server).values(enabled=False))
    stage.provision()
    look(stage)
    assert standing(stage) == ["no_server"]


def test_a_server_that_is_down_is_an_alarm_until_it_is_up_again(stage, server, occurrence):
    stage.provision()
    server.world.faults.add(Fault("drop"))
    stage.polls(stage.context.settings.server_down_after)
    assert standing(stage) == ["server_down"]
    look(stage)
    assert standing(stage).count("server_down") == 1
    server.world.faults.clear()
    stage.polls(stage.context.settings.server_up_after)
    look(stage)
    assert standing(stage) == []
    assert stage.story().count("server_down") == 1


def test_a_room_that_is_gone_during_class_and_not_opened_again_is_an_alarm(stage, server, occurrence):
    stage.provision()
    stage.clock.advance(minutes=7)
    stage.polls(2)
    assert stage.live() == []
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=90)
    look(stage)
    assert standing(stage) == ["room_expired"]
    stage.provision()
    look(stage)
    assert standing(stage) == []


def test_a_class_that_is_not_recorded_although_it_was_asked_for_is_an_alarm_while_it_is_on(
    stage, server, make_course, make_occurrence
):
    make_course(record="always")
    make_occurrence(start_in=0)
    stage.provision()
    stage.poll()
    assert look(stage) == (0, 0)
    server.world.meetings()[0].record = False
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    look(stage)
    assert standing(stage) == ["not_recording"]


def test_a_course_that_is_not_recorded_is_no_alarm(stage, server, occurrence):
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    assert look(stage) == (0, 0)


def test_a_meeting_that_lives_on_is_an_alarm_after_some_tries(stage, server, make_course, make_occurrence, monkeypatch):
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    monkeypatch.setattr(server.world, "ask_to_end", lambda meeting, now: None)
    stage.clock.advance(minutes=70)
    for _ in range(2):
        stage.end()
        stage.clock.advance(seconds=60)
    assert standing(stage) == []
    stage.end()
    assert standing(stage) == ["not_ended"]


def test_a_meeting_whose_server_cannot_be_asked_to_end_it_is_an_alarm(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    server.world.faults.add(Fault("drop"))
    stage.clock.advance(minutes=74)
    stage.end()
    assert "not_ended" not in standing(stage)
    stage.clock.advance(minutes=1)
    stage.end()
    assert "not_ended" in standing(stage)


def test_a_class_that_may_run_on_and_does_is_told_as_overrun(stage, server, make_course, make_occurrence):
    make_course(end_policy="never")
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.poll()
    stage.clock.advance(minutes=69)
    assert look(stage) == (0, 0)
    stage.clock.advance(minutes=1)
    look(stage)
    assert standing(stage) == ["overran"]


def test_a_loop_that_stopped_is_an_alarm_until_it_runs_again(stage, server):
    with pulse.sweep(stage.context, "poll", stage.clock):
        pass
    stage.clock.advance(seconds=120)
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=1)
    look(stage)
    assert [row.cause for row in stage.rows(Alarm)] == ["loop:poll"]
    with pulse.sweep(stage.context, "poll", stage.clock):
        pass
    assert look(stage) == (0, 1)


def test_what_nobody_sees_end_is_put_away_after_a_day(stage, occurrence):
    with stage.context.database.write() as session:
        for _ in range(2):
            story.tell(session, "poisoned", stage.clock(), occurrence_id=occurrence, detail="a row")
    assert len(stage.story("poisoned")) == 1
    stage.clock.advance(minutes=24 * 60 - 1)
    watch.sweep(stage.context, stage.clock())
    assert "poisoned" in standing(stage)
    stage.clock.advance(minutes=1)
    watch.sweep(stage.context, stage.clock())
    assert "poisoned" not in standing(stage)


def test_an_alarm_whose_class_was_cancelled_holds_no_longer(stage, occurrence):
    stage.clock.advance(minutes=6)
    look(stage)
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    assert look(stage) == (0, 1)


def tell_and_fail(stage, occurrence):
    with stage.context.database.write() as session:
        story.tell(session, "poisoned", stage.clock(), occurrence_id=occurrence, detail="a row")
        raise ZeroDivisionError


def test_a_fact_rolled_back_raises_nothing(stage, occurrence):
    with pytest.raises(ZeroDivisionError):
        tell_and_fail(stage, occurrence)
    assert stage.rows(Alarm) == []


def test_the_meeting_row_keeps_the_servers_record_flag(stage, server, make_course, make_occurrence):
    make_course(record="manual")
    make_occurrence(start_in=0)
    stage.provision()
    stage.poll()
    assert [(row.recorded, row.recording) for row in stage.rows(Meeting)] == [(True, True)]
