"""One clock for all machines: the database's, where it has one, whatever happens to ours."""

from datetime import UTC, datetime, timedelta

import pytest

from worker import clock as clocks
from worker.operations.timepiece import Timepiece
from worker.store.database import Database


class Machine:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self, apart=0.0):
        self.passed, self.apart = 0.0, apart
        self._began = clocks.now()

    def wall(self):
        return self._began + timedelta(seconds=self.passed + self.apart)

    def ticks(self):
        return 1000 + self.passed


def timepiece(database, machine):
    return Timepiece(database, machine.wall, machine.ticks)


def wrong_by(found):
    """Seconds, by the clock of whoever runs this test, which is the database's as well."""
    return abs((found - datetime.now(UTC)).total_seconds())


@pytest.mark.parametrize("apart", [-7200, -3, 3, 86400])
def test_a_machine_whose_clock_is_wrong_goes_by_the_databases(database, apart):
    now = timepiece(database, Machine(apart))
    assert wrong_by(now()) == pytest.approx(abs(apart) if database.is_sqlite else 0, abs=1)


def test_a_clock_that_is_nearly_right_is_left_alone(database):
    machine = Machine(0.4)
    assert timepiece(database, machine)() == machine.wall()


@pytest.mark.parametrize("step", [-3600, -2, 2, 3600])
def test_a_clock_that_is_set_moves_nothing(database, step):
    if database.is_sqlite:
        return
    machine = Machine()
    now = timepiece(database, machine)
    before = now()
    machine.apart = step
    assert abs((now() - before).total_seconds()) < 1
    machine.apart = 0
    assert abs((now() - before).total_seconds()) < 1


@pytest.mark.parametrize("step", [-3600, 3600])
def test_nor_where_the_database_is_away_when_it_is_set(database, step, monkeypatch):
    if database.is_sqlite:
        return
    machine = Machine()
    now = timepiece(database, machine)
    before = now()
    monkeypatch.setattr(now, "_database", Database("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    machine.apart, machine.passed = step, 10
    assert (now() - before).total_seconds() == pytest.approx(10, abs=1)


def test_a_database_that_is_away_is_not_asked_at_every_look(database, monkeypatch):
    if database.is_sqlite:
        return
    machine, asked = Machine(), []
    now = timepiece(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), machine)
    monkeypatch.setattr(now, "_look", lambda look=now._look: asked.append(machine.passed) or look())
    for _ in range(30):
        now()
        machine.passed += 0.1
    assert len(asked) == 3


def test_a_clock_that_drifts_is_seen_within_a_minute(database):
    if database.is_sqlite:
        return
    machine = Machine()
    now = timepiece(database, machine)
    now()
    for _ in range(620):
        machine.apart += 0.05
        machine.passed += 0.1
        now()
    # What passed on the machine did not pass for the database, which is asked again: its word goes.
    assert wrong_by(now()) < 4
