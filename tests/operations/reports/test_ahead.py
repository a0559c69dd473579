"""Batches read ahead come in order, few at a time, and what fails is told."""

import threading
from itertools import count

import pytest

from worker.operations.reports import ahead


@pytest.fixture
def context(make_context, database_url):
    return make_context()


def test_what_is_read_comes_in_the_order_of_the_batches_though_the_first_is_the_last_to_be_done(context):
    if context.database.is_sqlite:
        assert list(ahead.read(context, range(5), lambda number: number * 2)) == [0, 2, 4, 6, 8]
        return
    second = threading.Event()

    def read(number):
        if number == 0:
            assert second.wait(30), "the second batch was not read while the first was"
        if number == 1:
            second.set()
        return number * 2

    assert list(ahead.read(context, range(5), read)) == [0, 2, 4, 6, 8]


def test_no_more_is_read_than_will_soon_be_written(context):
    begun = []
    found = ahead.read(context, count(), lambda number: begun.append(number) or number)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    found.close()
    assert len(begun) <= 4


def test_what_fails_is_told_after_what_came_before_it(context):
    def read(number):
        if number == 2:
            raise OSError("the database went away")
        return number

    found = ahead.read(context, range(9), read)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(OSError, match="went away"):
        next(found)
