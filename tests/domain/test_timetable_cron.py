"""Cron expressions: one spelling for those we take, and a hint for those we do not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.cron import InvalidRule, cron_fields, normalise_cron


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0 9 * * 6", "0 9 * * 6"),
        ("  00\t09 *  * sat ", "0 9 * * SAT"),
        ("۳۰ ۷ * * ۶", "30 7 * * 6"),
        ("٣٠ ٧ * * ٦", "30 7 * * 6"),
        ("0 9 * jan-mar mon,WED", "0 9 * JAN-MAR MON,WED"),
        ("0 9 * * SAT-WED", "0 9 * * SAT-WED"),
        ("0 9 * * SAT-WED/2", "0 9 * * 6,1,3"),
        ("0 9 * OCT-MAR/2 *", "0 9 * 10,12,2 *"),
        ("0 23-4/2 * * *", "0 23,1,3 * * *"),
        ("0 9 * * 7-3/2", "0 9 * * 0,2"),
        ("0 9 * * FRI-SUN/2", "0 9 * * 5,0"),
        ("*/15 8-17 * * *", "*/15 8-17 * * *"),
        ("0/15 9 * * *", "0/15 9 * * *"),
        ("0 9 29 2 *", "0 9 29 2 *"),
        ("0 9 31 2 1", "0 9 31 2 1"),
        ("0 9 * * 7", "0 9 * * 7"),
    ],
)
def test_taken(text, normal):
    assert normalise_cron(text) == normal


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "five fields"),
        ("x * * * *", "'X' is no minute"),
        ("0 9 * *", "five fields"),
        ("0 0 9 * * 6", "seconds and years"),
        ("0 9 * * 6 0 2026", "seconds and years"),
        ("@daily", "@daily are not taken"),
        ("0 9 ? * 6", "Quartz"),
        ("0 9 L * *", "Quartz"),
        ("0 9 * * 6#2", "Quartz"),
        ("0 9 * * L6", "Quartz"),
        ("0 9 15W * *", "Quartz"),
        ("H 9 * * *", "Jenkins"),
        ("R(0-3) 9 * * *", "Jenkins"),
        ("0 9 * * SAT/2", "SAT/2 is read in two ways"),
        ("59/15 9 * * *", "59/15 is read in two ways"),
        ("5-5 9 * * *", "read in two ways"),
        ("*/90 * * * *", "a step of 90"),
        ("*/0 9 * * *", "a step of 0"),
        ("0 9 * * SAT-WED/0", "a step of 0"),
        ("0 70-4/2 * * *", "five fields"),
        ("0 9 9-0/2 * *", "'0' is no day"),
        ("0 9 31 2 *", "never comes"),
        ("0 9 31 4,6 *", "never comes"),
        ("60 9 * * *", "five fields"),
        ("0 24 * * *", "five fields"),
        ("0 9 * * 8", "five fields"),
        ("0 9 0 * *", "'0' is no day"),
        ("1,,2 9 * * *", "five fields"),
        ("-5 9 * * *", "five fields"),
        ("²0 9 * * *", "five fields"),
        ("0 9 * * شنبه", "five fields"),
        ("0 9 * * " + "1," * 200 + "1", "not a cron expression"),
    ],
)
def test_refused_with_a_hint(text, hint):
    with pytest.raises(InvalidRule) as caught:
        normalise_cron(text)
    assert hint in str(caught.value)


FIELDS = {"minutes": (0, 0, 59), "hours": (1, 0, 23), "days": (2, 1, 31), "months": (3, 1, 12), "weekdays": (4, 0, 6)}


@given(st.sampled_from(list(FIELDS)), st.data())
def test_a_range_names_every_step_th_value_also_over_the_end_of_its_field(name, data):
    """By walking, for croniter itself counts steps over the end anew from the field's first value."""
    place, first, last = FIELDS[name]
    low, high = data.draw(st.lists(st.integers(first, last), min_size=2, max_size=2, unique=True))
    step = data.draw(st.integers(1, last))
    expected, value = [], low
    while True:
        expected.append(value)
        if value == high:
            break
        value = first if value == last else value + 1
    text = ["0", "9", "1", "1", "1"]
    text[place] = f"{low}-{high}/{step}"
    named = getattr(cron_fields(normalise_cron(" ".join(text))), name)
    # Every value of the field is what `*` says.
    assert set(range(first, last + 1) if named is None else named) == set(expected[::step])


def test_day_of_month_or_weekday():
    fields = cron_fields("0 9 1 * MON")
    assert fields.holds_on(date(2026, 12, 1))  # a Tuesday, the first
    assert fields.holds_on(date(2026, 12, 7))  # a Monday
    assert not fields.holds_on(date(2026, 12, 2))
