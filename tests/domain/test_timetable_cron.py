"""Cron expressions: one spelling for those we take, and a hint for those we do not."""

from datetime import date

import pytest

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
        ("*/0 9 * * *", "five fields"),
        ("0 9 31 2 *", "never comes"),
        ("0 9 31 4,6 *", "never comes"),
        ("60 9 * * *", "five fields"),
        ("0 24 * * *", "five fields"),
        ("0 9 * * 8", "five fields"),
        ("0 9 0 * *", "five fields"),
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


def test_day_of_month_or_weekday():
    fields = cron_fields("0 9 1 * MON")
    assert fields.holds_on(date(2026, 12, 1))  # a Tuesday, the first
    assert fields.holds_on(date(2026, 12, 7))  # a Monday
    assert not fields.holds_on(date(2026, 12, 2))
