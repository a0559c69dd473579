"""When a row of our own table says that a class is: by cron, by weekday and hour, or on one date."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TypeVar

from worker.domain.calendars import InvalidDate, parse_clock, parse_date, parse_instant, parse_weekday, weekday_name
from worker.domain.text import ascii_digits
from worker.domain.timetable import InvalidRule, Rule, normalise_cron, weeks_rule
from worker.timetables.cells import Row, spellings
from worker.timetables.defaults import Defaults
from worker.timetables.slots import weekly_cron
from worker.timetables.values import SittingDraft, SlotDraft

_T = TypeVar("_T")
_DAYS_APART = re.compile(r"[،,;/+]|\s+و\s+|\s+and\s+")
_WEEKS = spellings(all=("همه", "هر هفته"), odd=("فرد", "ف"), even=("زوج", "ز"))
_YES_NO = spellings(false=("no", "0", "خیر"), true=("yes", "1", "بله"))


def when_of(row: Row, timezone: str, defaults: Defaults) -> SlotDraft | SittingDraft:
    """The slot of a row, or its one sitting where the row names a date. `cron` wins over `day`."""
    if day := row.day("date"):
        _check_date(row, day)
        return _sitting(row, timezone)
    if row.text("cron") or not any(row.text(name) for name in ("day", "date", "start")):
        return _slot(row, timezone, defaults, _said(row, "cron", normalise_cron, row.needed("cron")), _minutes(row))
    if row.text("day"):
        start = _said(row, "start", parse_clock, row.needed("start"))
        cron = weekly_cron(_days(row), start)
        return _slot(row, timezone, defaults, cron, _length(row, start))
    return _sitting(row, timezone)


def _check_date(row: Row, day: date) -> None:
    """A date is one sitting; what recurs beside it is meant otherwise."""
    if row.text("cron"):
        raise row.bad("date", "has a cron as well", "write a date and a start, or a cron in a row of its own")
    if row.text("day") and set(_days(row)) != {day.weekday()}:
        remedy = "write that day alone, or no date for a class of each week"
        raise row.bad("day", f"{row.text('date')} is a {weekday_name(day, 'en')}, not {row.text('day')}", remedy)


def _said(row: Row, column: str, read: Callable[..., _T], *given: str) -> _T:
    """What a reader makes of a cell; its complaint names the cell."""
    try:
        return read(*given)
    except (InvalidRule, InvalidDate) as error:
        problem, _, remedy = str(error).partition("; ")
        raise row.bad(column, problem, remedy) from error


def _slot(row: Row, timezone: str, defaults: Defaults, cron: str, minutes: int) -> SlotDraft:
    first, last = row.day("from") or defaults.from_date, row.day("until") or defaults.until_date
    every, anchor = _weeks(row, first)
    try:
        Rule(cron, minutes, timezone, first, last, every, anchor)
    except InvalidRule as error:
        problem, _, remedy = str(error).partition("; ")
        raise row.bad("until" if first and last and first > last else "weeks", problem, remedy) from error
    return SlotDraft(cron, minutes, first, last, every, anchor, row.number)


def _minutes(row: Row) -> int:
    row.needed("minutes")
    return row.whole_in("minutes", 1, 1440) or 0


def _days(row: Row) -> list[int]:
    names = [name for name in _DAYS_APART.split(row.needed("day")) if name.strip()]
    found = [(name, parse_weekday(name)) for name in names]
    for name, day in found:
        if day is None:
            raise row.bad("day", f"{name.strip()!r} is not a day of the week", "write it as Saturday or شنبه")
    return [day for _, day in found if day is not None]


def _length(row: Row, start: timedelta) -> int:
    if start == timedelta(days=1):
        raise row.bad("start", "24:00 is the end of a day", "write 00:00, with the day that begins then")
    if not row.text("end"):
        return _minutes(row)
    end = _said(row, "end", parse_clock, row.text("end"))
    if end == start:
        raise row.bad("end", "the class ends when it begins", "write a later end")
    if end < start:
        raise row.bad("end", "the class ends before it begins", "exchange start and end")
    return int((end - start).total_seconds()) // 60


def _weeks(row: Row, first: date | None) -> tuple[int, date | None]:
    every, mark, anchor = row.text("weeks").partition("@")
    if mark:  # "3@2026-09-19": every third week, counted from the week of that day
        number = ascii_digits(every).strip()
        if not re.fullmatch(r"[1-9]\d?", number, re.ASCII):
            raise row.bad("weeks", f"{every!r} is no number of weeks", "write it as 2@2026-09-19")
        return int(number), _said(row, "weeks", parse_date, anchor)
    try:
        return weeks_rule(row.choice("weeks", _WEEKS, "all"), first)  # type: ignore[arg-type]
    except InvalidRule as error:
        raise row.bad("from", str(error).partition("; ")[0], "write the first day of the term") from error


def _sitting(row: Row, timezone: str) -> SittingDraft:
    start = _instant(row, "start", timezone)
    end = _instant(row, "end", timezone) if row.text("end") else start + timedelta(minutes=_minutes(row))
    if not timedelta() < end - start <= timedelta(days=1):
        raise row.bad("end", "the class ends before it begins, or after more than a day", "mend start or end")
    original = _said(row, "original", parse_instant, row.text("original"), timezone) if row.text("original") else None
    cancelled = row.choice("cancelled", _YES_NO, "false") == "true"
    return SittingDraft(start, end, cancelled, original or (start if cancelled else None))


def _instant(row: Row, column: str, timezone: str) -> datetime:
    """A time of day on the date of the row, or a whole date and time in one cell."""
    text = f"{row.text('date')} {row.needed(column)}" if row.text("date") else row.needed(column)
    return _said(row, column, parse_instant, text, timezone)
