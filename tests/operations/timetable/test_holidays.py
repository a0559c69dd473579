"""Days without classes: what they cancel, what they leave alone, and what comes back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.operations.stage import Crash, crashing
from worker.domain.holidays import Holiday as Day
from worker.errors import Conflict, InputError, Unknown
from worker.operations import story
from worker.operations.timetable import arrange, holidays
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Event, Holiday, Occurrence
from worker.timetables import CourseDraft, SittingDraft, SlotDraft, TimetableDraft

MONDAYS = SlotDraft("0 9 * * 1", 60)
DAILY = SlotDraft("0 9 * * *", 60)
NINTH = Day(date(2026, 3, 9), "Snow")
BREAK = Day(date(2026, 3, 4), "Break", until=date(2026, 3, 10))


@pytest.fixture
def bring(stage):
    def _(*slots, code="alg", timezone="UTC", **more):
        draft = CourseDraft(code, "Algebra", timezone, slots=slots, **more)
        return import_timetable(stage.context, TimetableDraft((draft,)), stage.clock())

    return _


@pytest.fixture
def off(stage):
    def _(day):
        return holidays.add(stage.context, day, stage.clock())

    return _


def sittings(stage):
    return sorted((row.starts_at.day, row.cancel_reason) for row in stage.rows(Occurrence))


def test_it_cancels_what_is_planned_on_its_day_and_tells_why(stage, bring, off):
    bring(MONDAYS)
    with story.acting("zahra"):
        number, cancelled = off(NINTH)
    assert cancelled == 1
    assert sittings(stage) == [(2, None), (9, "Snow"), (16, None)]
    (row,) = stage.rows(Occurrence, Occurrence.holiday_id == number)
    assert row.cancelled_at == stage.clock()
    (event,) = stage.rows(Event, Event.occurrence_id == row.id)
    assert (event.kind, event.actor, event.detail) == ("cancelled", "zahra", "Snow")


def test_it_cancels_what_is_planned_later(stage, bring, off):
    off(NINTH)
    bring(MONDAYS)
    assert sittings(stage) == [(2, None), (9, "Snow"), (16, None)]
    (row,) = stage.rows(Occurrence, Occurrence.cancelled_at.is_not(None))
    assert [event.kind for event in stage.rows(Event, Event.occurrence_id == row.id)] == ["cancelled"]
    stage.plan()
    assert len(stage.rows(Event, Event.occurrence_id == row.id)) == 1


def test_a_sitting_of_a_file_on_its_day_is_cancelled_too(stage, bring, off):
    off(NINTH)
    start = datetime(2026, 3, 9, 9, tzinfo=UTC)
    bring(sittings=(SittingDraft(start, start + timedelta(hours=1)),))
    assert sittings(stage) == [(9, "Snow")]


def test_a_break_lasts_from_its_first_day_to_its_last(stage, bring, off):
    bring(DAILY)
    assert off(BREAK)[1] == 7
    assert [day for day, reason in sittings(stage) if reason] == [4, 5, 6, 7, 8, 9, 10]


def test_its_day_is_that_of_each_courses_zone(stage, bring, off):
    """21:00 UTC on Sunday is Monday in Tehran, and Sunday in New York."""
    bring(SlotDraft("30 0 * * *", 60), code="tehran", timezone="Asia/Tehran")
    bring(SlotDraft("0 17 * * *", 60), code="york", timezone="America/New_York")
    number, _ = off(NINTH)
    starts = {row.starts_at for row in stage.rows(Occurrence, Occurrence.holiday_id == number)}
    assert starts == {datetime(2026, 3, 8, 21, tzinfo=UTC), datetime(2026, 3, 9, 21, tzinfo=UTC)}


def test_what_was_cancelled_before_stays_as_it_was(stage, bring, off):
    bring(MONDAYS)
    arrange.cancel(stage.context, stage.rows(Occurrence)[1].id, "ill", stage.clock())
    number, cancelled = off(NINTH)
    assert cancelled == 0
    holidays.remove(stage.context, number, stage.clock())
    assert sittings(stage) == [(2, None), (9, "ill"), (16, None)]


def test_removing_brings_back_what_it_cancelled_and_nothing_else(stage, bring, off):
    bring(DAILY)
    by_hand = next(row for row in stage.rows(Occurrence) if row.starts_at.day == 5)
    arrange.cancel(stage.context, by_hand.id, "ill", stage.clock())
    number, _ = off(BREAK)
    with story.acting("zahra"):
        assert holidays.remove(stage.context, number, stage.clock()) == 6
    assert [pair for pair in sittings(stage) if pair[1]] == [(5, "ill")]
    back = next(row for row in stage.rows(Occurrence) if row.starts_at.day == 6)
    kinds = [(event.kind, event.actor) for event in stage.rows(Event, Event.occurrence_id == back.id)]
    assert kinds == [("cancelled", None), ("restored", "zahra")]
    assert stage.rows(Holiday) == []


def test_what_is_over_stays_cancelled_when_it_is_removed(stage, bring, off):
    bring(DAILY)
    number, _ = off(BREAK)
    stage.clock.advance(minutes=60 * 24 * 3 + 60)
    stage.end()
    assert holidays.remove(stage.context, number, stage.clock()) == 5
    assert [pair for pair in sittings(stage) if pair[1]] == [(4, "Break"), (5, "Break")]


def test_of_two_holidays_on_one_day_the_other_still_holds(stage, bring, off):
    bring(MONDAYS)
    first, _ = off(NINTH)
    second, cancelled = off(BREAK)
    assert cancelled == 0
    assert holidays.remove(stage.context, first, stage.clock()) == 0
    assert sittings(stage) == [(2, None), (9, "Break"), (16, None)]
    assert holidays.remove(stage.context, second, stage.clock()) == 1
    assert sittings(stage) == [(2, None), (9, None), (16, None)]


def test_an_open_room_is_not_touched(stage, bring, off, add_server):
    add_server()
    bring(MONDAYS)
    stage.clock.now = datetime(2026, 3, 9, 8, 50, tzinfo=UTC)
    stage.plan()
    assert stage.provision() == ["opened"]
    assert off(NINTH)[1] == 0
    assert len(stage.live()) == 1


def test_a_class_of_an_archived_course_does_not_come_back(stage, bring, off):
    bring(MONDAYS)
    number, _ = off(NINTH)
    arrange.archive(stage.context, "alg", stage.clock())
    assert holidays.remove(stage.context, number, stage.clock()) == 0


def test_a_course_that_comes_back_after_its_holiday_was_removed_holds_that_class(stage, bring, off):
    bring(MONDAYS)
    number, _ = off(NINTH)
    arrange.archive(stage.context, "alg", stage.clock())
    holidays.remove(stage.context, number, stage.clock())
    assert dict(sittings(stage))[9] == "course archived"
    bring(MONDAYS)
    assert sittings(stage) == [(2, None), (9, None), (16, None)]


def test_an_estimated_day_cancels_nothing_until_it_is_confirmed(stage, bring, off):
    number, cancelled = off(replace(NINTH, estimated=True))
    bring(MONDAYS)
    assert cancelled == 0
    assert sittings(stage) == [(2, None), (9, None), (16, None)]
    assert holidays.confirm(stage.context, number, stage.clock()) == 1
    assert sittings(stage) == [(2, None), (9, "Snow"), (16, None)]
    with pytest.raises(Conflict, match="observed already"):
        holidays.confirm(stage.context, number, stage.clock())


def test_a_list_twice_changes_nothing(stage, bring):
    bring(MONDAYS)
    days = (NINTH, replace(BREAK, estimated=True))
    first = holidays.bring(stage.context, days, stage.clock(), source="IR")
    again = holidays.bring(stage.context, days, stage.clock(), source="IR")
    assert (len(first.new), first.cancelled) == (2, 1)
    assert (again.new, again.changed, again.unchanged, again.cancelled) == ([], [], first.new, 0)


def test_an_estimate_that_became_certain_is_observed_and_one_that_moved_is_withdrawn(stage, bring):
    bring(DAILY)
    guess = (Day(date(2026, 3, 9), "Eid", True), Day(date(2026, 3, 12), "Ashura", True))
    holidays.bring(stage.context, guess, stage.clock(), source="IR")
    known = (Day(date(2026, 3, 9), "Eid"), Day(date(2026, 3, 13), "Ashura"))
    entered = holidays.bring(stage.context, known, stage.clock(), source="IR")
    assert (len(entered.new), len(entered.changed), len(entered.withdrawn), entered.cancelled) == (1, 1, 1, 2)
    assert [(row.first_day.day, row.observed) for row in stage.rows(Holiday)] == [(9, True), (13, True)]


def test_the_same_holiday_in_another_spelling_is_there_already(stage, off):
    off(Day(date(2026, 3, 9), "عيد"))
    with pytest.raises(Conflict, match="already"):
        off(Day(date(2026, 3, 9), "عید"))


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (Day(date(2026, 3, 9), " "), "title"),
        (Day(date(2026, 3, 9), "x", until=date(2026, 3, 8)), "exchange"),
        (Day(date(2026, 3, 9), "x", until=date(2028, 3, 8)), "longer than a year"),
    ],
)
def test_days_that_cannot_be_meant(stage, off, day, words):
    with pytest.raises(InputError, match=words):
        off(day)
    assert stage.rows(Holiday) == []


def test_an_unknown_number(stage):
    with pytest.raises(Unknown, match="no holiday 7"):
        holidays.remove(stage.context, 7, stage.clock())


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_leaves_all_or_nothing(stage, bring, boundary):
    bring(DAILY)
    with pytest.raises(Crash):
        holidays.add(crashing(stage.context, at=boundary), BREAK, stage.clock())
    cancelled = [pair for pair in sittings(stage) if pair[1]]
    assert (len(stage.rows(Holiday)), len(cancelled)) in ((0, 0), (1, 7))


def test_a_sweep_of_plan_at_the_same_time_overlooks_no_holiday(stage, bring, off):
    for number in range(30):
        bring(DAILY, code=f"c{number}")
    for round_ in range(4):
        stage.clock.advance(minutes=60 * 24)
        day = (stage.clock() + timedelta(days=15)).date() - timedelta(days=1)
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(stage.plan), pool.submit(off, Day(day, f"Day {round_}"))]
        assert [each.exception() for each in done] == [None, None]
        on_the_day = [row for row in stage.rows(Occurrence) if row.starts_at.date() == day]
        assert [row.cancel_reason for row in on_the_day] == [f"Day {round_}"] * 30


def test_a_class_that_has_begun_without_a_room_is_not_cancelled(stage, bring, off):
    bring(MONDAYS)
    stage.clock.now = datetime(2026, 3, 9, 9, 10, tzinfo=UTC)
    assert off(NINTH)[1] == 0
    (row,) = stage.rows(Occurrence, Occurrence.original_start == datetime(2026, 3, 9, 9, tzinfo=UTC))
    assert row.cancelled_at is None


def test_a_class_that_was_settled_as_cancelled_is_opened_once_its_holiday_is_taken_back(stage, bring, off, add_server):
    add_server()
    bring(MONDAYS)
    number, _ = off(NINTH)
    (row,) = stage.rows(Occurrence, Occurrence.cancelled_at.is_not(None))
    stage.clock.now = datetime(2026, 3, 9, 8, 50, tzinfo=UTC)
    assert stage.settle(row.id)
    holidays.remove(stage.context, number, stage.clock())
    stage.provision()
    assert [meeting.occurrence_id for meeting in stage.live()] == [row.id]


def test_removing_one_leaves_alone_what_people_added_in_another(stage, bring, off):
    bring(DAILY)
    off(BREAK)
    feast, _ = off(Day(date(2026, 3, 5), "Feast"))
    start = datetime(2026, 3, 9, 15, tzinfo=UTC)
    extra = arrange.add(stage.context, "alg", start, start + timedelta(hours=1), stage.clock())
    assert holidays.remove(stage.context, feast, stage.clock()) == 0
    assert stage.occurrence(extra).cancelled_at is None


def test_of_two_that_overlap_the_other_takes_over_its_own_days_and_tells_it(stage, bring, off):
    bring(DAILY)
    first, _ = off(BREAK)
    second, cancelled = off(Day(date(2026, 3, 9), "Exams", until=date(2026, 3, 12)))
    assert cancelled == 2
    assert holidays.remove(stage.context, first, stage.clock()) == 5
    off_days = [pair for pair in sittings(stage) if pair[1]]
    assert off_days == [(day, "Exams") for day in (9, 10, 11, 12)]
    (row,) = stage.rows(Occurrence, Occurrence.starts_at == datetime(2026, 3, 9, 9, tzinfo=UTC))
    told = [(event.kind, event.detail) for event in stage.rows(Event, Event.occurrence_id == row.id)]
    assert (row.holiday_id, told) == (second, [("cancelled", "Break"), ("cancelled", "Exams")])


def listed(stage, *days, source="term.csv"):
    return holidays.bring(stage.context, days, stage.clock(), source=source)


def until(day):
    return replace(BREAK, until=date(2026, 3, day))


def test_a_break_that_its_list_makes_longer_cancels_the_days_it_adds_and_no_others(stage, bring):
    bring(DAILY)
    number = listed(stage, until(6)).new[0]
    start = datetime(2026, 3, 5, 15, tzinfo=UTC)
    extra = arrange.add(stage.context, "alg", start, start + timedelta(hours=1), stage.clock())
    entered = listed(stage, until(10))
    assert (entered.changed, entered.cancelled, entered.restored) == ([number], 4, 0)
    off_days = [row.starts_at.day for row in stage.rows(Occurrence, Occurrence.holiday_id == number)]
    assert off_days == [4, 5, 6, 7, 8, 9, 10]
    assert stage.occurrence(extra).cancelled_at is None
    assert stage.story("holiday_changed")[0].detail == f"{number}: 2026-03-04 to 2026-03-10 Break"
    assert listed(stage, until(10)).unchanged == [number]


def test_a_break_that_its_list_makes_shorter_gives_back_the_days_it_leaves(stage, bring, off):
    bring(DAILY)
    number = listed(stage, BREAK).new[0]
    off(Day(date(2026, 3, 8), "Feast"))
    entered = listed(stage, replace(BREAK, until=None))
    assert (entered.changed, entered.cancelled, entered.restored) == ([number], 0, 5)
    assert [pair for pair in sittings(stage) if pair[1]] == [(4, "Break"), (8, "Feast")]


def test_a_break_of_another_source_stays_as_it_was_entered_which_is_said(stage, bring, off):
    bring(DAILY)
    number, _ = off(BREAK)
    entered = listed(stage, until(12))
    assert (entered.unchanged, entered.cancelled) == ([number], 0)
    assert entered.kept == [f"{number}: 2026-03-04 to 2026-03-10 Break, entered by manual"]
    assert [day for day, reason in sittings(stage) if reason] == [4, 5, 6, 7, 8, 9, 10]


def test_of_two_words_on_one_break_the_first_is_taken(stage, bring):
    bring(DAILY)
    for _ in range(2):
        listed(stage, until(6), until(10))
        assert [day for day, reason in sittings(stage) if reason] == [4, 5, 6]


def test_an_estimated_break_that_becomes_certain_and_longer_is_observed_on_all_its_days(stage, bring):
    bring(DAILY)
    listed(stage, replace(until(6), estimated=True))
    entered = listed(stage, until(8))
    assert (len(entered.changed), entered.cancelled) == (1, 5)
    assert [day for day, reason in sittings(stage) if reason] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(("last", "words"), [(date(2026, 3, 3), "exchange"), (date(2028, 3, 3), "longer than a year")])
def test_a_break_is_not_corrected_to_days_that_cannot_be_meant(stage, last, words):
    listed(stage, BREAK)
    with pytest.raises(InputError, match=words):
        listed(stage, replace(BREAK, until=last))
    assert [row.last_day for row in stage.rows(Holiday)] == [BREAK.until]
