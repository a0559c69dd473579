"""The promise of docs/accuracy.md, in small: every trouble, one class, against the simulator's truth."""

import subprocess
import sys

import pytest

from benchmarks.accuracy import ERAS, SCENARIOS, Size, measure, page

SMALL = Size(occurrences=1, minutes=24, seed=7)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.split(":")[0])
def test_attendance_is_as_exact_as_promised(scenario, bare_environment):
    result = measure(scenario, ERAS["D"], SMALL)

    assert len(result.errors) == 30
    assert result.of_the_bound <= 1
    assert all(result.verdicts)
    assert result.credited_in_the_dark == 0
    assert result.keeps_the_promise or result.why


def test_a_servers_own_report_leaves_no_error(bare_environment):
    (scenario,) = (each for each in SCENARIOS if "own reports" in each.name)
    assert measure(scenario, ERAS["D"], SMALL).sizes[-1] < 0.001


def test_the_page_says_where_the_promise_is_not_kept_and_why(bare_environment):
    good = measure(SCENARIOS[0], ERAS["D"], SMALL)
    assert "kept in every row" in page.section(ERAS["D"], SMALL, [good])
    late = [type(each)(each.seconds + 1000, each.comings, each.bound, each.right) for each in good.errors]
    bad = type(good)("a trouble", "it is so", good.era, tuple(late), 0.0)
    text = page.section(ERAS["D"], SMALL, [good, bad])
    assert "| a trouble | NO |" in text
    assert text.endswith("* a trouble: it is so.")


def test_the_command_says_what_it_can_do():
    made = subprocess.run([sys.executable, "-m", "benchmarks.accuracy", "--help"], capture_output=True, text=True)
    assert made.returncode == 0
    assert "--quick" in made.stdout
