"""The life of a meeting: the questions the loops ask."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.domain import lifecycle

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("misses", "gone"), [(0, False), (1, False), (2, True), (3, True)])
def test_e43_gone_is_believed_after_misses_in_a_row(misses, gone):
    assert lifecycle.is_gone(misses, 2) is gone


@pytest.mark.parametrize(
    ("asked", "people", "reason"),
    [(True, 3, "ended"), (True, 0, "ended"), (False, 3, "finished"), (False, 0, "expired")],
)
def test_why_it_has_gone_as_far_as_can_be_known(asked, people, reason):
    assert lifecycle.close_reason(end_requested=asked, people_at_last_sight=people) == reason


def test_overrunning_begins_with_the_end_of_the_grace():
    grace = timedelta(minutes=10)
    assert not lifecycle.is_overrunning(START, grace, START + grace - timedelta(microseconds=1))
    assert lifecycle.is_overrunning(START, grace, START + grace)


def test_a_window_opens_with_the_lead_and_closes_with_the_later_end():
    lead = timedelta(minutes=15)
    assert lifecycle.window(START, START + HOUR, None, lead) == (START - lead, START + HOUR)
    assert lifecycle.window(START, START + HOUR, START + 2 * HOUR, lead)[1] == START + 2 * HOUR
    assert lifecycle.window(START, START + HOUR, START, lead)[1] == START + HOUR


@pytest.mark.parametrize(
    ("lead", "length", "grace", "minutes"), [(900, 5400, 600, 116), (0, 60, 0, 2), (0.5, 8, 1, 2), (0, 61, 0, 3)]
)
def test_e34_the_duration_never_cuts_a_class(lead, length, grace, minutes):
    assert lifecycle.duration_minutes(lead, length, grace) == minutes
    assert minutes * 60 > lead + length + grace


CASES = [
    # now in minutes, cancelled, over, open, inside, seen
    (-60, False, False, False, False, False, "planned"),
    (-5, False, False, True, False, False, "open"),
    (-5, False, False, True, True, True, "live"),
    (30, False, False, True, True, True, "live"),
    (30, False, False, False, False, True, "planned"),
    (30, False, True, False, False, True, "held"),
    (90, False, False, True, True, True, "live"),
    (90, False, True, False, False, True, "held"),
    (90, False, False, False, False, False, "missed"),
    (-60, True, False, False, False, False, "cancelled"),
    (30, True, False, True, True, True, "cancelled"),
]


@pytest.mark.parametrize(("now", "cancelled", "over", "open_", "inside", "seen", "word"), CASES)
def test_one_word_for_an_occurrence(now, cancelled, over, open_, inside, seen, word):
    sitting = lifecycle.Sitting(START, START + HOUR, cancelled, over, open_, inside, seen)
    assert lifecycle.state_of(sitting, START + timedelta(minutes=now)) == word
