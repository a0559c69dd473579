"""Public holidays as suggestions: lunar days of years to come are estimates, and must cancel nothing unasked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import holidays


class UnknownCountry(ValueError):
    """No holidays are known for it."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A run of days without classes, and whether its date is an estimate. `until` is the last day, None for one day."""

    day: date
    title: str
    estimated: bool = False
    until: date | None = None


_LANGUAGES = {"fa": "fa_IR", "en": "en_US", "ar": "ar"}
_OTHERWISE = "en_US"
_ESTIMATED = re.compile(r"\s*\([^()]*(?:تخمینی|estimated|تقديري|المقدرة)[^()]*\)$")


def suggested_holidays(country: str, years: Iterable[int], language: str) -> tuple[Holiday, ...]:
    """The public holidays of a country (`IR`) in Gregorian years, in the language where it is known, else English."""
    code = country.strip().upper()
    known = holidays.list_localized_countries().get(code, [])
    named = next((name for name in (_LANGUAGES.get(language), _OTHERWISE) if name in known), None)
    try:
        found = holidays.country_holidays(code, years=sorted(set(years)), language=named)
    except NotImplementedError as error:
        raise UnknownCountry(f"no holidays are known for {country!r}; write a code such as IR") from error
    # Each title stands alone: an estimated feast must not make Nowruz, on the same day, an estimate.
    return tuple(_holiday(day, title) for day, titles in sorted(found.items()) for title in titles.split("; "))


def _holiday(day: date, title: str) -> Holiday:
    plain = _ESTIMATED.sub("", title)
    return Holiday(day, plain, plain != title)
