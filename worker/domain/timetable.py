"""From the rule of a slot to its starts in UTC. Daylight saving lives here and nowhere else.

A rule is read in naive local time: "every Saturday at 9:00". Only then is each start resolved in its zone, so 9:00
stays 9:00 all year. A start that the spring change skips moves forward by the gap; of one that autumn repeats, the
earlier holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from worker.domain.cron import CronFields, InvalidRule, cron_fields, normalise_cron

__all__ = ["InvalidRule", "Rule", "known_zone", "normalise_cron", "phase", "starts", "to_utc", "weeks_rule"]

SATURDAY = 5
_MINUTES_A_DAY = 1440


@lru_cache(maxsize=1024)
def known_zone(name: str) -> ZoneInfo:
    """The time zone of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not found, "../x", a directory such as "Asia"
        raise InvalidRule(f"{name!r} is not a time zone; write a name such as Asia/Tehran") from error


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clocks of a zone show this time: after the gap if they skip it, the earlier of two."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a course recurs. `valid_until` is the last day, included; `anchor` lies in a week that counts."""

    cron: str
    minutes: int
    timezone: str
    valid_from: date | None = None
    valid_until: date | None = None
    every_weeks: int = 1
    anchor: date | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "cron", _checked(self.cron, self.timezone))
        _check_length(self.minutes)
        _check_span(self.valid_from, self.valid_until)
        _check_weeks(self.every_weeks, self.anchor)


@lru_cache(maxsize=8192)
def _checked(cron: str, timezone: str) -> str:
    """The one spelling of an expression; thousands of rules share theirs."""
    known_zone(timezone)
    return normalise_cron(cron)


def _check_length(minutes: int) -> None:
    if not 1 <= minutes <= _MINUTES_A_DAY:
        raise InvalidRule(f"a length of {minutes} minutes is impossible; write 1 to {_MINUTES_A_DAY}")


def _check_span(first: date | None, last: date | None) -> None:
    if first and last and first > last:
        raise InvalidRule(f"the last day {last} comes before the first {first}; exchange them")


def _check_weeks(every_weeks: int, anchor: date | None) -> None:
    if every_weeks < 1:
        raise InvalidRule(f"every {every_weeks} weeks is impossible; write 1 for every week, 2 for every second")
    if every_weeks > 1 and anchor is None:
        raise InvalidRule(f"every {every_weeks} weeks needs a day in a week that counts; give the first day")


class _Start(NamedTuple):
    day: int  # ordinal of the local date the rule names, which the gap may have left
    at: datetime


def starts(rule: Rule, after: datetime, before: datetime, *, week_start: int = SATURDAY) -> list[datetime]:
    """All starts in UTC with `after <= start < before`, in order, each once. `week_start` counts from Monday = 0."""
    found = _expand(rule.cron, rule.timezone, after, before)
    if rule.every_weeks == 1 and found.lies_within(rule.valid_from, rule.valid_until):
        return list(found.distinct)
    return _distinct(start for start in found.all if _holds(rule, start.day, week_start))


def _holds(rule: Rule, day: int, week_start: int) -> bool:
    """Whether the rule holds on the day it names, so that a start moved past midnight still belongs to its own day."""
    if rule.valid_from is not None and day < rule.valid_from.toordinal():
        return False
    if rule.valid_until is not None and day > rule.valid_until.toordinal():
        return False
    return _counts(rule, day, week_start)


def _distinct(found: Iterable[_Start]) -> list[datetime]:
    return list(dict.fromkeys([at for _, at in found]))  # the gap can push one start onto the next


def _counts(rule: Rule, day: int, week_start: int) -> bool:
    if rule.every_weeks == 1 or rule.anchor is None:
        return True
    return (_week(day, week_start) - _week(rule.anchor.toordinal(), week_start)) % rule.every_weeks == 0


def phase(every_weeks: int, anchor: date | None, week_start: int = SATURDAY) -> int:
    """Which of every n weeks counts: two anchors of one phase mean the same weeks."""
    return 0 if anchor is None else _week(anchor.toordinal(), week_start) % every_weeks


def _week(day: int, week_start: int) -> int:
    return (day - 1 - week_start) // 7  # day 1 was a Monday


class _Expansion(NamedTuple):
    """The starts of an expression in a window, in order."""

    all: Sequence[_Start]
    distinct: Sequence[datetime]
    first_day: date
    last_day: date

    def lies_within(self, first: date | None, last: date | None) -> bool:
        return (first is None or first <= self.first_day) and (last is None or self.last_day <= last)


@lru_cache(maxsize=4096)
def _expand(cron: str, timezone: str, after: datetime, before: datetime) -> _Expansion:
    """Every start of an expression in a zone and a window, shared by all rules that have these in common."""
    zone, fields = known_zone(timezone), cron_fields(cron)
    # Two days on either side: zones reach 14 hours from UTC, and a gap may swallow a whole day (Apia, 2011).
    locals_ = _locals(fields, _day(after) - 2, _day(before) + 2)
    found = (_Start(local.toordinal(), to_utc(local, zone)) for local in locals_)
    held = sorted((start for start in found if after <= start.at < before), key=lambda start: start.at)
    days = [start.day for start in held] or [_day(after)]
    return _Expansion(held, _distinct(held), date.fromordinal(min(days)), date.fromordinal(max(days)))


def _day(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; pass an aware time")
    return instant.astimezone(UTC).toordinal()


def _locals(fields: CronFields, first_day: int, last_day: int) -> Iterator[datetime]:
    clock = [timedelta(hours=hour, minutes=minute) for hour in fields.hours for minute in fields.minutes]
    for ordinal in range(max(first_day, 1), min(last_day, date.max.toordinal()) + 1):
        day = date.fromordinal(ordinal)
        if fields.holds_on(day):
            midnight = datetime.combine(day, time())
            yield from (midnight + at for at in clock)


def weeks_rule(weeks: Literal["all", "odd", "even"], valid_from: date | None) -> tuple[int, date | None]:
    """`every_weeks` and `anchor`. The week of the first day is odd, the next is even."""
    if weeks == "all":
        return 1, None
    if valid_from is None:
        raise InvalidRule(f"{weeks} weeks are counted from the first day of the term; give that day")
    return 2, valid_from if weeks == "odd" else valid_from + timedelta(weeks=1)
