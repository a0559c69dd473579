"""Dated sittings of files: extra ones, and those that stand for one of a slot."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from worker.domain.holidays import Holiday as Day
from worker.operations.timetable import arrange, holidays
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Event, Occurrence
from worker.timetables import CourseDraft, SittingDraft, SlotDraft, TimetableDraft

HOUR = timedelta(hours=1)
MONDAYS = SlotDraft("0 9 * * 1", 60)
NINTH = datetime(2026, 3, 9, 9, tzinfo=UTC)
MOVED = SittingDraft(NINTH + 5 * HOUR, NINTH + 6 * HOUR, original_start=NINTH)
CANCELLED = SittingDraft(NINTH, NINTH + HOUR, cancelled=True, original_start=NINTH)
EXTRA = SittingDraft(NINTH + 3 * HOUR, NINTH + 4 * HOUR)


@pytest.fixture
def bring(stage):
    def _(*sittings, slots=(MONDAYS,)):
        draft = CourseDraft("alg", "Algebra", "UTC", slots=slots, sittings=sittings)
        return import_timetable(stage.context, TimetableDraft((draft,)), stage.clock())

    return _


def held(stage):
    rows = stage.rows(Occurrence, Occurrence.cancelled_at.is_(None))
    return sorted((row.starts_at.day, row.starts_at.hour) for row in rows)


@pytest.mark.parametrize("known_before", [False, True])
def test_a_moved_sitting_is_that_of_its_slot(stage, bring, known_before):
    if known_before:
        bring()
    bring(MOVED)
    assert held(stage) == [(2, 9), (9, 14), (16, 9)]
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    assert (row.slot_id is None, row.opens_at) == (False, NINTH + 5 * HOUR - timedelta(minutes=15))
    (event,) = stage.rows(Event, Event.occurrence_id == row.id)
    assert (event.kind, event.detail[:17]) == ("moved", "in the timetable:")


@pytest.mark.parametrize("known_before", [False, True])
def test_a_cancelled_sitting_is_that_of_its_slot(stage, bring, known_before):
    if known_before:
        bring()
    bring(CANCELLED)
    assert held(stage) == [(2, 9), (16, 9)]
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    assert row.cancel_reason == "cancelled in the timetable"


@pytest.mark.parametrize("sitting", [MOVED, CANCELLED, EXTRA])
def test_the_same_file_twice_changes_nothing(stage, bring, sitting):
    bring(sitting)
    before = [(row.id, row.starts_at, row.cancelled_at) for row in stage.rows(Occurrence)]
    told = len(stage.story())
    stage.clock.advance(minutes=5)
    changes = bring(sitting)
    assert (changes.unchanged, changes.occurrences) == (["alg"], 0)
    assert [(row.id, row.starts_at, row.cancelled_at) for row in stage.rows(Occurrence)] == before
    assert len(stage.story()) == told


@pytest.mark.parametrize("sitting", [MOVED, CANCELLED, EXTRA])
def test_what_the_file_no_longer_says_is_as_the_slot_has_it(stage, bring, sitting):
    bring(sitting)
    assert bring().changed == ["alg"]
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


def test_what_people_changed_since_stays_as_they_left_it(stage, bring):
    bring(MOVED, EXTRA)
    for row in stage.rows(Occurrence, Occurrence.starts_at.in_([MOVED.starts_at, EXTRA.starts_at])):
        start = row.starts_at + timedelta(days=1)
        arrange.move(stage.context, row.id, start, start + HOUR, stage.clock())
    assert bring(MOVED, EXTRA).unchanged == ["alg"]
    assert held(stage) == [(2, 9), (10, 12), (10, 14), (16, 9)]


def test_a_file_that_moves_it_once_more_is_followed(stage, bring):
    bring(MOVED)
    bring(replace(MOVED, starts_at=NINTH + 8 * HOUR, ends_at=NINTH + 9 * HOUR))
    assert held(stage) == [(2, 9), (9, 17), (16, 9)]


def test_an_extra_sitting_added_by_hand_is_nothing_to_the_file(stage, bring):
    bring()
    arrange.add(stage.context, "alg", NINTH + 7 * HOUR, NINTH + 8 * HOUR, stage.clock())
    assert bring().unchanged == ["alg"]
    assert (9, 16) in held(stage)


def test_a_longer_extra_sitting_is_made_longer(stage, bring):
    bring(EXTRA)
    bring(replace(EXTRA, ends_at=NINTH + 5 * HOUR))
    (row,) = stage.rows(Occurrence, Occurrence.starts_at == EXTRA.starts_at)
    assert row.ends_at == row.closes_at == NINTH + 5 * HOUR


def test_the_slots_own_sitting_named_once_more_is_no_second_one(stage, bring):
    bring(SittingDraft(NINTH, NINTH + HOUR))
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring(SittingDraft(NINTH, NINTH + HOUR)).unchanged == ["alg"]


def test_a_cancelled_one_can_come_back_as_a_moved_one(stage, bring):
    bring(CANCELLED)
    bring(MOVED)
    assert held(stage) == [(2, 9), (9, 14), (16, 9)]


def test_two_words_on_one_sitting_are_warned_of(stage, bring):
    changes = bring(EXTRA, replace(EXTRA, ends_at=NINTH + 5 * HOUR))
    assert "two sittings" in changes.warnings[0]
    assert len(stage.rows(Occurrence)) == 4


def test_an_open_room_is_left_alone(stage, bring, add_server):
    add_server()
    stage.clock.now = NINTH - timedelta(minutes=10)
    bring()
    stage.provision()
    bring(CANCELLED)
    assert (9, 9) in held(stage)


def test_an_extra_sitting_that_was_added_again_by_hand_stays_whatever_the_file_says(stage, bring):
    off = replace(EXTRA, cancelled=True)
    bring(EXTRA)
    bring(off)
    assert (9, 12) not in held(stage)
    arrange.add(stage.context, "alg", EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    for file in ((off,), (), (EXTRA,)):
        bring(*file)
        assert (9, 12) in held(stage)


def test_a_file_that_cancels_a_sitting_people_have_added_is_followed_once(stage, bring):
    bring()
    arrange.add(stage.context, "alg", EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    bring(replace(EXTRA, cancelled=True))
    assert (9, 12) not in held(stage)
    arrange.add(stage.context, "alg", EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    bring(replace(EXTRA, cancelled=True))
    assert (9, 12) in held(stage)


def test_an_extra_sitting_whose_room_was_open_is_not_taken_back(stage, bring, add_server):
    add_server()
    bring(EXTRA)
    stage.clock.now = EXTRA.starts_at - timedelta(minutes=10)
    stage.provision()
    assert bring().unchanged == ["alg"]
    assert (9, 12) in held(stage)


def test_what_is_over_is_not_written_down_after_the_fact(stage, bring):
    early = NINTH - timedelta(days=30)
    bring(SittingDraft(early, early + HOUR))
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]


def test_a_longer_sitting_at_the_time_of_a_slot_is_one_of_its_own(stage, bring):
    bring(SittingDraft(NINTH, NINTH + 2 * HOUR))
    assert held(stage) == [(2, 9), (9, 9), (9, 9), (16, 9)]


def test_a_file_that_says_where_people_have_moved_a_sitting_adds_none(stage, bring):
    bring()
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    arrange.move(stage.context, row.id, EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    assert bring(EXTRA).unchanged == ["alg"]
    assert held(stage) == [(2, 9), (9, 12), (16, 9)]


def test_a_sitting_that_is_over_stays_as_it_was(stage, bring):
    bring(MOVED)
    stage.clock.now = MOVED.starts_at - timedelta(minutes=30)
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    with stage.context.database.write() as session:
        session.get_one(Occurrence, row.id).closes_at = stage.clock() - HOUR
    assert bring(replace(MOVED, ends_at=MOVED.ends_at + HOUR)).unchanged == ["alg"]


def test_what_the_timetable_had_dropped_comes_back_where_a_file_names_it(stage, bring):
    bring(EXTRA)
    bring()
    assert (9, 12) not in held(stage)
    bring(EXTRA)
    assert (9, 12) in held(stage)
    assert len(stage.rows(Occurrence)) == 4


def test_a_file_that_moves_an_extended_sitting_ends_it_when_the_file_says(stage, bring):
    bring()
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    arrange.extend(stage.context, row.id, 30, stage.clock())
    bring(MOVED)
    row = stage.occurrence(row.id)
    assert (row.extended_until, row.closes_at) == (None, MOVED.ends_at)


def test_a_sitting_that_is_on_as_it_comes_in_is_held_whatever_day_it_is(stage, bring):
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    stage.clock.now = EXTRA.starts_at + timedelta(minutes=10)
    bring(EXTRA)
    assert (9, 12) in held(stage)


FRIDAYS = SlotDraft("0 10 * * 5", 60)


@pytest.mark.parametrize("sitting", [MOVED, CANCELLED])
def test_what_the_file_no_longer_says_of_a_slot_that_is_gone_does_not_take_place(stage, bring, sitting):
    bring(sitting)
    bring(slots=(FRIDAYS,))
    assert held(stage) == [(2, 9), (6, 10), (13, 10)]
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    assert row.cancel_reason == "no longer in the timetable"
    assert bring(slots=(FRIDAYS,)).unchanged == ["alg"]


@pytest.mark.parametrize("sitting", [MOVED, CANCELLED])
def test_what_the_file_no_longer_says_beyond_the_last_day_does_not_take_place(stage, bring, sitting):
    bring(sitting)
    short = replace(MONDAYS, valid_until=date(2026, 3, 3))
    bring(slots=(short,))
    assert held(stage) == [(2, 9)]
    assert bring(slots=(short,)).unchanged == ["alg"]
    bring()
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]


def test_a_cancelled_extra_sitting_that_the_file_no_longer_names_does_not_take_place(stage, bring):
    bring(replace(EXTRA, cancelled=True))
    assert bring().changed == ["alg"]
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


def test_what_people_moved_once_more_stays_when_its_slot_goes_and_the_file_is_silent(stage, bring):
    bring(MOVED)
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    arrange.move(stage.context, row.id, EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    for _ in range(2):
        bring(slots=(FRIDAYS,))
        assert held(stage) == [(2, 9), (6, 10), (9, 12), (13, 10)]
    assert bring(slots=(FRIDAYS,)).unchanged == ["alg"]


@pytest.mark.parametrize("holiday_first", [False, True])
def test_a_class_that_the_file_moves_off_a_holiday_is_held(stage, bring, holiday_first):
    later = replace(MOVED, starts_at=NINTH + timedelta(days=1), ends_at=NINTH + timedelta(days=1) + HOUR)
    if not holiday_first:
        bring()
    number, _ = holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    bring(later)
    assert held(stage) == [(2, 9), (10, 9), (16, 9)]
    assert bring(later).unchanged == ["alg"]
    holidays.remove(stage.context, number, stage.clock())
    assert held(stage) == [(2, 9), (10, 9), (16, 9)]


@pytest.mark.parametrize("known_before", [False, True])
def test_a_class_that_the_file_moves_onto_a_holiday_is_not_held(stage, bring, known_before):
    later = replace(MOVED, starts_at=NINTH + timedelta(days=1), ends_at=NINTH + timedelta(days=1) + HOUR)
    if known_before:
        bring()
    number, _ = holidays.add(stage.context, Day(date(2026, 3, 10), "Snow"), stage.clock())
    bring(later)
    assert held(stage) == [(2, 9), (16, 9)]
    assert bring(later).unchanged == ["alg"]
    holidays.remove(stage.context, number, stage.clock())
    assert held(stage) == [(2, 9), (10, 9), (16, 9)]


def test_a_class_that_people_moved_onto_a_holiday_is_not_held_because_the_file_says_what_it_said(stage, bring):
    bring(MOVED)
    (row,) = stage.rows(Occurrence, Occurrence.original_start == NINTH)
    start = NINTH + timedelta(days=2)
    arrange.move(stage.context, row.id, start, start + HOUR, stage.clock())
    holidays.add(stage.context, Day(date(2026, 3, 11), "Snow"), stage.clock())
    assert bring(MOVED).unchanged == ["alg"]
    assert held(stage) == [(2, 9), (16, 9)]


def test_an_extra_sitting_that_people_added_on_a_holiday_is_held_however_long_the_file_makes_it(stage, bring):
    bring()
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    arrange.add(stage.context, "alg", EXTRA.starts_at, EXTRA.ends_at, stage.clock())
    bring(replace(EXTRA, ends_at=NINTH + 5 * HOUR))
    (row,) = stage.rows(Occurrence, Occurrence.starts_at == EXTRA.starts_at)
    assert (row.cancelled_at, row.ends_at) == (None, NINTH + 5 * HOUR)


def test_an_extra_sitting_on_a_holiday_that_the_file_drops_does_not_return_with_the_holidays_end(stage, bring):
    bring(EXTRA)
    number, _ = holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    assert bring().changed == ["alg"]
    holidays.remove(stage.context, number, stage.clock())
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


def test_a_class_moved_onto_a_holiday_is_as_its_slot_has_it_once_the_file_is_silent(stage, bring):
    later = replace(MOVED, starts_at=NINTH + timedelta(days=1), ends_at=NINTH + timedelta(days=1) + HOUR)
    bring(later)
    holidays.add(stage.context, Day(date(2026, 3, 10), "Snow"), stage.clock())
    assert bring().changed == ["alg"]
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


def test_a_class_that_the_file_moved_then_cancelled_is_as_its_slot_has_it_once_the_file_is_silent(stage, bring):
    bring(MOVED)
    bring(CANCELLED)
    assert held(stage) == [(2, 9), (16, 9)]
    assert bring().changed == ["alg"]
    assert held(stage) == [(2, 9), (9, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


def test_a_class_that_falls_back_onto_a_holiday_is_not_held(stage, bring):
    later = replace(MOVED, starts_at=NINTH + timedelta(days=1), ends_at=NINTH + timedelta(days=1) + HOUR)
    holidays.add(stage.context, Day(date(2026, 3, 9), "Snow"), stage.clock())
    bring(later)
    bring()
    assert held(stage) == [(2, 9), (16, 9)]
    assert bring().unchanged == ["alg"]


@pytest.mark.parametrize("sitting", [MOVED, CANCELLED])
def test_what_the_file_says_of_a_sitting_stands_when_another_slot_gives_it(stage, bring, sitting):
    """Mondays become Mondays and Thursdays: another slot, and the file says the same of the Monday."""
    bring(sitting)
    wanted = sorted([*held(stage), (5, 9), (12, 9)])
    both = replace(MONDAYS, cron="0 9 * * 1,4")
    bring(sitting, slots=(both,))
    assert held(stage) == wanted
    assert bring(sitting, slots=(both,)).unchanged == ["alg"]
    bring(slots=(both,))
    assert held(stage) == [(2, 9), (5, 9), (9, 9), (12, 9), (16, 9)]


def test_a_sitting_beyond_the_horizon_is_not_held_twice_when_another_slot_gives_it(stage, bring):
    start = NINTH + timedelta(days=28)
    off = SittingDraft(start, start + HOUR, cancelled=True, original_start=start)
    bring(off)
    bring(off, slots=(replace(MONDAYS, cron="0 9 * * 1,4"),))
    stage.clock.now = start - timedelta(days=2)
    stage.plan()
    (row,) = stage.rows(Occurrence, Occurrence.original_start == start)
    assert row.cancel_reason == "cancelled in the timetable"
