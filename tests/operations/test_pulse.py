"""The pulse of each loop: one sweep a period, whoever rings."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from worker.operations import pulse
from worker.store.tables import Participant, Pulse


def test_a_second_bell_within_half_a_period_is_not_followed(stage):
    now = stage.clock()
    assert pulse.claim(stage.context, "poll", now)
    assert not pulse.claim(stage.context, "poll", now)
    assert not pulse.claim(stage.context, "poll", now + timedelta(seconds=14))
    assert pulse.claim(stage.context, "poll", now + timedelta(seconds=15))


def test_of_many_bells_at_once_one_is_followed(stage):
    with ThreadPoolExecutor(6) as pool:
        claimed = list(pool.map(lambda _: pulse.claim(stage.context, "poll", stage.clock()), range(6)))
    assert claimed.count(True) == 1


def test_a_clock_that_was_set_back_does_not_stop_a_loop(stage):
    now = stage.clock()
    pulse.claim(stage.context, "poll", now + timedelta(hours=3))
    assert pulse.claim(stage.context, "poll", now)


def test_the_end_and_the_error_of_a_sweep_are_written(stage):
    with pytest.raises(ValueError, match="no"), pulse.sweep(stage.context, "poll", stage.clock):
        raise ValueError("no: password=hunter2")
    (row,) = stage.rows(Pulse)
    assert (row.failed_at, row.ended_at) == (stage.clock(), None)
    assert "hunter2" not in row.error
    with pulse.sweep(stage.context, "poll", stage.clock):
        stage.clock.advance(seconds=2)
    assert stage.rows(Pulse)[0].ended_at == stage.clock()


def test_the_error_of_a_database_is_written_without_the_row_that_it_refused(stage):
    sara = Participant(course_id=999, user_id="0012345678", full_name="Sara", role="viewer")
    database = stage.context.database
    with pytest.raises(IntegrityError), pulse.sweep(stage.context, "poll", stage.clock), database.write() as session:
        session.add(sara)
    (row,) = stage.rows(Pulse)
    assert row.error.startswith("IntegrityError: ")
    assert not [word for word in ("0012345678", "Sara", "INSERT", "\n") if word in row.error]
