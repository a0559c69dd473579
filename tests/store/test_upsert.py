"""The database, not the program, decides what is new, and says how much that was."""

from worker.store.tables import Pulse
from worker.store.upsert import in_batches, insert_new, put


def rows(clock, *loops):
    return [{"loop": loop, "started_at": clock()} for loop in loops]


def test_new_rows_are_counted_and_old_ones_skipped(database, clock):
    with database.write() as session:
        assert insert_new(session, Pulse, rows(clock, "a")) == 1
        assert insert_new(session, Pulse, rows(clock, "a")) == 0
        assert insert_new(session, Pulse, rows(clock, "a", "b", "c")) == 2
        assert insert_new(session, Pulse, []) == 0


def test_many_rows_are_counted_over_batches(database, clock):
    with database.write() as session:
        assert insert_new(session, Pulse, rows(clock, *(f"l{number}" for number in range(2500)))) == 2500
        assert insert_new(session, Pulse, rows(clock, *(f"l{number}" for number in range(1000, 3500)))) == 1000


def test_put_inserts_and_then_overwrites(database, clock):
    with database.write() as session:
        put(session, Pulse, {"loop": "a", "started_at": clock(), "error": None}, ("loop",))
        put(session, Pulse, {"loop": "a", "started_at": clock(), "error": "no"}, ("loop",))
        assert session.get_one(Pulse, "a").error == "no"


def test_batches():
    assert list(in_batches([1, 2, 3], 2)) == [[1, 2], [3]]
    assert list(in_batches([], 2)) == []
