"""One week as people see it."""

from datetime import date, datetime, timedelta

import pytest

from tests.operations.stage import Stage
from worker.domain.holidays import Holiday as Day
from worker.operations.timetable import arrange, holidays, week
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Occurrence
from worker.timetables import CourseDraft, SittingDraft, SlotDraft, TimetableDraft

HOUR = timedelta(hours=1)
DAILY = SlotDraft("0 9 * * *", 60)


@pytest.fixture
def bring(stage):
    def _(*slots, code="alg", timezone="UTC", **more):
        draft = CourseDraft(code, "Algebra", timezone, slots=slots, **more)
        return import_timetable(stage.context, TimetableDraft((draft,)), stage.clock())

    return _


def shown(stage, day, **how):
    with stage.context.database.read() as session:
        return week.of(session, stage.context, day, stage.clock(), **how)


def days(found):
    return [(day.date.day, [(entry.starts_at.hour, entry.cancelled) for entry in day.entries]) for day in found]


@pytest.mark.parametrize(("week_start", "first"), [(5, 28), (6, 1), (0, 2)])
def test_it_begins_on_the_day_that_the_school_says(make_context, clock, week_start, first):
    found = shown(Stage(make_context(week_start=week_start), clock), date(2026, 3, 4))
    assert found[0].date.day == first
    assert len(found) == 7


def test_what_is_cancelled_moved_and_extra(stage, bring):
    bring(DAILY)
    rows = {row.starts_at.day: row for row in stage.rows(Occurrence)}
    arrange.cancel(stage.context, rows[10].id, "ill", stage.clock())
    later = rows[11].starts_at + 29 * HOUR
    arrange.move(stage.context, rows[11].id, later, later + HOUR, stage.clock())
    holidays.add(stage.context, Day(date(2026, 3, 13), "Snow"), stage.clock())
    holidays.add(stage.context, Day(date(2026, 3, 8), "Eid", estimated=True), stage.clock())
    found = shown(stage, date(2026, 3, 10))
    assert days(found) == [
        (7, [(9, None)]), (8, [(9, None)]), (9, [(9, None)]), (10, [(9, "ill")]), (11, []),
        (12, [(9, None), (14, None)]), (13, [(9, "Snow")]),
    ]  # fmt: skip
    assert [(one.title, one.observed) for day in found for one in day.holidays] == [("Eid", False), ("Snow", True)]
    assert found[5].entries[1].moved_from == rows[11].original_start


def test_beyond_the_horizon_the_rules_speak(stage, bring):
    bring(DAILY, sittings=(SittingDraft(datetime.fromisoformat("2026-05-05T09:00Z"),
                                        datetime.fromisoformat("2026-05-05T10:00Z"), True,
                                        datetime.fromisoformat("2026-05-05T09:00Z")),))  # fmt: skip
    holidays.add(stage.context, Day(date(2026, 5, 4), "Snow"), stage.clock())
    found = shown(stage, date(2026, 5, 4))
    assert days(found) == [
        (2, [(9, None)]), (3, [(9, None)]), (4, [(9, "Snow")]), (5, [(9, "cancelled in the timetable")]),
        (6, [(9, None)]), (7, [(9, None)]), (8, [(9, None)]),
    ]  # fmt: skip
    assert found[0].entries[0].id is None


def test_a_week_across_the_horizon_names_each_sitting_once(stage, bring):
    bring(DAILY)
    found = shown(stage, date(2026, 3, 17))
    assert [len(day.entries) for day in found] == [1] * 7
    assert {entry.id is None for day in found for entry in day.entries} == {True, False}


def test_a_sitting_stands_on_the_day_of_its_own_zone(stage, bring):
    bring(SlotDraft("30 0 * * MON", 60), code="tehran", timezone="Asia/Tehran")
    assert [day.date.day for day in shown(stage, date(2026, 3, 9)) if day.entries] == [9]


def test_one_course_only(stage, bring):
    bring(DAILY)
    bring(DAILY, code="phy")
    found = shown(stage, date(2026, 3, 9), course="phy")
    assert {entry.course.code for day in found for entry in day.entries} == {"phy"}
    assert len(found[0].entries) == 1


def test_archived_courses_are_left_out(stage, bring):
    bring(DAILY)
    arrange.archive(stage.context, "alg", stage.clock())
    assert [day.entries for day in shown(stage, date(2026, 3, 9))] == [[]] * 7
