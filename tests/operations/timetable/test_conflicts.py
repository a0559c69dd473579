"""One teacher, one room, one course twice at the same time: shown, never dropped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.operations.timetable import arrange, conflicts
from worker.operations.timetable.conflicts import _Held, _overlaps
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Course, Occurrence
from worker.timetables import CourseDraft, SlotDraft, TimetableDraft

NINE = SlotDraft("0 9 * * 1", 60)
HALF = SlotDraft("30 9 * * 1", 60)
TEN = SlotDraft("0 10 * * 1", 60)
ALG = CourseDraft("alg", "Algebra", "UTC", teacher_name="نوری", room="12", slots=(NINE,))
PHY = replace(ALG, code="phy", title="Physics", room="13", slots=(HALF,))


@pytest.fixture
def clashes(stage):
    def _(*drafts, **how):
        changes = import_timetable(stage.context, TimetableDraft(drafts), stage.clock(), **how)
        return [(clash.kind, clash.name, clash.courses, clash.times) for clash in changes.conflicts]

    return _


def test_one_teacher_twice(stage, clashes):
    assert clashes(ALG, PHY) == [("teacher", "نوری", ("alg", "phy"), 3)]
    assert len(stage.rows(Course)) == 2


def test_a_dry_run_shows_them_too(clashes):
    assert clashes(ALG, PHY, dry_run=True) == [("teacher", "نوری", ("alg", "phy"), 3)]


def test_the_name_in_another_spelling_is_the_same_teacher(clashes):
    assert clashes(ALG, replace(PHY, teacher_name="نورى"))[0][0] == "teacher"


def test_numbers_tell_two_teachers_of_one_name_apart(clashes):
    assert clashes(replace(ALG, teacher_id="1"), replace(PHY, teacher_id="2")) == []


def test_one_of_several_teachers_or_rooms(clashes):
    both = replace(PHY, teacher_name="ایزدی+نوری", room="13، 12")
    assert {clash[:2] for clash in clashes(ALG, both)} == {("teacher", "نوری"), ("room", "12")}


def test_one_course_twice_at_once(clashes):
    assert clashes(replace(ALG, slots=(NINE, HALF))) == [("course", "alg", ("alg", "alg"), 3)]


def test_one_after_the_other_is_no_clash(clashes):
    assert clashes(ALG, replace(PHY, slots=(TEN,))) == []


def test_odd_and_even_weeks_do_not_clash(stage, clashes):
    day = stage.clock().date()
    odd = replace(ALG, slots=(replace(NINE, every_weeks=2, anchor=day),))
    assert clashes(odd, replace(PHY, slots=(replace(HALF, every_weeks=2, anchor=day + timedelta(weeks=1)),))) == []


def test_what_is_cancelled_clashes_with_nothing(stage, clashes):
    clashes(ALG, PHY)
    for row in stage.rows(Occurrence)[:3]:
        arrange.cancel(stage.context, row.id, "ill", stage.clock())
    with stage.context.database.read() as session:
        assert conflicts.find(session, stage.clock(), stage.clock() + timedelta(days=20)) == []


def test_an_import_tells_only_of_its_own_courses(stage, clashes):
    clashes(ALG, PHY)
    assert clashes(CourseDraft("x", "X", "UTC", slots=(NINE,))) == []
    assert len(clashes(PHY)) == 1


BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
WANTS = st.lists(st.sampled_from("abc"), max_size=2, unique=True)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), WANTS), max_size=25))
def test_one_pass_finds_every_pair_that_overlaps(sittings):
    rows = sorted(
        (
            _Held(number, BEGIN + timedelta(minutes=at), BEGIN + timedelta(minutes=at + length), f"c{number}", "UTC",
                  tuple(("teacher", who, who) for who in wants))
            for number, (at, length, wants) in enumerate(sittings)
        ),
        key=lambda row: (row.starts_at, row.id),
    )  # fmt: skip
    found = sorted((key, *sorted((one.id, other.id))) for _, key, _, one, other in _overlaps(rows))
    expected = sorted(
        (key, *sorted((one.id, other.id)))
        for one, other in combinations(rows, 2)
        for key in {who for _, who, _ in one.wants} & {who for _, who, _ in other.wants}
        if one.starts_at < other.ends_at and other.starts_at < one.ends_at
    )
    assert found == expected
