"""Two kinds of transaction: what is written together is there together or not at all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from worker.store.database import Database
from worker.store.tables import Course, Event, Meeting, Occurrence, Pulse, Server

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TIMES = dict.fromkeys(("original_start", "starts_at", "ends_at", "opens_at", "closes_at", "planned_at"), NOW)


def pulse(loop="poll", at=NOW):
    return Pulse(loop=loop, started_at=at)


def test_an_error_takes_everything_back(database):
    def broken():
        with database.write() as session:
            session.add(pulse())
            session.flush()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        broken()
    with database.read() as session:
        assert session.scalars(select(Pulse)).all() == []


def test_a_reader_writes_nothing(database):
    with database.read() as session:
        session.add(pulse())
        session.flush()
    with database.read() as session:
        assert session.scalars(select(Pulse)).all() == []


def test_writers_at_once_wait_for_each_other(database):
    with database.write() as session:
        session.add(Server(name="one", api_url="https://x/", secret=b"x", people=0))
    together = threading.Barrier(8)

    def count(_):
        together.wait()
        for _ in range(10):
            with database.write() as session:
                session.execute(update(Server).values(people=Server.people + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with database.read() as session:
        assert session.scalars(select(Server.people)).one() == 80


def test_times_come_back_as_they_went_in_utc(database):
    tehran = timezone(timedelta(hours=3, minutes=30))
    with database.write() as session:
        session.add(pulse(at=datetime(2026, 3, 2, 12, 30, 0, 123456, tzinfo=tehran)))
    with database.read() as session:
        found = session.scalars(select(Pulse.started_at)).one()
    assert found == datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


def test_a_naive_time_is_refused(database):
    with pytest.raises(StatementError, match="naive"), database.write() as session:
        session.add(pulse(at=datetime(2026, 3, 2, 9)))  # noqa: DTZ001 - that is the point


def test_times_compare_in_the_database_as_they_do_here(database):
    tehran = timezone(timedelta(hours=3, minutes=30))
    with database.write() as session:
        for number in range(4):
            session.add(pulse(f"l{number}", NOW + timedelta(milliseconds=number)))
    with database.read() as session:
        early = select(Pulse.loop).where(Pulse.started_at < (NOW + timedelta(milliseconds=2)).astimezone(tehran))
        assert sorted(session.scalars(early)) == ["l0", "l1"]


@pytest.fixture
def occurrence(database):
    with database.write() as session:
        session.add(Server(id=1, name="one", api_url="https://x/", secret=b"x"))
        course = Course(code="a", title="A", timezone="UTC", options={})
        session.add(course)
        session.flush()
        row = Occurrence(course_id=course.id, **TIMES)
        session.add(row)
        session.flush()
        return row.id


def meeting(occurrence, **columns):
    facts = {"server_id": 1, "external_id": "m", "passwords": b"x", "state": "open", "requested_at": NOW}
    return Meeting(occurrence_id=occurrence, **{**facts, **columns})


def test_the_database_refuses_a_second_live_meeting(database, occurrence):
    with pytest.raises(IntegrityError), database.write() as session:
        session.add_all([meeting(occurrence), meeting(occurrence, state="requested")])


def test_any_number_of_closed_meetings_and_one_live(database, occurrence):
    with database.write() as session:
        session.add_all([meeting(occurrence, state="closed", closed_at=NOW) for _ in range(3)])
        session.add(meeting(occurrence))


@pytest.mark.parametrize("columns", [{"state": "closed"}, {"closed_at": NOW}, {"state": "asleep"}])
def test_state_and_closing_agree(database, occurrence, columns):
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(meeting(occurrence, **columns))


def test_one_run_has_one_row(database, occurrence):
    closed = {"state": "closed", "closed_at": NOW, "internal_id": "i-1"}
    with pytest.raises(IntegrityError), database.write() as session:
        session.add_all([meeting(occurrence, **closed), meeting(occurrence, **closed)])


def test_two_extra_sittings_of_a_course_never_begin_at_once(database, occurrence):
    with database.read() as session:
        course = session.get_one(Occurrence, occurrence).course_id
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Occurrence(course_id=course, **TIMES))


def test_foreign_keys_hold_on_both(database):
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Event(at=NOW, kind="x", occurrence_id=4711))


def test_sqlite_waits_and_logs_ahead(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'x.db'}")
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30000
    database.dispose()


def test_postgresql_waits_for_nothing_for_ever(postgres):
    url = postgres.empty()
    database = Database(url)
    with database.engine.connect() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert connection.execute(text(f"SHOW {name}")).scalar() not in ("0", None)
    database.dispose()
    postgres.drop(url)
