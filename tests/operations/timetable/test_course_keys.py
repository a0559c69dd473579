"""What an import costs is what it touches: clashes and look-alikes are found by keys, not by reading the school."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from worker.operations.timetable import conflicts, course_keys
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Course, CourseKey
from worker.timetables import CourseDraft, SlotDraft, TimetableDraft

NINE, HALF_PAST, TEN = SlotDraft("0 9 * * 1", 60), SlotDraft("30 9 * * 1", 60), SlotDraft("0 10 * * 1", 60)
TEACHERS = ("علي رضايي", "علی رضایی", "Bob+Ann", "ann", "Ann ، Carl", None)
ROOMS = ("A1", "a 1", "A1; B2", "b۲", None)


@pytest.fixture
def bring(stage):
    def _(*courses, **how):
        return import_timetable(stage.context, TimetableDraft(courses), stage.clock(), **how)

    return _


def course(code, slot=NINE, **columns):
    return CourseDraft(code, code, "UTC", slots=(slot,), **columns)


def whole(stage):
    """Every clash of the school."""
    with stage.context.database.read() as session:
        return conflicts.find(session, stage.clock(), stage.clock() + timedelta(days=15))


def test_clashes_of_one_course_are_those_of_the_whole_school_that_concern_it(stage, bring):
    made = [
        course(f"c{number}", (NINE, HALF_PAST, TEN)[number % 3], teacher_name=teacher, room=room)
        for number, (teacher, room) in enumerate((teacher, room) for teacher in TEACHERS for room in ROOMS)
    ]
    bring(*made)
    every = whole(stage)
    assert {clash.kind for clash in every} == {"teacher", "room"}
    for draft in made:
        found = bring(draft).conflicts
        assert [str(each) for each in found] == [str(each) for each in every if draft.code in each.courses]


def test_a_teacher_of_another_course_is_looked_up_as_it_is_now(bring):
    bring(course("a", teacher_name="Ann"), course("b", teacher_name="Bob"))
    assert [str(each)[:11] for each in bring(course("b", teacher_name="ANN")).conflicts] == ["teacher 'AN"]
    assert bring(course("a", teacher_name="Carl")).conflicts == []
    assert bring(course("c", teacher_name="ann")).conflicts[0].courses == ("b", "c")


def test_keys_of_a_dry_run_are_taken_back(stage, bring):
    bring(course("a", teacher_name="Ann"))
    before = stage.rows(CourseKey)
    assert bring(course("b", teacher_name="ann"), dry_run=True).conflicts
    assert [(row.kind, row.key) for row in stage.rows(CourseKey)] == [(row.kind, row.key) for row in before]


def test_names_longer_than_a_key_are_compared_whole(bring):
    long = "x" * 230
    bring(course("a", teacher_name=f"{long}1"), course("b", room="y" * 120))
    assert bring(course("c", teacher_name=f"{long}2")).conflicts == []
    assert len(bring(course("d", teacher_name=f"{long.upper()}1")).conflicts) == 1


def test_what_is_gone_can_be_counted_without_naming_it(bring):
    bring(course("a"), course("b"), course("c"))
    named = bring(course("a"))
    assert (named.gone, named.gone_count) == (["b", "c"], 2)
    counted = bring(course("a"), names=False)
    assert (counted.gone, counted.gone_count) == ([], 2)
    assert bring(course("a"), names=False, prune=True).gone == ["b", "c"]
    assert bring(course("a"), names=False).gone_count == 0


def test_a_look_alike_of_a_named_course_is_not_gone(bring):
    bring(course("math1"), course("MATH۱"))
    assert (bring(course("math1")).gone, bring(course("math1"), names=False).gone_count) == ([], 0)


def test_a_course_that_nobody_wrote_a_key_for_is_known_by_its_code(stage, bring, make_course):
    make_course("plain", title="plain", timezone="UTC")
    changes = bring(course("plain"), prune=True)
    assert (changes.new, changes.changed, changes.gone) == ([], ["plain"], [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bringing_one_course_again_reads_no_whole_table(stage, bring):
    bring(*(course(f"c{number}", teacher_name=f"T{number}") for number in range(3)))
    asked = []
    event.listen(stage.context.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    changed = replace(course("c1", HALF_PAST, teacher_name="T2"), title="another")
    assert ("c1", "c2") in [each.courses for each in bring(changed, names=False).conflicts]
    with stage.context.database.read() as session:
        steps = [
            step[-1]
            for statement, values in list(asked)
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
            for step in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    scans = {step for step in steps if step.startswith("SCAN")}
    assert scans & {f"SCAN {table}" for table in ("courses", "occurrences", "slots", "events", "meetings")} == set()


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_key_never_exceeds_its_column(code, teacher):
    row = Course(id=1, code=code, teacher_name=teacher)
    assert all(len(key) <= CourseKey.LONGEST for _, key in course_keys._keys(row))


def test_courses_of_one_teacher_are_near(stage, bring):
    bring(course("a", teacher_id="7"), course("b", teacher_id="۷"), course("c", teacher_name="7"))
    with stage.context.database.read() as session:
        ids = dict(session.execute(select(Course.code, Course.id)).all())
        assert course_keys.sharing(session, [ids["a"]]) == {ids["a"], ids["b"]}
