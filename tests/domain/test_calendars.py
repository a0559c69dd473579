"""Dates in two calendars and three scripts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.calendars import (
    InvalidDate,
    day_span,
    format_date,
    parse_clock,
    parse_date,
    parse_instant,
    parse_weekday,
    weekday_name,
)


@pytest.mark.parametrize(
    "text", ["2026-11-24", "1405/09/03", "۱۴۰۵/۰۹/۰۳", "١٤٠٥/٠٩/٠٣", " 2026/11/24 ", "1405-9-3", "1405.09.03"]
)
def test_one_day_in_many_spellings(text):
    assert parse_date(text) == date(2026, 11, 24)


@pytest.mark.parametrize("text", [
    "", "24-11-2026", "2026-13-01", "2026-02-30", "1405/12/30", "1405/13/01", "2026-11/24", "x", "0000/01/01",
    "0026-11-24", "9999-12-31", "2026-11-24T09:00",
])  # fmt: skip
def test_days_that_are_none(text):
    with pytest.raises(InvalidDate, match=";"):
        parse_date(text)


def test_the_leap_day_of_the_jalali_calendar():
    assert parse_date("1403/12/30") == date(2025, 3, 20)
    assert format_date(date(2025, 3, 20), "fa") == "۱۴۰۳/۱۲/۳۰"


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)), st.sampled_from(("fa", "en")))
def test_what_is_written_can_be_read(day, language):
    assert parse_date(format_date(day, language)) == day


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T09:00", "2026-11-24T05:30"),
        ("2026-11-24 9:00:15", "2026-11-24T05:30:15"),
        ("2026-11-24T09:00Z", "2026-11-24T09:00"),
        ("2026-11-24T09:00:00.250+01:00", "2026-11-24T08:00"),
        ("2026-11-24T09:00:00+0100", "2026-11-24T08:00"),
        ("۱۴۰۵/۰۹/۰۳ ۰۹:۰۰", "2026-11-24T05:30"),
        ("1405/09/03T09:00+03:30", "2026-11-24T05:30"),
    ],
)
def test_instants(text, instant):
    assert parse_instant(text, "Asia/Tehran") == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_an_instant_in_the_gap_and_in_the_fold():
    assert parse_instant("2026-03-29T02:30", "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert parse_instant("2026-10-25T02:30", "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "timezone", "begins", "hours"),
    [
        (date(2027, 4, 30), "Africa/Cairo", "2027-04-29T22:00", 23),  # its clocks go from 23:59 to 1:00
        (date(2027, 4, 29), "Africa/Cairo", "2027-04-28T22:00", 24),
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-24T22:00", 25),
        (date(2027, 3, 28), "Europe/Berlin", "2027-03-27T23:00", 23),
        (date(2026, 11, 30), "Asia/Tehran", "2026-11-29T20:30", 24),
        (date(2199, 12, 31), "UTC", "2199-12-31T00:00", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(day, timezone, begins, hours):
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert day_span(day, timezone) == (start, start + timedelta(hours=hours))


@pytest.mark.parametrize("text", [
    "2026-11-24", "09:00", "2026-11-24T25:00", "2026-11-24T09:60", "2026-11-24T09:00+99:00", "2026-11-24T09",
    "0001-01-01T00:00+14:00",
])  # fmt: skip
def test_instants_that_are_none(text):
    with pytest.raises(InvalidDate, match=";"):
        parse_instant(text, "Asia/Tehran")


@pytest.mark.parametrize(
    ("text", "span"),
    [("7:30", timedelta(hours=7, minutes=30)), ("۰۷:۳۰", timedelta(hours=7, minutes=30)), ("24:00", timedelta(days=1))],
)
def test_clock(text, span):
    assert parse_clock(text) == span


@pytest.mark.parametrize("text", ["", "7", "24:01", "7:60", "1."])
def test_clock_refuses(text):
    with pytest.raises(InvalidDate, match=";"):
        parse_clock(text)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("شنبه", 5), ("يك شنبه", 6), ("یک‌شنبه", 6), ("دوشنبه", 0), ("سه شنبه", 1), ("چهار شنبه", 2), ("پنج‌شنبه", 3),
        ("جمعه", 4), ("السبت", 5), ("الأحد", 6), ("SATURDAY", 5), ("sun", 6), ("Hétfő", 0), ("Csütörtök", 3),
        ("Vasárnap", 6), ("Mittwoch", 2), ("Lunedì", 0), ("nonsense", None), ("", None),
    ],
)  # fmt: skip
def test_weekdays(name, number):
    assert parse_weekday(name) == number


def test_names_of_weekdays():
    day = date(2026, 11, 24)
    assert [weekday_name(day, language) for language in ("fa", "ar", "en", "xx")] == [
        "سه‌شنبه",
        "الثلاثاء",
        "Tuesday",
        "Tuesday",
    ]
