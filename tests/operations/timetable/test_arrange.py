"""arrange: people change the timetable, and every change is told."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from tests.operations.stage import Crash, crashing
from worker.errors import Conflict, InputError, Unknown
from worker.operations.timetable import arrange
from worker.store.tables import Course, Event, Occurrence

HOUR = timedelta(hours=1)


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def course(make_course):
    return make_course()


@pytest.fixture
def occurrence(course, make_occurrence):
    return make_occurrence(start_in=60)


def test_an_extra_sitting(stage, occurrence):
    row = stage.occurrence(occurrence)
    assert row.slot_id is None
    assert (row.starts_at - row.opens_at, row.closes_at) == (timedelta(minutes=15), row.ends_at)
    assert stage.story()[-1] == "added"


def test_the_courses_own_lead_goes_before_the_general_one(stage, make_course, make_occurrence):
    make_course(lead_seconds=60)
    row = stage.occurrence(make_occurrence())
    assert row.starts_at - row.opens_at == timedelta(minutes=1)


@pytest.mark.parametrize("year", [2200, 9999])
def test_a_year_that_no_page_could_show_is_refused(stage, course, occurrence, year):
    start = datetime(year, 12, 31, 22, tzinfo=UTC)
    with pytest.raises(InputError, match=f"the year {year} is too far away"):
        arrange.add(stage.context, course, start, start + HOUR, stage.clock())
    with pytest.raises(InputError, match=f"the year {year} is too far away"):
        arrange.move(stage.context, occurrence, start, start + HOUR, stage.clock())
    assert len(stage.rows(Occurrence)) == 1


def test_the_last_year_is_written_in_full(stage, make_course):
    course = make_course(code="far", timezone="Asia/Tehran")
    start = datetime(2199, 12, 31, 20, tzinfo=UTC)
    arrange.add(stage.context, course, start, start + HOUR, stage.clock())


def test_the_same_extra_sitting_twice_is_refused(stage, occurrence, make_occurrence):
    with pytest.raises(Conflict):
        make_occurrence(start_in=60)
    assert len(stage.rows(Occurrence)) == 1


def test_adding_where_one_was_moved_away_says_which_one_and_where_it_is(stage, course, occurrence):
    start = stage.occurrence(occurrence).starts_at
    later = start + 48 * HOUR
    arrange.move(stage.context, occurrence, later, later + HOUR, stage.clock())
    with pytest.raises(Conflict) as refused:
        arrange.add(stage.context, course, start, start + HOUR, stage.clock())
    assert str(refused.value) == (
        f"occurrence {occurrence} was first put at 2026-03-02 10:00 (UTC) and moved to 2026-03-04 10:00 (UTC); "
        "move it back, or write another minute"
    )
    arrange.add(stage.context, course, start + timedelta(minutes=1), start + HOUR, stage.clock())
    assert len(stage.rows(Occurrence)) == 2


def test_a_cancelled_extra_sitting_is_brought_back(stage, course, occurrence):
    row = stage.occurrence(occurrence)
    start, now = row.starts_at, stage.clock()
    arrange.cancel(stage.context, occurrence, "ill", now)
    stage.clock.advance(minutes=2)
    assert arrange.add(stage.context, course, start, start + 2 * HOUR, stage.clock()) == occurrence
    row = stage.occurrence(occurrence)
    assert (row.cancelled_at, row.cancel_reason, row.settled_at) == (None, None, None)
    assert (row.ends_at, row.closes_at) == (start + 2 * HOUR, start + 2 * HOUR)
    assert stage.story()[-2:] == ["cancelled", "added"]
    with pytest.raises(Conflict, match="already"):
        arrange.add(stage.context, course, start, start + HOUR, stage.clock())
    assert len(stage.rows(Occurrence)) == 1
    assert stage.rows(Event)[-1].detail == "again, after it was cancelled"


def test_one_that_was_moved_and_extended_before_it_was_cancelled_comes_back_where_it_is_added(
    stage, course, occurrence
):
    start, now = stage.occurrence(occurrence).starts_at, stage.clock()
    arrange.move(stage.context, occurrence, start + 3 * HOUR, start + 4 * HOUR, now)
    arrange.extend(stage.context, occurrence, 30, now)
    arrange.cancel(stage.context, occurrence, "ill", now)
    arrange.add(stage.context, course, start, start + HOUR, now)
    row = stage.occurrence(occurrence)
    assert (row.starts_at, row.closes_at, row.extended_until) == (start, start + HOUR, None)
    assert row.starts_at - row.opens_at == timedelta(minutes=15)


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_while_it_is_brought_back_does_it_once(stage, course, occurrence, boundary):
    start = stage.occurrence(occurrence).starts_at
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    with pytest.raises(Crash):
        arrange.add(crashing(stage.context, at=boundary), course, start, start + HOUR, stage.clock())
    with suppress(Conflict):
        arrange.add(stage.context, course, start, start + HOUR, stage.clock())
    assert [row.cancelled_at for row in stage.rows(Occurrence)] == [None]
    assert stage.story().count("added") == 2


def test_one_whose_class_was_cancelled_and_settled_gets_its_room(stage, course, occurrence, add_server):
    add_server()
    start = stage.occurrence(occurrence).starts_at
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    stage.clock.advance(minutes=50)
    stage.settle(occurrence)
    assert stage.occurrence(occurrence).settled_at is not None
    arrange.add(stage.context, course, start, start + HOUR, stage.clock())
    assert stage.provision() == ["opened"]


@pytest.mark.parametrize(("start", "end"), [(60, 60), (60, 30), (60, 60 + 24 * 60 + 1), (-60, -30)])
def test_impossible_times_are_refused(stage, course, start, end):
    now = stage.clock()
    with pytest.raises(InputError):
        arrange.add(stage.context, course, now + timedelta(minutes=start), now + timedelta(minutes=end), now)


def test_unknown_course_and_occurrence(stage):
    with pytest.raises(Unknown, match="no course 'x'"):
        arrange.add(stage.context, "x", stage.clock(), stage.clock() + HOUR, stage.clock())
    with pytest.raises(Unknown, match="no occurrence 7"):
        arrange.cancel(stage.context, 7, "ill", stage.clock())


def test_moving_keeps_the_original_start(stage, occurrence):
    before = stage.occurrence(occurrence)
    start = before.starts_at + 2 * HOUR
    arrange.move(stage.context, occurrence, start, start + HOUR, stage.clock())
    after = stage.occurrence(occurrence)
    assert after.original_start == before.original_start == before.starts_at
    assert (after.starts_at, after.ends_at, after.closes_at) == (start, start + HOUR, start + HOUR)
    assert after.opens_at == start - timedelta(minutes=15)
    assert stage.story()[-1] == "moved"


def test_a_class_whose_room_is_open_is_not_moved(stage, server, course, make_occurrence):
    occurrence = make_occurrence(start_in=10)
    stage.provision()
    start = stage.clock() + 2 * HOUR
    with pytest.raises(Conflict, match="open already"):
        arrange.move(stage.context, occurrence, start, start + HOUR, stage.clock())


def test_a_class_ended_from_inside_and_moved_is_opened_at_its_new_time(stage, server, course, make_occurrence):
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    server.world.end_from_inside(room)
    stage.polls(2)
    start = stage.clock() + timedelta(minutes=5)
    arrange.move(stage.context, occurrence, start, start + HOUR, stage.clock())
    assert stage.provision() == ["opened"]


def test_extending_twice_adds_up(stage, occurrence):
    end = stage.occurrence(occurrence).ends_at
    assert arrange.extend(stage.context, occurrence, 10, stage.clock()) == end + timedelta(minutes=10)
    assert arrange.extend(stage.context, occurrence, 5, stage.clock()) == end + timedelta(minutes=15)
    row = stage.occurrence(occurrence)
    assert (row.ends_at, row.closes_at, row.extended_until) == (end, end + timedelta(minutes=15), row.closes_at)


@pytest.mark.parametrize("minutes", [0, -5, 1441, float("nan"), float("inf")])
def test_impossible_extensions_are_refused(stage, occurrence, minutes):
    with pytest.raises(InputError):
        arrange.extend(stage.context, occurrence, minutes, stage.clock())


def test_what_is_cancelled_is_neither_cancelled_again_nor_moved_nor_extended(stage, occurrence):
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    now = stage.clock()
    for change in (
        lambda: arrange.cancel(stage.context, occurrence, "again", now),
        lambda: arrange.move(stage.context, occurrence, now + HOUR, now + 2 * HOUR, now),
        lambda: arrange.extend(stage.context, occurrence, 10, now),
    ):
        with pytest.raises(Conflict):
            change()
    assert stage.occurrence(occurrence).cancel_reason == "ill"


def test_what_is_over_is_not_cancelled(stage, occurrence):
    stage.clock.advance(minutes=121)
    with pytest.raises(Conflict, match="over"):
        arrange.cancel(stage.context, occurrence, "late", stage.clock())


def test_archiving_cancels_what_lies_ahead_and_keeps_what_was(stage, course, make_occurrence):
    past, ahead = make_occurrence(start_in=-30), make_occurrence(start_in=60)
    arrange.archive(stage.context, course, stage.clock())
    assert stage.occurrence(past).cancelled_at is None
    assert stage.occurrence(ahead).cancel_reason == "course archived"
    assert stage.rows(Course)[0].archived_at == stage.clock()
    with pytest.raises(Conflict):
        arrange.archive(stage.context, course, stage.clock())


def test_a_class_ended_from_inside_is_opened_again_on_request(stage, server, course, make_occurrence):
    occurrence = make_occurrence(start_in=0)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    server.world.end_from_inside(room)
    stage.polls(2)
    assert stage.provision() == []
    arrange.reopen(stage.context, occurrence, stage.clock())
    assert stage.provision() == ["opened"]


def test_a_change_taken_back_is_not_told(stage, occurrence):
    before = stage.story()
    with pytest.raises(Conflict):
        arrange.extend(stage.context, cancelled(stage, occurrence), 10, stage.clock())
    assert stage.story() == [*before, "cancelled"]


def cancelled(stage, occurrence):
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    return occurrence


def test_what_people_had_cancelled_stays_so_when_an_archived_course_comes_back(stage, course, make_occurrence):
    ill, well = make_occurrence(start_in=60), make_occurrence(start_in=300)
    arrange.cancel(stage.context, ill, "ill", stage.clock())
    arrange.archive(stage.context, course, stage.clock())
    assert (stage.occurrence(ill).cancel_reason, stage.occurrence(well).cancel_reason) == ("ill", arrange.ARCHIVED)
    assert stage.story().count("cancelled") == 2


def test_a_class_ended_from_inside_and_settled_is_opened_again_on_request(stage, server, course, make_occurrence):
    occurrence = make_occurrence(start_in=5)
    with stage.context.database.write() as session:
        session.get_one(Occurrence, occurrence).finished_at = stage.clock()
    stage.clock.advance(minutes=10)
    stage.settle(occurrence)
    arrange.reopen(stage.context, occurrence, stage.clock())
    stage.provision()
    assert [meeting.occurrence_id for meeting in stage.live()] == [occurrence]


def test_a_class_ended_from_inside_cancelled_and_added_again_is_opened(stage, server, course, make_occurrence):
    occurrence = make_occurrence(start_in=5)
    row = stage.occurrence(occurrence)
    with stage.context.database.write() as session:
        session.get_one(Occurrence, occurrence).finished_at = stage.clock()
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    assert arrange.add(stage.context, course, row.starts_at, row.ends_at, stage.clock()) == occurrence
    stage.provision()
    assert [meeting.occurrence_id for meeting in stage.live()] == [occurrence]


def test_what_is_settled_is_not_extended(stage, occurrence):
    stage.clock.advance(minutes=600)
    assert stage.settle(occurrence)
    with pytest.raises(Conflict, match="is over"):
        arrange.extend(stage.context, occurrence, 30, stage.clock())
