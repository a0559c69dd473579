"""The back-off ladder: waits double up to the longest, whatever the settings."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain import ladder


@pytest.mark.parametrize(("tries", "minutes"), [(0, 5), (1, 10), (3, 40), (4, 60), (39, 60), (40, 60), (41, 60)])
def test_a_wait_doubles_until_it_is_the_longest(tries, minutes):
    assert ladder.wait(tries, timedelta(minutes=5), timedelta(hours=1)) == timedelta(minutes=minutes)


@given(st.integers(0, 10_000), st.timedeltas(timedelta(seconds=1), timedelta(days=30)), st.integers(1, 1000))
def test_no_wait_is_shorter_than_the_first_nor_longer_than_the_longest(tries, first, times):
    assert first <= ladder.wait(tries, first, first * times) <= first * times
