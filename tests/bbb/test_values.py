from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.bbb.values import boolean, instant, integer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1202", 1202),
        ("1,202", 1202),
        ("25,000", 25000),
        ("1.202", 1202),
        ("1 202", 1202),
        ("1\u202f202", 1202),
        ("1'202", 1202),
        ("۱٬۲۰۲", 1202),
        ("۱۲", 12),
        ("١٬٢٠٢", 1202),
        ("\u200f۱۲\n", 12),
        (" 7 ", 7),
        ("-1", -1),
        ("12.0", 12),
        ("۱۲٫۵", 12),
        ("1700000000123", 1700000000123),
        ("1,700,000,000,123", 1700000000123),
        ("", 0),
        (None, 0),
        ("null", 0),
        ("Tue May 04 20:00:30 UTC 2010", 0),
        ("9" * 19, 0),
        ("9" * 5000, 0),
    ],
)
def test_e52_integers(text, number):
    assert integer(text) == number


@given(st.text())
def test_any_text_is_some_integer(text):
    assert isinstance(integer(text), int)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integers_with_and_without_separators_read_back(number):
    assert integer(str(number)) == integer(f"{number:,}") == number


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), (" TRUE\n", True), ("false", False), ("1", False), (None, False)]
)
def test_booleans(text, value):
    assert boolean(text) is value


NOON = datetime(2023, 11, 14, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2023-11-14 12:30:05", NOON),
        ("2023-11-14T12:30:05Z", NOON),
        ("2023-11-14T16:00:05+03:30", NOON),
        ("۲۰۲۳-۱۱-۱۴ ۱۲:۳۰:۰۵", NOON),
        (1699965005, NOON),
        ("1699965005000", NOON),
        ("", None),
        (None, None),
        (True, None),
        ("yesterday", None),
        ("0000-00-00 00:00:00", None),
        ({}, None),
        ("9" * 14, datetime(5138, 11, 16, 9, 46, 39, 999000, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
    ],
)
def test_e92_times_of_past_sessions_are_utc(value, moment):
    assert instant(value) == moment
