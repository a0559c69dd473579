"""Every edge case of the protocol has a test by its number, or a reason."""

from pathlib import Path

import pytest

from tests import cases


@pytest.mark.parametrize("number", cases.CASES)
def test_every_case_has_a_test_or_a_reason(number):
    assert cases.found().get(number) or number in cases.WITHOUT, f"E{number}: {cases.CASES[number]}"


def test_no_test_names_a_case_that_does_not_exist():
    assert not cases.found().keys() - cases.CASES.keys()


def test_the_page_is_what_the_tests_say():
    page = Path(cases.TESTS.parent / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert page == cases.page(), "run: python -m tests.cases > docs/protocol.md"
