"""Dates as schools write them: Gregorian or Jalali, in Persian, Arabic or Latin digits."""

import re
from datetime import UTC, date, datetime, time, timedelta

from persiantools.jdatetime import JalaliDate

from worker.domain.text import ascii_digits, match_key
from worker.domain.timetable import known_zone, to_utc


class InvalidDate(ValueError):
    """A date or time that cannot be read. The message says what to write."""


_JALALI = range(1200, 1700)
#: No class is held later.
LAST_YEAR = 2199
_GREGORIAN = range(1900, LAST_YEAR + 1)
_DATE = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})", re.ASCII)
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,6})?)?\s*(?P<offset>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
#: Monday first, as `date.weekday()` counts.
WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "fa": ("دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه", "یکشنبه"),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
}
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def parse_date(text: str) -> date:
    """A day from `2026-11-24`, `1405/09/03` or `۱۴۰۵/۰۹/۰۳`; years before 1700 are Jalali."""
    found = _DATE.fullmatch(ascii_digits(text).strip())
    if found is None:
        raise InvalidDate(f"{text!r} is not a date; write it as 2026-11-24 or 1405/09/03")
    try:
        return _day(*(int(found[part]) for part in ("year", "month", "day")))
    except ValueError as error:
        raise InvalidDate(f"{text!r} is a day that no calendar has; check year, month and day") from error


def _day(year: int, month: int, day: int) -> date:
    if year in _JALALI:
        return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
    if year not in _GREGORIAN:
        raise ValueError(f"year {year}")
    return date(year, month, day)


def parse_year(text: str) -> tuple[date, date]:
    """First and last day of a year such as `2026`, `1405` or `۱۴۰۵`; years before 1700 are Jalali."""
    plain = ascii_digits(text).strip()
    if not re.fullmatch(r"\d{4}", plain, re.ASCII):
        raise InvalidDate(f"{text!r} is not a year; write it as 2026 or 1405")
    try:
        return _day(int(plain), 1, 1), _day(int(plain) + 1, 1, 1) - timedelta(days=1)
    except ValueError as error:
        raise InvalidDate(f"{text!r} is a year that no calendar here has; write it as 2026 or 1405") from error


def parse_instant(text: str, timezone: str) -> datetime:
    """An instant in UTC, from ISO 8601 with an offset, or from the wall clock of the zone where no offset is given."""
    day_text, _, time_text = ascii_digits(text).strip().replace("T", " ").replace("t", " ").partition(" ")
    found = _TIME.fullmatch(time_text.strip())
    if found is None:
        raise InvalidDate(
            f"{text!r} is not a date with a time of day; write it as 2026-11-24T09:00 or 1405/09/03 09:00"
        )
    try:
        local = datetime.combine(parse_date(day_text), _clock(found))
        return _at_offset(local, found["offset"]) if found["offset"] else to_utc(local, known_zone(timezone))
    except InvalidDate:
        raise
    except (ValueError, OverflowError) as error:
        raise InvalidDate(f"{text!r} is a time that no clock shows; check hour, minute and offset") from error


def day_begins(text: str, timezone: str) -> datetime:
    """The first instant of a day as it is written."""
    return day_span(parse_date(text), timezone)[0]


def day_ends(text: str, timezone: str) -> datetime:
    """The first instant after a day as it is written."""
    return day_span(parse_date(text), timezone)[1]


def day_span(day: date, timezone: str) -> tuple[datetime, datetime]:
    """From the beginning of a day in a zone to that of the next: not 24 hours where clocks change, nor from midnight
    where they skip it."""
    zone, midnight = known_zone(timezone), datetime.combine(day, time())
    return to_utc(midnight, zone), to_utc(midnight + timedelta(days=1), zone)


def _clock(found: re.Match[str]) -> time:
    return time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))


def _at_offset(local: datetime, offset: str) -> datetime:
    return datetime.fromisoformat(local.isoformat() + offset.upper().replace("Z", "+00:00")).astimezone(UTC)


def parse_clock(text: str) -> timedelta:
    """A time of day, such as `7:30`, as the span since midnight. `24:00` is the end of the day."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})(?::00)?", ascii_digits(text).strip(), re.ASCII)
    if found is None:
        raise InvalidDate(f"{text!r} is not a time of day; write it as 07:30")
    span = timedelta(hours=int(found[1]), minutes=int(found[2]))
    if int(found[2]) > 59 or span > timedelta(days=1):
        raise InvalidDate(f"{text!r} is a time that no clock shows; write 00:00 to 24:00")
    return span


def local_text(instant: datetime, timezone: str) -> str:
    """An instant as people of the zone write it, with the zone: `2026-11-24 09:00 (Asia/Tehran)`."""
    return f"{instant.astimezone(known_zone(timezone)):%Y-%m-%d %H:%M} ({timezone})"


def format_date(day: date, language: str) -> str:
    """The day as readers of the language write it: Jalali for Persian, ISO 8601 for others."""
    if language != "fa":
        return day.isoformat()
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]
    return f"{jalali.year:04}/{jalali.month:02}/{jalali.day:02}".translate(_PERSIAN_DIGITS)


def persian_digits(text: str) -> str:
    """The same text with the digits that readers of Persian write."""
    return text.translate(_PERSIAN_DIGITS)


def weekday_name(day: date, language: str) -> str:
    """The weekday in `fa`, `ar` or English."""
    return WEEKDAYS.get(language, WEEKDAYS["en"])[day.weekday()]


def parse_weekday(name: str) -> int | None:
    """Monday = 0, from a name in Persian, Arabic, English or another tongue of timetables; None if unknown."""
    return _NUMBERS.get(match_key(name))


_OTHER_NAMES = (
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("دو شنبه", "سه شنبه", "چهار شنبه", "پنج شنبه", "آدینه", "شنبه", "یک شنبه"),
    ("الإثنين", "الثلاثاء", "الاربعاء", "الخميس", "الجمعه", "السبت", "الاحد"),
    ("اثنين", "ثلاثاء", "أربعاء", "خميس", "جمعة", "سبت", "أحد"),
    ("Hétfő", "Kedd", "Szerda", "Csütörtök", "Péntek", "Szombat", "Vasárnap"),
    ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    ("Mo", "Di", "Mi", "Do", "Fr", "Sonnabend", "So"),
    ("Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi", "Dimanche"),
    ("Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo"),
    ("Lunedì", "Martedì", "Mercoledì", "Giovedì", "Venerdì", "Sabato", "Domenica"),
    ("Segunda", "Terça", "Quarta", "Quinta", "Sexta", "Sábado", "Domingo"),
    ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"),
    ("Luni", "Marți", "Miercuri", "Joi", "Vineri", "Sâmbătă", "Duminică"),
    ("Poniedziałek", "Wtorek", "Środa", "Czwartek", "Piątek", "Sobota", "Niedziela"),
    ("Понедельник", "Вторник", "Среда", "Четверг", "Пятница", "Суббота", "Воскресенье"),
    ("Δευτέρα", "Τρίτη", "Τετάρτη", "Πέμπτη", "Παρασκευή", "Σάββατο", "Κυριακή"),
)
_NUMBERS = {
    match_key(name): number
    for names in (*reversed(_OTHER_NAMES), *WEEKDAYS.values())
    for number, name in enumerate(names)
}
