"""A slot changes: what was told stays told, what people changed stays as they left it, nothing comes twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from worker.domain.holidays import Holiday as Day
from worker.operations import story
from worker.operations.timetable import arrange, holidays
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Course, Event, Occurrence, Slot
from worker.timetables import CourseDraft, SlotDraft, TimetableDraft

MONDAYS = SlotDraft("0 9 * * 1", 60)
ALGEBRA = CourseDraft("alg", "Algebra", "UTC", slots=(MONDAYS,))


@pytest.fixture
def bring(stage):
    def _(*slots, **more):
        draft = replace(ALGEBRA, slots=slots, **more)
        return import_timetable(stage.context, TimetableDraft((draft,)), stage.clock())

    return _


def held(stage):
    rows = stage.rows(Occurrence, Occurrence.cancelled_at.is_(None))
    return sorted((row.starts_at.day, row.starts_at.hour) for row in rows)


def test_a_changed_length_keeps_the_sittings_and_tells_it(stage, bring):
    bring(MONDAYS)
    before = [row.id for row in stage.rows(Occurrence)]
    stage.clock.advance(minutes=10)
    with story.acting("zahra"):
        assert bring(replace(MONDAYS, minutes=90)).details == {"alg": "slots"}
    assert [row.id for row in stage.rows(Occurrence)] == before
    event = stage.rows(Event, Event.occurrence_id == before[1])[-1]
    assert (event.kind, event.actor, event.detail) == ("changed", "zahra", "from 60 to 90 minutes")
    assert stage.story("slots_changed")[0].detail == "alg: ~ 0 9 * * 1, 90 min"


def test_a_shorter_term_takes_back_what_lies_beyond(stage, bring):
    bring(MONDAYS)
    bring(replace(MONDAYS, valid_until=date(2026, 3, 10)))
    assert held(stage) == [(2, 9), (9, 9)]
    bring(MONDAYS)
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]


def test_a_sitting_of_which_something_was_told_is_cancelled_and_comes_back(stage, bring):
    bring(MONDAYS)
    number, _ = holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    holidays.remove(stage.context, number, stage.clock())
    bring(replace(MONDAYS, valid_until=date(2026, 3, 3)))
    rows = stage.rows(Occurrence)
    assert [(row.starts_at.day, row.cancel_reason) for row in rows] == [(2, None), (9, "no longer in the timetable")]
    bring(MONDAYS)
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    kinds = [event.kind for event in stage.rows(Event, Event.occurrence_id == rows[1].id)]
    assert kinds == ["cancelled", "restored", "cancelled", "restored"]


def test_what_comes_back_on_a_day_without_classes_does_not_take_place(stage, bring):
    bring(MONDAYS)
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    bring(replace(MONDAYS, valid_until=date(2026, 3, 3)))
    bring(MONDAYS)
    assert held(stage) == [(2, 9), (16, 9)]
    (row,) = stage.rows(Occurrence, Occurrence.cancelled_at.is_not(None))
    assert (row.cancel_reason, row.holiday_id is None) == ("Snow", False)


def test_what_was_changed_by_hand_stands_for_the_new_slots_sitting(stage, bring):
    """Mondays become Mondays and Thursdays: another slot. The Monday that was moved or cancelled is not held twice."""
    bring(MONDAYS)
    _, second, third = stage.rows(Occurrence)
    later = second.starts_at + timedelta(hours=5)
    arrange.move(stage.context, second.id, later, later + timedelta(hours=1), stage.clock())
    arrange.cancel(stage.context, third.id, "ill", stage.clock())
    stage.clock.advance(minutes=10)
    bring(replace(MONDAYS, cron="0 9 * * 1,4"))
    assert held(stage) == [(2, 9), (5, 9), (9, 14), (12, 9)]


def test_a_class_that_is_on_is_not_opened_a_second_time(stage, bring, add_server):
    add_server()
    bring(MONDAYS)
    stage.provision()
    stage.clock.advance(minutes=10)
    bring(replace(MONDAYS, cron="0 9 * * 1,4"))
    assert held(stage) == [(2, 9), (5, 9), (9, 9), (12, 9), (16, 9)]
    stage.provision()
    assert len(stage.meetings()) == 1


def test_one_rule_in_two_spans_of_the_year(stage, bring):
    first = replace(MONDAYS, valid_until=date(2026, 3, 3))
    second = replace(MONDAYS, valid_from=date(2026, 3, 16))
    bring(first, second)
    assert held(stage) == [(2, 9), (16, 9)]
    assert bring(first, second).unchanged == ["alg"]
    bring(first, replace(second, minutes=30))
    assert [slot.minutes for slot in stage.rows(Slot)] == [60, 30]


def test_another_anchor_of_the_same_weeks_is_no_change(stage, bring):
    bring(replace(MONDAYS, every_weeks=2, anchor=date(2026, 3, 2)))
    assert bring(replace(MONDAYS, every_weeks=2, anchor=date(2026, 3, 16))).unchanged == ["alg"]
    assert bring(replace(MONDAYS, every_weeks=2, anchor=date(2026, 3, 9))).changed == ["alg"]
    assert held(stage)[-1] == (9, 9)


def test_what_a_file_has_no_column_for_stays_as_it_is(stage, bring):
    bring(MONDAYS, record="always", teacher_name="Noor", lead_minutes=5)
    said = frozenset({"title", "timezone", "teacher_name"})
    assert bring(MONDAYS, title="Geometry", said=said).details == {"alg": "title, teacher_name"}
    (course,) = stage.rows(Course)
    assert (course.title, course.record, course.teacher_name, course.lead_seconds) == ("Geometry", "always", None, 300)


def test_a_course_is_known_in_any_spelling_of_its_code(stage):
    def bring(code):
        draft = TimetableDraft((replace(ALGEBRA, code=code),))
        return import_timetable(stage.context, draft, stage.clock())

    bring("رياضي-1")
    assert bring("ریاضی-۱").unchanged == ["ریاضی-۱"]
    assert [course.code for course in stage.rows(Course)] == ["رياضي-1"]
    with stage.context.database.read() as session:
        assert arrange.course(session, "ریاضی-١").code == "رياضي-1"


def test_what_the_file_does_not_name_is_listed_and_archived_only_when_asked(stage, bring):
    bring(MONDAYS)
    other = TimetableDraft((replace(ALGEBRA, code="phy"),))
    assert import_timetable(stage.context, other, stage.clock()).gone == ["alg"]
    assert [course.archived_at for course in stage.rows(Course)] == [None, None]
    import_timetable(stage.context, other, stage.clock(), dry_run=True, prune=True)
    assert len(held(stage)) == 6
    import_timetable(stage.context, other, stage.clock(), prune=True)
    assert import_timetable(stage.context, other, stage.clock(), prune=True).gone == []
    assert len(held(stage)) == 4  # the one that has begun stays
    bring(MONDAYS)
    assert len(held(stage)) == 6


def test_progress_ends_with_everything_done(stage):
    told = []
    drafts = tuple(replace(ALGEBRA, code=f"c{number}") for number in range(1200))
    import_timetable(
        stage.context, TimetableDraft(drafts), stage.clock(), progress=lambda done, total: told.append((done, total))
    )
    assert told[0] == (500, 2400)
    assert told[-1] == (2400, 2400)
    assert told == sorted(told)


def test_a_new_day_plans_only_what_it_adds(stage, bring):
    bring(SlotDraft("0 9 * * *", 60))
    row = stage.rows(Occurrence)[-1]
    stage.clock.advance(minutes=60 * 24)
    assert stage.plan() == 1
    assert stage.rows(Occurrence)[-1].starts_at == row.starts_at + timedelta(days=1)


def test_after_a_month_without_a_sweep_only_what_lies_ahead_is_planned(stage, bring):
    bring(SlotDraft("0 9 * * *", 60))
    stage.clock.now = datetime(2026, 4, 10, 9, 30, tzinfo=UTC)
    stage.plan()
    assert sum(row.starts_at < datetime(2026, 4, 10, tzinfo=UTC) for row in stage.rows(Occurrence)) == 15


def test_a_changed_length_moves_the_end_of_its_room_as_well(stage, bring):
    bring(MONDAYS)
    bring(replace(MONDAYS, minutes=90))
    assert {row.closes_at - row.starts_at for row in stage.rows(Occurrence)[1:]} == {timedelta(minutes=90)}


def test_a_sitting_that_was_extended_by_hand_stays_when_its_slot_goes(stage, bring):
    bring(MONDAYS)
    second = stage.rows(Occurrence)[1]
    arrange.extend(stage.context, second.id, 30, stage.clock())
    bring(replace(MONDAYS, cron="0 9 * * 2"))
    assert (9, 9) in held(stage)


def test_a_sitting_whose_room_is_open_stays_when_its_slot_goes(stage, bring, add_server):
    add_server()
    bring(MONDAYS)
    stage.clock.now = datetime(2026, 3, 9, 8, 50, tzinfo=UTC)
    stage.provision()
    bring(replace(MONDAYS, cron="0 9 * * 2"))
    assert (9, 9) in held(stage)


def test_what_a_holiday_had_cancelled_goes_with_its_slot(stage, bring):
    bring(MONDAYS)
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    bring(replace(MONDAYS, cron="0 9 * * 2"))
    (row,) = stage.rows(Occurrence, Occurrence.original_start == datetime(2026, 3, 9, 9, tzinfo=UTC))
    assert (row.cancel_reason, row.holiday_id) == ("no longer in the timetable", None)


def test_what_is_gone_already_is_not_told_to_go_again(stage, bring):
    bring(MONDAYS)
    second = stage.rows(Occurrence)[1]
    bring(replace(MONDAYS, minutes=90))
    bring(replace(MONDAYS, minutes=90, valid_until=date(2026, 3, 8)))
    bring(replace(MONDAYS, minutes=90, valid_until=date(2026, 3, 7)))
    kinds = [event.kind for event in stage.rows(Event, Event.occurrence_id == second.id)]
    assert kinds == ["changed", "cancelled"]


def test_what_comes_back_after_it_was_settled_as_cancelled_is_opened(stage, bring, add_server):
    add_server()
    bring(MONDAYS)
    bring(replace(MONDAYS, minutes=90))
    bring(replace(MONDAYS, minutes=90, valid_until=date(2026, 3, 8)))
    (gone,) = stage.rows(Occurrence, Occurrence.original_start == datetime(2026, 3, 9, 9, tzinfo=UTC))
    stage.clock.now = datetime(2026, 3, 9, 8, 50, tzinfo=UTC)
    assert stage.settle(gone.id)
    bring(replace(MONDAYS, minutes=90))
    stage.provision()
    assert [meeting.occurrence_id for meeting in stage.live()] == [gone.id]


def test_a_course_that_opens_earlier_does_so_also_for_what_is_held_after_all(stage, bring):
    bring(MONDAYS)
    number, _ = holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    bring(MONDAYS, lead_minutes=40)
    holidays.remove(stage.context, number, stage.clock())
    assert {row.starts_at - row.opens_at for row in stage.rows(Occurrence)[1:]} == {timedelta(minutes=40)}
