"""Which server gets a meeting."""

from worker.domain.placement import Candidate, choose


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
