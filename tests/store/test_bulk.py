"""Many rows at once are the rows that one at a time would be."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from worker.store.bulk import insert_many
from worker.store.tables import Course, Occurrence

COLUMNS = (
    "course_id",
    "original_start",
    "starts_at",
    "ends_at",
    "opens_at",
    "closes_at",
    "planned_at",
    "cancel_reason",
)
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def course(database):
    with database.write() as session:
        row = Course(code="a", title="A", timezone="UTC", options={})
        session.add(row)
        session.flush()
        return row.id


def row(course, at, reason=None):
    return course, at, at, at + timedelta(hours=1), at, at + timedelta(hours=1), at, reason


def insert(database, rows):
    with database.write() as session:
        return insert_many(session, Occurrence, COLUMNS, rows)


def test_what_is_read_back_is_what_was_given(database, course):
    tehran = AT.astimezone(timezone(timedelta(hours=3.5))) + timedelta(days=1)
    assert insert(database, [row(course, AT, "برف؛ '{},\\\""), row(course, tehran)]) == 2
    with database.read() as session:
        found = session.scalars(select(Occurrence).order_by(Occurrence.starts_at)).all()
        assert [each.starts_at for each in found] == [AT, AT + timedelta(days=1)]
        assert [each.cancel_reason for each in found] == ["برف؛ '{},\\\"", None]
        assert session.scalar(select(Occurrence.id).where(Occurrence.starts_at == AT)) == found[0].id


def test_what_is_there_already_is_skipped_and_not_counted(database, course):
    insert(database, [row(course, AT)])
    assert insert(database, [row(course, AT, "x"), row(course, AT + timedelta(days=1))]) == 1
    with database.read() as session:
        assert session.scalar(select(Occurrence.cancel_reason).where(Occurrence.starts_at == AT)) is None


def test_nothing_is_nothing(database):
    assert insert(database, []) == 0
