"""Slots from days and hours, for tables of people who do not write cron."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from worker.domain.timetable import InvalidRule, weeks_rule
from worker.timetables.cells import Row
from worker.timetables.defaults import Defaults
from worker.timetables.values import SlotDraft

Weeks = Literal["all", "odd", "even"]
DAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_FROM_SATURDAY = (5, 6, 0, 1, 2, 3, 4)


def weekly_cron(days: Iterable[int], start: timedelta) -> str:
    """The expression for a time on some days of the week, Monday = 0."""
    names = ",".join(DAY_NAMES[day] for day in sorted(set(days), key=_FROM_SATURDAY.index))
    minutes = int(start.total_seconds()) // 60
    return f"{minutes % 60} {minutes // 60 % 24} * * {names}"


def weekly_slot(
    row: Row, days: Iterable[int], start: timedelta, end: timedelta, weeks: Weeks, defaults: Defaults
) -> SlotDraft:
    """A slot from start to a later end, that recurs each week, or each second week."""
    first, last = defaults.from_date, defaults.until_date
    try:
        every, anchor = weeks_rule(weeks, first)
    except InvalidRule as error:
        raise row.bad("weeks", str(error).partition("; ")[0], "pass --from with the first day of the term") from error
    minutes = int((end - start).total_seconds()) // 60
    return SlotDraft(weekly_cron(days, start), minutes, first, last, every, anchor, row.number)
