"""Days without classes from tables and calendars."""

from datetime import date

import pytest

from worker.domain.holidays import Holiday
from worker.timetables import BadFile, read_holidays

DAY = "DTSTART;VALUE=DATE:20261222"


def calendar(*lines):
    event = "\n".join(("SUMMARY:Snow", *lines))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"


def read(path):
    return read_holidays(path, timezone="Asia/Tehran")


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ((), None),
        (("DTEND;VALUE=DATE:20261223",), None),
        (("DTEND;VALUE=DATE:20261222",), None),
        (("DTEND;VALUE=DATE:20261225",), 24),
        (("DURATION:P1D",), None),
        (("DURATION:P3D",), 24),
        (("DURATION:P1W",), 28),
    ],
)
def test_an_event_of_days_lasts_to_its_last(write, lines, last):
    until = last and date(2026, 12, last)
    assert read(write(calendar(DAY, *lines), "h.ics")) == (Holiday(date(2026, 12, 22), "Snow", until=until),)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("DTSTART:20261222T090000", "DTEND:20261222T100000"), "holds no holiday"),
        (("DTSTART;VALUE=PERIOD:20261222T090000Z/PT1H",), "holds no holiday"),
        ((DAY, "STATUS:CANCELLED"), "holds no holiday"),
        ((DAY, "RRULE:FREQ=YEARLY"), "event 'Snow': recurs"),
        ((DAY, "RDATE;VALUE=DATE:20271222"), "event 'Snow': recurs"),
        ((DAY, "DTEND:20261224T000000Z"), "event 'Snow': begins on a day and ends at a time"),
    ],
)
def test_events_that_are_no_days_off(write, lines, words):
    with pytest.raises(BadFile, match=words):
        read(write(calendar(*lines), "h.ics"))


def test_a_day_without_a_name_is_a_holiday_all_the_same(write):
    (day,) = read(write(calendar(DAY).replace("Snow", ""), "h.ics"))
    assert day.title == "holiday"


def test_a_break_of_one_day(write):
    (day,) = read(write("date,title,until\n2026-12-01,Snow,1405/09/10\n"))
    assert (day.day, day.until) == (date(2026, 12, 1), date(2026, 12, 1))


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("", None, None, "is empty"),
        ("date,title\n", None, None, "holds no holiday"),
        ("title\nSnow\n", 1, "date", "column date is missing"),
        ("date,title\n2026-12-01,\n", 2, "title", "is empty"),
        ("date,title\n,Snow\n", 2, "date", "is empty"),
        ("date,title,until\n2026-12-01,Snow,\n2026-12-02,Ice,2026-12-01\n", 3, "until", "exchange"),
    ],
)
def test_a_table_with_a_fault_says_where(write, text, row, column, words):
    with pytest.raises(BadFile, match=words) as caught:
        read(write(text))
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.mark.parametrize("rule", ["FREQ=YEARLY;INTERVAL=0;COUNT=2", "FREQ=YEARLY;COUNT=0"])
def test_a_day_that_recurs_by_nothing_is_refused(write, rule):
    with pytest.raises(BadFile, match="of its RRULE is 0"):
        read(write(calendar(DAY, f"RRULE:{rule}"), "c.ics"))
