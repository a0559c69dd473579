"""plan: slots become occurrences up to the horizon, once, and what is there is left alone."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.operations.stage import Crash, crashing
from worker.domain.holidays import Holiday as Day
from worker.operations.timetable import arrange, holidays, plan
from worker.store.tables import Course, Occurrence, Slot


@pytest.fixture
def make_slot(context, make_course):
    def _(code="alg", cron="0 9 * * 1", minutes=60, timezone="UTC", **columns):
        make_course(code, timezone=timezone)
        with context.database.write() as session:
            course = session.scalars(select(Course).where(Course.code == code)).one()
            slot = Slot(course_id=course.id, cron=cron, minutes=minutes, **columns)
            session.add(slot)
            session.flush()
            return slot.id

    return _


def starts(stage):
    return sorted(row.starts_at for row in stage.rows(Occurrence))


def test_a_slot_is_planned_up_to_the_horizon(stage, make_slot):
    make_slot()
    assert stage.plan() == 3
    assert starts(stage) == [datetime(2026, 3, day, 9, tzinfo=UTC) for day in (2, 9, 16)]
    first = stage.rows(Occurrence)[0]
    assert first.ends_at - first.starts_at == timedelta(minutes=60)
    assert first.starts_at - first.opens_at == timedelta(minutes=15)


def test_twice_is_once(stage, make_slot):
    slot = make_slot()
    stage.plan()
    before = starts(stage)
    assert stage.plan() == 0
    assert plan.some(stage.context, [slot], stage.clock()) == 0
    assert starts(stage) == before


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_at_any_point_plans_once(stage, make_slot, boundary):
    slot = make_slot()
    with pytest.raises(Crash):
        plan.some(crashing(stage.context, at=boundary), [slot], stage.clock())
    stage.plan()
    assert len(starts(stage)) == 3


def test_planning_day_by_day_equals_planning_at_once(stage, make_slot):
    make_slot(cron="30 7 * * 1,3,5")
    for _ in range(30):
        stage.plan()
        stage.clock.advance(minutes=24 * 60)
    found = starts(stage)
    assert len(found) == len(set(found))
    days = [(found[0] + timedelta(days=n)).date() for n in range((found[-1] - found[0]).days + 1)]
    assert [start.date() for start in found] == [day for day in days if day.isoweekday() in (1, 3, 5)]


def test_a_class_under_way_is_planned_and_one_that_is_over_is_not(stage, make_slot):
    make_slot(cron="0 9 * * *")
    stage.clock.advance(minutes=30)
    stage.plan()
    assert starts(stage)[0] == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_what_is_over_is_not_planned(stage, make_slot):
    make_slot(cron="0 9 * * *")
    stage.clock.advance(minutes=60)
    stage.plan()
    assert starts(stage)[0] == datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_nine_stays_nine_over_the_change_of_the_clocks(stage, make_slot):
    """Berlin puts its clocks forward on 29 March 2026."""
    make_slot(cron="0 9 * * 1", timezone="Europe/Berlin")
    stage.clock.advance(minutes=60 * 24 * 18)
    stage.plan()
    stage.clock.advance(minutes=60 * 24 * 14)
    stage.plan()
    assert [(start.day, start.hour) for start in starts(stage)] == [(23, 8), (30, 7), (6, 7), (13, 7)]


def test_a_start_that_does_not_exist_is_moved_and_planned_once(stage, make_slot):
    make_slot(cron="30 2 * * *", timezone="Europe/Berlin")
    stage.clock.advance(minutes=60 * 24 * 25)
    for _ in range(3):
        stage.plan()
        stage.clock.advance(minutes=60 * 24)
    on_the_day = [start for start in starts(stage) if start.date() == date(2026, 3, 29)]
    assert on_the_day == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]


def test_odd_weeks_only(stage, make_slot):
    make_slot(every_weeks=2, anchor=date(2026, 3, 2))
    stage.plan()
    assert [start.day for start in starts(stage)] == [2, 16]


def test_first_and_last_day(stage, make_slot):
    make_slot(cron="0 9 * * *", valid_from=date(2026, 3, 4), valid_until=date(2026, 3, 6))
    stage.plan()
    assert [start.day for start in starts(stage)] == [4, 5, 6]


def test_archived_courses_and_retired_slots_are_left_out(stage, make_slot):
    make_slot("a")
    make_slot("b", retired_at=stage.clock())
    arrange.archive(stage.context, "a", stage.clock())
    assert stage.plan() == 0


def test_a_moved_and_a_cancelled_class_are_not_planned_again(stage, make_slot):
    slot = make_slot()
    stage.plan()
    first, second, _ = stage.rows(Occurrence)
    arrange.cancel(stage.context, second.id, "ill", stage.clock())
    later = first.starts_at + timedelta(hours=5)
    arrange.move(stage.context, first.id, later, later + timedelta(hours=1), stage.clock())
    assert plan.some(stage.context, [slot], stage.clock()) == 0
    assert len(starts(stage)) == 3
    assert stage.occurrence(first.id).original_start == first.starts_at


def test_many_slots_in_one_sweep(stage, make_slot):
    for number in range(12):
        make_slot(f"c{number}", cron="0 9 * * 1")
    assert stage.plan() == 36


def test_what_began_before_midnight_and_is_still_on_is_planned(stage, make_slot):
    make_slot(cron="30 23 * * *", minutes=120)
    stage.clock.now = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
    stage.plan()
    assert starts(stage)[0] == datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


def test_a_course_opens_its_rooms_as_early_as_it_says(stage, make_slot):
    make_slot()
    with stage.context.database.write() as session:
        session.query(Course).update({"lead_seconds": 0.0})
    stage.plan()
    assert {row.starts_at - row.opens_at for row in stage.rows(Occurrence)} == {timedelta(0)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_slot_that_an_import_is_changing_is_planned_later(stage, make_slot):
    slot, other = make_slot("a"), make_slot("b")
    with stage.context.database.write() as session:
        session.execute(select(Slot).where(Slot.id == slot).with_for_update())
        assert plan.some(stage.context, [slot, other], stage.clock()) == 3
    assert plan.some(stage.context, [slot, other], stage.clock()) == 3


def test_a_day_without_classes_is_told_once_of_each_sitting(stage, make_slot):
    slot = make_slot()
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    plan.some(stage.context, [slot], stage.clock())
    with stage.context.database.write() as session:  # planned anew at the same instant, with one more to plan
        session.query(Slot).update({"planned_until": None, "valid_until": None, "cron": "0 9 * * 1,2"})
    plan.some(stage.context, [slot], stage.clock())
    assert stage.story().count("cancelled") == 1


def test_another_lead_in_the_settings_holds_for_what_is_planned_already(stage, make_slot, make_context):
    make_slot("a")
    make_slot("own")
    with stage.context.database.write() as session:
        session.query(Course).filter_by(code="own").update({"lead_seconds": 60.0})
    stage.plan()
    stage.clock.advance(minutes=60 * 24)
    before = [(row.starts_at, row.starts_at - row.opens_at) for row in stage.rows(Occurrence)]
    later = make_context(lead_seconds=1800)
    plan.sweep(later, stage.clock())
    found = [(row.starts_at, row.starts_at - row.opens_at) for row in stage.rows(Occurrence)]
    assert found == [
        (start, timedelta(minutes=30) if lead == timedelta(minutes=15) and start > stage.clock() else lead)
        for start, lead in before
    ]
    assert {lead for _, lead in found} == {timedelta(minutes=1), timedelta(minutes=15), timedelta(minutes=30)}


def test_another_lead_holds_also_where_no_sweep_has_looked_at_the_first(stage, make_slot, make_context):
    slot = make_slot()
    plan.some(stage.context, [slot], stage.clock())  # as an import does
    plan.sweep(make_context(lead_seconds=1800), stage.clock())
    ahead = stage.rows(Occurrence, Occurrence.starts_at > stage.clock())
    assert {row.starts_at - row.opens_at for row in ahead} == {timedelta(minutes=30)}


@pytest.mark.parametrize("boundary", range(4))
def test_a_crash_while_another_lead_is_taken_up_leaves_no_room_behind(stage, make_slot, make_context, boundary):
    make_slot()
    stage.plan()
    later = make_context(lead_seconds=1800)
    with suppress(Crash):
        plan.sweep(crashing(later, at=boundary), stage.clock())
    plan.sweep(later, stage.clock())
    ahead = stage.rows(Occurrence, Occurrence.starts_at > stage.clock())
    assert {row.starts_at - row.opens_at for row in ahead} == {timedelta(minutes=30)}
    assert stage.plan() == 0  # and back again
    ahead = stage.rows(Occurrence, Occurrence.starts_at > stage.clock())
    assert {row.starts_at - row.opens_at for row in ahead} == {timedelta(minutes=15)}


def test_the_same_lead_is_looked_at_and_nothing_is_written(stage, make_slot):
    make_slot()
    stage.plan()
    with stage.context.database.write() as session:
        session.query(Occurrence).update({"opens_at": Occurrence.starts_at})
    stage.plan()
    assert {row.starts_at - row.opens_at for row in stage.rows(Occurrence)} == {timedelta(0)}
