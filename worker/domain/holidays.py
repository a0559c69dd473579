"""Public holidays as suggestions: lunar days of years to come are estimates, and must cancel nothing unasked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import holidays


class UnknownCountry(ValueError):
    """No holidays are known for it."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """One day, and whether its date is an estimate."""

    day: date
    title: str
    estimated: bool = False


_LANGUAGES = {"fa": "fa_IR", "en": "en_US", "ar": "ar"}
_ESTIMATED = ("تخمینی", "estimated", "تقديري", "المقدرة")


def suggested_holidays(country: str, years: Iterable[int], language: str) -> tuple[Holiday, ...]:
    """The public holidays of a country (`IR`) in Gregorian years, in the language where it is known."""
    code = country.strip().upper()
    known = holidays.list_localized_countries().get(code, [])
    named = _LANGUAGES.get(language)
    try:
        found = holidays.country_holidays(code, years=sorted(set(years)), language=named if named in known else None)
    except NotImplementedError as error:
        raise UnknownCountry(f"no holidays are known for {country!r}; write a code such as IR") from error
    return tuple(Holiday(day, title, any(mark in title for mark in _ESTIMATED)) for day, title in sorted(found.items()))
