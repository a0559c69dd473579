"""The rule of a slot and its starts: daylight saving, week counting, and agreement with others' arithmetic."""

import itertools
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from dateutil.rrule import SA, WEEKLY, rrule
from dateutil.rrule import weekday as rrule_day
from dateutil.tz import resolve_imaginary
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.cron import cron_fields
from worker.domain.timetable import InvalidRule, Rule, known_zone, normalise_cron, starts, to_utc, weeks_rule


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# zone, expression, window of UTC days, starts in UTC
DST_CASES = [
    ("Berlin, daily 9:00 across the gap", "Europe/Berlin", "0 9 * * *", "2026-03-28", "2026-03-31",
     ["2026-03-28T08:00", "2026-03-29T07:00", "2026-03-30T07:00"]),
    ("Berlin, daily 2:30 in the gap moves to 3:30", "Europe/Berlin", "30 2 * * *", "2026-03-28", "2026-03-31",
     ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
    ("Berlin, weekly 2:30 in the gap", "Europe/Berlin", "30 2 * * SUN", "2026-03-22", "2026-04-06",
     ["2026-03-22T01:30", "2026-03-29T01:30", "2026-04-05T00:30"]),
    ("Berlin, daily 9:00 across the fold", "Europe/Berlin", "0 9 * * *", "2026-10-24", "2026-10-27",
     ["2026-10-24T07:00", "2026-10-25T08:00", "2026-10-26T08:00"]),
    ("Berlin, daily 2:30 in the fold comes once, early", "Europe/Berlin", "30 2 * * *", "2026-10-24", "2026-10-27",
     ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ("Berlin, weekday mornings across the gap", "Europe/Berlin", "30 7 * * MON-FRI", "2026-03-27", "2026-03-31",
     ["2026-03-27T06:30", "2026-03-30T05:30"]),
    ("Berlin, weekday mornings across the fold", "Europe/Berlin", "30 7 * * 1-5", "2026-10-23", "2026-10-27",
     ["2026-10-23T05:30", "2026-10-26T06:30"]),
    ("New York, daily 2:30 in the gap", "America/New_York", "30 2 * * *", "2026-03-07", "2026-03-10",
     ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"]),
    ("New York, daily 1:30 in the fold", "America/New_York", "30 1 * * *", "2026-10-31", "2026-11-03",
     ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]),
    ("New York, weekly 18:00 across the fold", "America/New_York", "0 18 * * 1", "2026-10-26", "2026-11-04",
     ["2026-10-26T22:00", "2026-11-02T23:00"]),
    ("Tehran 2022, midnight in the gap moves to 1:00", "Asia/Tehran", "0 0 * * *", "2022-03-20", "2022-03-23",
     ["2022-03-20T20:30", "2022-03-21T20:30", "2022-03-22T19:30"]),
    ("Tehran 2022, Saturday 8:00 across the fold", "Asia/Tehran", "0 8 * * SAT", "2022-09-17", "2022-09-25",
     ["2022-09-17T03:30", "2022-09-24T04:30"]),
    ("Tehran 2022, 23:30 in the fold, the earlier", "Asia/Tehran", "30 23 * * *", "2022-09-21", "2022-09-22",
     ["2022-09-21T19:00"]),
    ("Tehran 2026 has no summer time", "Asia/Tehran", "0 8 * * SAT", "2026-03-14", "2026-03-30",
     ["2026-03-14T04:30", "2026-03-21T04:30", "2026-03-28T04:30"]),
    ("Lord Howe, a gap of half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-02", "2026-10-05",
     ["2026-10-02T15:45", "2026-10-03T15:45", "2026-10-04T15:15"]),
    ("Apia 2011, a day that never was", "Pacific/Apia", "0 9 * * *", "2011-12-29", "2012-01-01",
     ["2011-12-29T19:00", "2011-12-30T19:00", "2011-12-31T19:00"]),
    ("Dublin, whose winter time is the exception", "Europe/Dublin", "30 1 * * *", "2026-10-24", "2026-10-27",
     ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "cron", "after", "before", "expected"), [c[1:] for c in DST_CASES], ids=[c[0] for c in DST_CASES]
)
def test_daylight_saving(zone, cron, after, before, expected):
    assert starts(Rule(cron, 60, zone), at(after), at(before)) == [at(text) for text in expected]


def test_two_rules_that_the_gap_pushes_together_come_once():
    found = starts(Rule("0 2,3 * * *", 60, "Europe/Berlin"), at("2026-03-29"), at("2026-03-30"))
    assert found == [at("2026-03-29T01:00")]


def test_starts_are_in_order_even_when_the_gap_moves_one_past_another():
    found = starts(Rule("0,30 2,3 * * *", 30, "Europe/Berlin"), at("2026-03-29"), at("2026-03-29T12:00"))
    assert found == [at("2026-03-29T01:00"), at("2026-03-29T01:30")]


def test_the_window_is_half_open():
    rule = Rule("0 9 * * *", 60, "UTC")
    assert starts(rule, at("2026-11-24T09:00"), at("2026-11-25T09:00")) == [at("2026-11-24T09:00")]


def test_adjacent_windows_give_each_start_once():
    rule = Rule("*/20 * * * *", 10, "America/New_York")
    edges = [at("2026-10-31") + timedelta(minutes=37 * step) for step in range(100)]
    pieces = [start for low, high in itertools.pairwise(edges) for start in starts(rule, low, high)]
    assert pieces == starts(rule, edges[0], edges[-1])


def test_the_last_day_is_included_and_read_in_local_time():
    rule = Rule("0 1 * * *", 60, "Asia/Tehran", date(2026, 11, 24), date(2026, 11, 25))
    assert starts(rule, at("2026-11-20"), at("2026-11-30")) == [at("2026-11-23T21:30"), at("2026-11-24T21:30")]


def test_an_empty_or_backward_window_holds_nothing():
    assert starts(Rule("* * * * *", 1, "UTC"), at("2026-11-25"), at("2026-11-24")) == []


def test_a_naive_window_is_refused():
    with pytest.raises(ValueError, match="aware"):
        starts(Rule("0 9 * * *", 60, "UTC"), datetime(2026, 1, 1), at("2026-01-02"))  # noqa: DTZ001


def test_every_second_week_begins_on_saturday():
    """The trap of RRULE: with weeks from Monday, Monday 21 September would fall into the week before."""
    rule = Rule("0 9 * * SAT,MON", 60, "UTC", date(2026, 9, 19), None, 2, date(2026, 9, 19))
    days = [start.date() for start in starts(rule, at("2026-09-19"), at("2026-10-10"))]
    assert days == [date(2026, 9, 19), date(2026, 9, 21), date(2026, 10, 3), date(2026, 10, 5)]
    days = [start.date() for start in starts(rule, at("2026-09-19"), at("2026-10-10"), week_start=0)]
    assert days == [date(2026, 9, 19), date(2026, 9, 28), date(2026, 10, 3)]


def test_a_second_week_knows_nothing_of_the_turn_of_the_year():
    rule = Rule("0 9 * * SAT", 60, "UTC", None, None, 2, date(2026, 12, 19))
    days = [start.date() for start in starts(rule, at("2026-12-01"), at("2027-02-01"))]
    assert days == [date(2026, 12, 5), date(2026, 12, 19), date(2027, 1, 2), date(2027, 1, 16), date(2027, 1, 30)]


def test_odd_and_even_weeks_share_out_all_weeks():
    first, window = date(2026, 9, 21), (at("2026-09-01"), at("2027-02-01"))
    every = starts(Rule("0 9 * * *", 60, "Asia/Tehran", first), *window)
    odd = starts(Rule("0 9 * * *", 60, "Asia/Tehran", first, None, *weeks_rule("odd", first)), *window)
    even = starts(Rule("0 9 * * *", 60, "Asia/Tehran", first, None, *weeks_rule("even", first)), *window)
    assert odd[0].date() == first
    assert sorted(odd + even) == every


def test_weeks_rule():
    assert weeks_rule("all", None) == (1, None)
    assert weeks_rule("even", date(2026, 9, 19)) == (2, date(2026, 9, 26))
    with pytest.raises(InvalidRule, match="first day"):
        weeks_rule("odd", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Asia/Teheran"}, "not a time zone"),
        ({"timezone": "../etc/passwd"}, "not a time zone"),
        ({"timezone": "Asia"}, "not a time zone"),
        ({"timezone": ""}, "not a time zone"),
        ({"minutes": 0}, "0 minutes is impossible"),
        ({"minutes": 1441}, "1 to 1440"),
        ({"every_weeks": 0}, "every 0 weeks"),
        ({"every_weeks": 2}, "give the first day"),
        ({"valid_from": date(2026, 2, 2), "valid_until": date(2026, 2, 1)}, "before the first"),
        ({"cron": "x"}, "not a cron expression"),
    ],
)
def test_rules_that_cannot_be_meant(change, message):
    with pytest.raises(InvalidRule, match=message):
        Rule(**{"cron": "0 9 * * 6", "minutes": 90, "timezone": "UTC"} | change)


# Agreement with others

numbers = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 6)}


@st.composite
def cron_field(draw, name):
    low, high = numbers[name]
    value = st.integers(low, high)
    kind = draw(st.sampled_from(("star", "star", "list", "range", "step", "stepped range")))
    if kind == "star":
        return "*"
    if kind == "list":
        return ",".join(map(str, draw(st.lists(value, min_size=1, max_size=4))))
    if kind == "step":
        return f"*/{draw(st.integers(1, high))}"
    first, last = draw(st.lists(value, min_size=2, max_size=2, unique=True))
    if kind == "range":
        return f"{first}-{last}"
    # Over the end of the field croniter counts the steps anew: see test_timetable_cron.
    return f"{min(first, last)}-{max(first, last)}/{draw(st.integers(1, 7))}"


@st.composite
def cron_text(draw):
    return " ".join(draw(cron_field(name)) for name in numbers)


def with_croniter(cron, after, before):
    walk = croniter(cron, after - timedelta(minutes=1), ret_type=datetime)
    found = []
    while (start := walk.get_next()) < before and len(found) < 400:
        found.append(start)
    return found


@settings(max_examples=150, deadline=None)
@given(cron_text(), st.integers(0, 4000))
def test_agrees_with_croniter_on_naive_times(cron, day):
    after = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day)
    before = after + timedelta(days=30)
    try:
        rule = Rule(cron, 60, "UTC")
    except InvalidRule as error:
        assert "never comes" in str(error)  # noqa: PT017
        return
    expected = with_croniter(cron, after, before)
    assert starts(rule, after, before)[:400] == expected


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(("Europe/Berlin", "America/New_York", "Asia/Tehran", "Australia/Lord_Howe", "America/Sao_Paulo")),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(1, 3),
    st.dates(date(2014, 1, 1), date(2026, 1, 1)),
)
def test_agrees_with_dateutil(zone, days, hour, minute, every, first):
    cron = f"{minute} {hour} * * {','.join(str((day + 1) % 7) for day in sorted(days))}"
    rule = Rule(cron, 60, zone, first, first + timedelta(days=400), every, first)
    begin = datetime(first.year, first.month, first.day, hour, minute)  # noqa: DTZ001
    walk = rrule(WEEKLY, dtstart=begin, interval=every, wkst=SA, byweekday=[rrule_day(day) for day in days],
                 until=begin + timedelta(days=400))  # fmt: skip
    expected = [resolve_imaginary(start.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC) for start in walk]
    window = (
        to_utc(begin, known_zone("UTC")) - timedelta(days=3),
        to_utc(begin, known_zone("UTC")) + timedelta(days=410),
    )
    assert starts(rule, *window) == expected


@given(cron_text())
def test_a_normal_expression_stays_as_it_is(cron):
    try:
        normal = normalise_cron(cron)
    except InvalidRule:
        return
    assert normalise_cron(normal) == normal
    assert normalise_cron(f"  {cron}  ".replace(" ", "\t ")) == normal
    assert cron_fields(normal) == cron_fields(cron)


def test_a_hundred_times_cheaper_than_croniter_for_each_rule():
    after, before = at("2026-11-24"), at("2026-12-08")
    crons = [
        f"{minute} {hour} * * {day},{(day + 2) % 7}" for day in range(7) for hour in range(8, 18) for minute in (0, 30)
    ]
    rules = [Rule(crons[number % len(crons)], 90, "Asia/Tehran") for number in range(20_000)]
    began = time.process_time()
    count = sum(len(starts(rule, after, before)) for rule in rules)
    ours = (time.process_time() - began) / len(rules)
    zone = ZoneInfo("Asia/Tehran")
    began = time.process_time()
    for cron in crons[:100]:
        with_croniter(cron, after.astimezone(zone), before)
    theirs = (time.process_time() - began) / 100
    assert count == 4 * len(rules)
    assert theirs / ours > 30  # over 100 on a quiet machine
