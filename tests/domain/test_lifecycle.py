"""The life of a meeting: the questions the loops ask."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

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
    (60, False, False, False, False, False, "missed"),  # its window ends with its last instant
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


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("number", range(1, 200, 7))
def test_rooms_are_spread_over_the_lead_and_each_keeps_its_place(number):
    opens_at, spread = START - 15 * MINUTE, 2 * MINUTE
    at = lifecycle.opening_at(opens_at, START, spread, number)
    assert opens_at <= at < opens_at + spread
    assert at == lifecycle.opening_at(opens_at, START, spread, number)


def test_a_hundred_rooms_fill_the_spread_evenly():
    opens_at = START - 15 * MINUTE
    places = [lifecycle.opening_at(opens_at, START, 100 * MINUTE / 60, number) - opens_at for number in range(100)]
    seconds = sorted(each.total_seconds() for each in places)
    assert all(after - before < 3 for before, after in pairwise(seconds))


@pytest.mark.parametrize("lead", [1, 5, 10])
def test_a_short_lead_is_not_spread(lead):
    opens_at = START - lead * MINUTE
    assert lifecycle.opening_at(opens_at, START, HOUR, 77) == opens_at


def test_no_spread_comes_nearer_than_ten_minutes_to_the_start():
    assert lifecycle.opening_at(START - HOUR, START, 2 * HOUR, 77) <= START - 10 * MINUTE


@pytest.mark.parametrize(
    ("lead", "planned", "late"),
    [(15, -600, -5), (60, -600, -5), (6, -600, -3), (2, -600, -1), (15, -2, -1), (15, 3, 4)],
)
def test_when_a_room_that_is_not_open_is_late(lead, planned, late):
    at = lifecycle.late_at(START - lead * MINUTE, START, START + planned * MINUTE, MINUTE / 2)
    assert at == START + late * MINUTE


@pytest.mark.parametrize(
    ("minutes", "warned", "due"),
    [(-6, None, False), (-5, None, True), (-1, None, True), (0, None, False), (-4, -5, False), (-4, -35, True)],
)
def test_people_are_told_once_before_the_end_and_again_when_it_was_moved(minutes, warned, due):
    warned_at = None if warned is None else START + warned * MINUTE
    assert lifecycle.needs_warning(START, 5 * MINUTE, warned_at, START + minutes * MINUTE) is due


@pytest.mark.parametrize(
    ("policy", "cancelled", "ending"),
    [
        ("end", None, (10, 10)),
        ("spare", None, (10, 70)),
        ("never", None, None),
        ("never", 3, (3, 3)),
        ("end", 3, (3, 3)),
    ],
)
def test_when_a_class_is_ended_is_its_policys_to_say(policy, cancelled, ending):
    cancelled_at = None if cancelled is None else START + cancelled * MINUTE
    found = lifecycle.ending(policy, START, 10 * MINUTE, HOUR, cancelled_at)
    assert (found and tuple((each - START) / MINUTE for each in (found.may, found.must))) == ending
