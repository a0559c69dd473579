"""What a question costs: it is asked of what may be due, and never of every class of the horizon."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, text

from worker.operations.attendance.look import Room
from worker.operations.meetings import requesting, strays
from worker.operations.timetable import import_timetable, plan
from worker.store import due
from worker.store.tables import Course, Slot

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def walked(database, ask):
    """How SQLite would answer each question that ``ask`` puts, step by step."""
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    with database.read() as session:
        ask(session)
        questions = [each for each in asked if each[0].startswith("SELECT")]
        return [
            row[-1]
            for statement, values in questions
            for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]


@on_sqlite
@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda session, now: due.rooms_to_open(session, now), "occurrences USING INDEX ix_occurrences_unsettled"),
        (lambda session, now: due.occurrences_to_settle(session, now), "occurrences USING INDEX ix_occurrences_unsett"),
        (
            lambda session, now: plan.due(session, now, timedelta(days=1)),
            "slots USING INDEX ix_slots_planned_until (pl",
        ),
        (lambda session, now: plan._load(session, range(1, 501)), "slots USING INTEGER PRIMARY KEY"),
        (lambda session, now: import_timetable._active(session, range(1, 501)), "courses USING INTEGER PRIMARY KEY"),
        (lambda session, now: requesting._still_due(session, [1, 2], now), "occurrences USING INTEGER PRIMARY KEY"),
    ],
    ids=["rooms_to_open", "occurrences_to_settle", "slots to plan", "planned slots", "courses kept", "asked again"],
)
def test_the_question_of_a_loop_finds_what_is_due_by_an_index(context, clock, ask, index):
    found = walked(context.database, lambda session: ask(session, clock()))
    assert any(line.startswith(f"SEARCH {index}") for line in found), found
    assert [line for line in found if line.startswith(("SCAN occurrences", "SCAN slots", "SCAN meetings"))] == []
    assert [line for line in found if "ix_courses_archived_at" in line] == [], "it walks every course"


@on_sqlite
@pytest.mark.parametrize("shown", ["a room of somebody else's", "mtz-0a1b2c3d-7"])
def test_what_a_server_shows_costs_no_walk_over_its_past(context, clock, shown):
    room = Room(shown, "run-1", (), frozenset(), 0, 0, True, False)
    found = walked(context.database, lambda session: strays.note(session, 1, [room], clock()))
    assert [line for line in found if "meetings" in line and "(occurrence_id=?)" not in line] == []


@on_sqlite
def test_the_question_of_end_walks_only_live_meetings(context, clock):
    found = walked(context.database, lambda session: due.meetings_to_end(session, clock(), clock()))
    assert "SCAN meetings USING INDEX uq_meetings_live" in found


@pytest.fixture
def slots(context, make_course):
    make_course("c")
    with context.database.write() as session:
        course = session.scalars(select(Course.id)).one()
        session.add_all([Slot(course_id=course, cron=f"0 {hour} * * 1", minutes=60) for hour in range(5)])


def counted(context):
    with context.database.read() as session:
        return session.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'slots'"))


@on_postgresql
def test_before_many_slots_are_planned_postgresql_counts_its_tables(context, slots, clock, monkeypatch):
    monkeypatch.setattr(plan, "_BATCH", 2)
    assert plan.sweep(context, clock()) > 0
    assert counted(context) == 5


@on_postgresql
def test_before_a_few_are_planned_it_does_not(context, slots, clock):
    assert plan.sweep(context, clock()) > 0
    assert counted(context) == -1
