"""The promise of docs/accuracy.md, in small: every trouble, one class, against the simulator's truth."""

import pytest

from benchmarks.accuracy import ERAS, SCENARIOS, Size, measure


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.split(":")[0])
def test_attendance_is_as_exact_as_promised(scenario, bare_environment):
    result = measure(scenario, ERAS["D"], Size(occurrences=1, minutes=24, seed=7))

    assert result.people == 30
    assert result.of_the_bound <= 1
    assert result.right == result.judged
    assert result.credited_in_the_dark == 0


def test_the_median_error_is_within_half_a_period(bare_environment):
    era = ERAS["D"]
    assert measure(SCENARIOS[0], era, Size(occurrences=1, minutes=24, seed=7)).median <= era.period / 2
