"""Holidays are suggested, and estimates are marked."""

from datetime import date

import pytest

from worker.domain.holidays import UnknownCountry, suggested_holidays


def test_nowruz_in_two_languages():
    persian = {one.day: one for one in suggested_holidays("ir", [2027], "fa")}
    english = {one.day: one for one in suggested_holidays("IR", [2027], "en")}
    assert not persian[date(2027, 3, 21)].estimated
    assert "نوروز" in persian[date(2027, 3, 21)].title
    assert "Nowruz" in english[date(2027, 3, 21)].title
    assert set(persian) == set(english)


@pytest.mark.parametrize("language", ["fa", "en"])
def test_lunar_days_to_come_are_estimates(language):
    assert any(one.estimated for one in suggested_holidays("IR", [2028], language))


def test_a_language_that_a_country_does_not_have():
    assert suggested_holidays("DE", [2026], "fa")


def test_an_unknown_country():
    with pytest.raises(UnknownCountry, match="such as IR"):
        suggested_holidays("XX", [2026], "fa")
