"""Numbers and times as people read them: Persian digits and Jalali dates where the language is Persian."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from persiantools.digits import en_to_fa

from worker.domain.calendars import format_date
from worker.exports.table import Language

_PERSIAN_SIGNS = str.maketrans({".": "٫", ",": "٬", "%": "٪"})


def number(value: float, language: Language) -> str:
    """A number: a whole one as it is, for it may be an identifier; others with at most one decimal."""
    text = str(value) if isinstance(value, int) else f"{_rounded(value):,}".removesuffix(".0")
    return _persian(text) if language == "fa" else text


def percent(value: float, language: Language) -> str:
    """A percentage, from 0 to 100, with at most one decimal."""
    text = f"{_rounded(value)}".removesuffix(".0") + "%"
    return _persian(text) if language == "fa" else text


def duration(seconds: float, language: Language) -> str:
    """Hours, minutes and seconds; hours do not wrap at a day."""
    sign, whole = ("-" if seconds < 0 else ""), round(abs(seconds))
    text = f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return en_to_fa(text) if language == "fa" else text


def day(value: date, language: Language) -> str:
    """A date: ISO for English readers, Jalali for Persian ones."""
    return jalali(value) if language == "fa" else date(value.year, value.month, value.day).isoformat()


def moment(value: datetime, language: Language) -> str:
    """The wall-clock time where `value` stands, to the minute, with its date."""
    clock = f"{value:%H:%M}"
    return f"{day(value, language)} {en_to_fa(clock) if language == 'fa' else clock}"


def jalali(value: date) -> str:
    """The Jalali date in Persian digits; a date outside that calendar stays Gregorian."""
    try:
        return format_date(date(value.year, value.month, value.day), "fa")
    except ValueError:
        return en_to_fa(date(value.year, value.month, value.day).isoformat())


def _rounded(value: float) -> Decimal:
    """One decimal, halves upwards, as spreadsheets do: the page and the workbook then say the same."""
    return Decimal(repr(value)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _persian(text: str) -> str:
    return en_to_fa(text.translate(_PERSIAN_SIGNS))
