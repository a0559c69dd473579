"""Two spellings of one name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.text import ascii_digits, match_key


def test_digits():
    assert ascii_digits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ x7") == "0123456789 0123456789 x7"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("علي كريمي", "علی کریمی"),
        ("یک‌شنبه", "يك شنبه"),
        ("Cafe\u0301", "café"),
        ("کـــلاس ۱", "كلاس 1"),
        ("A B", "a\u200fb"),
    ],
)
def test_spellings_that_match(one, other):
    assert match_key(one) == match_key(other)


@pytest.mark.parametrize(("one", "other"), [("علی", "علیا"), ("درس ۱", "درس ۲"), ("آمار", "امار")])
def test_names_that_differ(one, other):
    assert match_key(one) != match_key(other)


@settings(max_examples=500)
@given(st.text())
def test_a_key_of_a_key_is_the_key(name):
    assert match_key(match_key(name)) == match_key(name)
