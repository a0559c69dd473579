"""Which server gets a meeting."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.placement import Candidate, Demand, choose, seats, spread

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def candidate(server_id, *, weight=1.0, capacity=None, people=0, reserved=0):
    return Candidate(server_id, weight, capacity, people, reserved)


def test_nobody_to_choose_from():
    assert choose([], 10) is None


def test_the_least_loaded_is_taken_people_and_promises_counted():
    assert choose([candidate(1, people=50), candidate(2, people=20, reserved=20)], 10) == 2


def test_a_tie_goes_to_the_first_so_that_a_retry_agrees():
    assert choose([candidate(2), candidate(1)], 10) == 1


def test_a_heavier_server_takes_more():
    assert choose([candidate(1, people=30), candidate(2, weight=4, people=60)], 10) == 2


def test_a_full_server_is_passed_over():
    assert choose([candidate(1, capacity=25, people=20), candidate(2, people=200)], 10) == 2


def test_a_crowded_class_beats_no_class():
    assert choose([candidate(1, capacity=5), candidate(2, capacity=4, people=9)], 10) == 1


def at(minutes):
    return NINE + timedelta(minutes=minutes)


def demand(start, end, expected, **more):
    return Demand(at(start), at(end), expected, **more)


def test_classes_that_touch_take_no_seats_of_each_other():
    held = [demand(-60, 0, 10, server_id=1), demand(60, 120, 10, server_id=2)]
    assert seats(held, at(0), at(60)) == {}


def test_a_class_that_is_over_by_then_takes_no_seats():
    held = [demand(-60, -10, 300, people=300, server_id=1), demand(-30, 30, 20, people=15, server_id=2)]
    assert seats(held, at(0), at(60)) == {2: (15, 5)}


def test_more_people_than_expected_reserve_nothing_below_zero():
    assert seats([demand(0, 60, 10, people=25, server_id=1)], at(0), at(60)) == {1: (25, 0)}


def test_classes_of_one_minute_are_spread_by_size_not_by_number():
    wanted = {key: demand(0, 60, size) for key, size in enumerate([100, 20, 20, 20, 20, 20])}
    chosen = spread([candidate(1), candidate(2)], [], wanted, {})
    by_server = {server: sum(wanted[key].expected for key in chosen if chosen[key] == server) for server in (1, 2)}
    assert by_server == {1: 100, 2: 100}


def test_a_server_full_of_people_who_are_about_to_leave_is_an_empty_one():
    held = [demand(-90, -5, 200, people=200, server_id=1), demand(0, 60, 30, server_id=2)]
    assert spread([candidate(1), candidate(2)], held, {7: demand(0, 60, 10)}, {}) == {7: 1}


def test_seats_kept_for_a_pinned_class_ahead_count_already():
    held = [demand(0, 60, 50, server_id=1)]
    assert spread([candidate(1), candidate(2, people=20)], held, {7: demand(0, 60, 10)}, {}) == {7: 2}


def test_a_pinned_class_goes_to_its_server_and_elsewhere_only_without_it():
    pinned = {7: demand(0, 60, 10, pinned_to=2)}
    assert spread([candidate(1), candidate(2, people=90)], [], pinned, {}) == {7: 2}
    assert spread([candidate(1)], [], pinned, {}) == {7: 1}
    assert spread([candidate(1), candidate(2)], [], pinned, {7: {2}}) == {7: 1}


def test_a_server_it_failed_on_is_taken_only_where_there_is_no_other():
    wanted = {7: demand(0, 60, 10)}
    assert spread([candidate(1), candidate(2, people=90)], [], wanted, {7: {1}}) == {7: 2}
    assert spread([candidate(1)], [], wanted, {7: {1}}) == {7: 1}


def test_a_server_takes_no_more_creates_than_its_rate_allows():
    slow = Candidate(1, 100.0, None, 0, 0, creates=2)
    wanted = {key: demand(0, 60, 10) for key in range(5)}
    assert sorted(spread([slow], [], wanted, {})) == [0, 1]
    assert Counter(spread([slow, candidate(2)], [], wanted, {}).values()) == {1: 2, 2: 3}


@given(
    weights=st.lists(st.floats(0.5, 8), min_size=1, max_size=8),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=60),
)
def test_no_server_is_ahead_of_another_by_more_than_the_largest_class(weights, sizes):
    servers = [candidate(number, weight=weight) for number, weight in enumerate(weights)]
    wanted = {key: demand(0, 60, size) for key, size in enumerate(sizes)}
    chosen = spread(servers, [], wanted, {})
    assert chosen == spread(servers, [], wanted, {})
    load = dict.fromkeys(range(len(weights)), 0)
    for key, server in chosen.items():
        load[server] += sizes[key]
    for one, weight in enumerate(weights):
        for other, other_weight in enumerate(weights):
            if load[one]:
                assert load[one] / weight <= (load[other] + max(sizes)) / other_weight + 1e-6
