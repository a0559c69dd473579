"""Importing: all of a file or nothing, and the same file twice changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.operations.stage import Crash, crashing
from worker.errors import InputError, Unknown
from worker.operations.timetable import arrange
from worker.operations.timetable.import_roster import import_roster
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Course, Event, Occurrence, Participant, Slot
from worker.timetables import CourseDraft, RosterDraft, RosterEntry, SittingDraft, SlotDraft, TimetableDraft

MONDAYS = SlotDraft("0 9 * * 1", 60, None, None, 1, None, 2)
ALGEBRA = CourseDraft("alg", "Algebra", "UTC", slots=(MONDAYS,))
TABLES = (Course, Slot, Occurrence, Participant, Event)


@pytest.fixture
def bring(stage):
    def _(*courses, **how):
        return import_timetable(stage.context, TimetableDraft(courses), stage.clock(), **how)

    return _


def facts(stage):
    """Everything in the tables that an import may touch."""

    def columns(row):
        return tuple(getattr(row, column.key) for column in row.__table__.columns)

    return {table.__tablename__: [columns(row) for row in stage.rows(table)] for table in TABLES}


def occurrences(stage):
    return [(row.starts_at.day, row.cancelled_at is not None) for row in stage.rows(Occurrence)]


def test_a_new_course_is_written_and_planned(stage, bring):
    changes = bring(ALGEBRA)
    assert (changes.new, changes.changed, changes.unchanged, changes.occurrences) == (["alg"], [], [], 3)
    assert occurrences(stage) == [(2, False), (9, False), (16, False)]


def test_the_same_file_twice_changes_nothing(stage, bring):
    bring(ALGEBRA)
    before = facts(stage)
    stage.clock.advance(minutes=5)
    changes = bring(ALGEBRA)
    assert (changes.new, changes.changed, changes.unchanged, changes.occurrences) == ([], [], ["alg"], 0)
    assert facts(stage) == before


def test_a_dry_run_writes_nothing_and_says_what_would_be(stage, bring):
    before = facts(stage)
    changes = bring(ALGEBRA, dry_run=True)
    assert (changes.new, changes.occurrences) == (["alg"], 3)
    assert facts(stage) == before


@pytest.mark.parametrize("boundary", range(2))
def test_a_crash_leaves_all_or_nothing(stage, bring, boundary):
    with pytest.raises(Crash):
        import_timetable(crashing(stage.context, at=boundary), TimetableDraft((ALGEBRA,)), stage.clock())
    bring(ALGEBRA)
    assert len(stage.rows(Occurrence)) == 3
    assert len(stage.rows(Course)) == len(stage.rows(Slot)) == 1


def test_one_bad_course_takes_the_whole_file_back(stage, bring):
    bad = replace(ALGEBRA, code="bad", options={"meetingID": "x"})
    with pytest.raises(InputError, match="meetingID"):
        bring(ALGEBRA, bad)
    assert stage.rows(Course) == []


def test_a_changed_length_replans_only_what_lies_ahead(stage, bring, add_server):
    add_server()
    bring(ALGEBRA)
    stage.provision()
    stage.clock.advance(minutes=10)
    changes = bring(replace(ALGEBRA, slots=(replace(MONDAYS, minutes=90),)))
    assert changes.changed == ["alg"]
    lengths = [(row.ends_at - row.starts_at).total_seconds() / 60 for row in stage.rows(Occurrence)]
    assert sorted(lengths) == [60, 90, 90]
    assert len(stage.live()) == 1


def test_what_was_cancelled_by_hand_stays_cancelled(stage, bring):
    bring(ALGEBRA)
    arrange.cancel(stage.context, stage.rows(Occurrence)[1].id, "holiday", stage.clock())
    bring(ALGEBRA)
    bring(replace(ALGEBRA, slots=(replace(MONDAYS, minutes=90),)))
    assert sorted(occurrences(stage)) == [(2, False), (9, True), (16, False)]


def test_what_was_moved_by_hand_stays_moved(stage, bring):
    bring(ALGEBRA)
    row = stage.rows(Occurrence)[1]
    start = row.starts_at + timedelta(days=1)
    arrange.move(stage.context, row.id, start, start + timedelta(hours=1), stage.clock())
    bring(replace(ALGEBRA, slots=(replace(MONDAYS, minutes=90),)))
    assert sorted(occurrences(stage)) == [(2, False), (10, False), (16, False)]


def test_another_hour_is_another_slot(stage, bring):
    bring(ALGEBRA)
    stage.clock.advance(minutes=10)
    bring(replace(ALGEBRA, slots=(replace(MONDAYS, cron="0 11 * * 1"),)))
    found = sorted((row.starts_at.day, row.starts_at.hour) for row in stage.rows(Occurrence))
    assert found == [(2, 9), (2, 11), (9, 11), (16, 11)]


def test_another_zone_moves_what_lies_ahead(stage, bring):
    bring(ALGEBRA)
    stage.clock.advance(minutes=10)
    bring(replace(ALGEBRA, timezone="Asia/Tehran"))
    ahead = [row.starts_at for row in stage.rows(Occurrence) if row.starts_at > stage.clock()]
    assert sorted(ahead) == [datetime(2026, 3, day, 5, 30, tzinfo=UTC) for day in (9, 16)]


def test_another_lead_moves_the_opening_of_what_lies_ahead(stage, bring):
    bring(ALGEBRA)
    stage.clock.advance(minutes=10)
    bring(replace(ALGEBRA, lead_minutes=5))
    leads = sorted((row.starts_at - row.opens_at).total_seconds() / 60 for row in stage.rows(Occurrence))
    assert leads == [5, 5, 15]


def test_a_course_that_the_file_does_not_name_stays(stage, bring):
    bring(ALGEBRA)
    bring(replace(ALGEBRA, code="phy"))
    assert len(stage.rows(Occurrence)) == 6


def test_dated_sittings_twice_are_once(stage, bring):
    start = datetime(2026, 3, 5, 9, tzinfo=UTC)
    sitting = SittingDraft(start, start + timedelta(hours=1))
    course = CourseDraft("exam", "Exam", "UTC", sittings=(sitting,))
    assert bring(course).occurrences == 1
    changes = bring(course)
    assert (changes.occurrences, changes.unchanged) == (0, ["exam"])


def test_first_and_last_day_are_kept(stage, bring):
    bring(replace(ALGEBRA, slots=(replace(MONDAYS, valid_from=date(2026, 3, 9), valid_until=date(2026, 3, 9)),)))
    assert occurrences(stage) == [(9, False)]


# Rosters


def roster(*entries):
    return RosterDraft(tuple(RosterEntry(*entry) for entry in entries))


ENTRIES = (("alg", "u1", "Zahra", "viewer"), ("alg", "t1", "Teacher", "moderator"))


def people(stage):
    return sorted((row.user_id, row.full_name, row.role) for row in stage.rows(Participant))


def test_a_roster_is_written_and_twice_is_once(stage, bring):
    bring(ALGEBRA)
    assert import_roster(stage.context, roster(*ENTRIES), stage.clock()).new == ["alg"]
    before = facts(stage)
    assert import_roster(stage.context, roster(*ENTRIES), stage.clock()).unchanged == ["alg"]
    assert facts(stage) == before
    assert people(stage) == [("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer")]


def test_a_changed_roster_becomes_what_the_file_says(stage, bring):
    bring(ALGEBRA)
    import_roster(stage.context, roster(*ENTRIES), stage.clock())
    changes = import_roster(stage.context, roster(("alg", "u1", "Zahra M.", "viewer")), stage.clock())
    assert changes.changed == ["alg"]
    assert people(stage) == [("u1", "Zahra M.", "viewer")]


def test_a_course_that_a_roster_spells_in_two_ways_keeps_all_its_people(stage, bring):
    bring(ALGEBRA)
    entries = (("alg", "u1", "Zahra", "viewer"), ("ALG", "t1", "Teacher", "moderator"))
    assert import_roster(stage.context, roster(*entries), stage.clock()).new == ["alg"]
    assert people(stage) == [("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer")]


def test_one_person_twice_under_two_spellings_of_a_course_is_refused_whole(stage, bring):
    bring(ALGEBRA)
    entries = (("alg", "u1", "Zahra", "viewer"), ("ALG", "u1", "Zahra M.", "viewer"))
    with pytest.raises(InputError, match="'u1' is in course 'alg' already"):
        import_roster(stage.context, roster(*entries), stage.clock())
    assert people(stage) == []


def test_a_roster_of_an_unknown_course_is_refused_whole(stage, bring):
    bring(ALGEBRA)
    with pytest.raises(Unknown, match="no course 'nope'"):
        import_roster(stage.context, roster(*ENTRIES, ("nope", "u1", "Zahra", "viewer")), stage.clock())
    assert people(stage) == []


def test_two_imports_at_once_make_one_course(stage, bring):
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(bring, ALGEBRA) for _ in range(2)]
    assert any(each.exception() is None for each in done)
    with stage.context.database.read() as session:
        assert len(session.scalars(select(Course)).all()) == 1
    assert len(stage.rows(Occurrence)) == 3


def test_a_file_whose_classes_are_all_over_says_so(stage, bring):
    past = replace(MONDAYS, valid_from=date(2025, 1, 6), valid_until=date(2025, 6, 30))
    (warning,) = bring(replace(ALGEBRA, slots=(past,))).warnings
    assert warning == "all classes of this file are over, the last was on 2025-06-30: nothing of it will be planned"
    assert bring(replace(ALGEBRA, slots=(past, MONDAYS))).warnings == []
    assert bring(CourseDraft("empty", "Empty", "UTC")).warnings == []


def test_the_last_day_of_a_term_is_not_over(stage, bring):
    assert bring(replace(ALGEBRA, slots=(replace(MONDAYS, valid_until=stage.clock().date()),))).warnings == []


def test_a_new_course_is_told_with_its_title_and_how_often_it_is(stage, bring):
    extra = SittingDraft(stage.clock(), stage.clock() + timedelta(hours=1))
    changes = bring(ALGEBRA, replace(ALGEBRA, code="b", slots=(), sittings=(extra, extra)), dry_run=True)
    assert changes.details == {"alg": "Algebra, 1 slot", "b": "Algebra, 2 dated sittings"}
