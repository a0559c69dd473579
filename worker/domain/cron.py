"""Cron expressions of five fields: checked, written in one way, and read as sets of numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from croniter import CroniterError, croniter

from worker.domain.text import ascii_digits


class InvalidRule(ValueError):
    """A rule that cannot be meant. The message says what is wrong and what to do."""


_HELP = 'write five fields such as "0 9 * * 6" or "30 7 * * SAT,MON" (minute, hour, day, month, weekday)'
_LONGEST = 200
_LIMITS = {"minute": 59, "hour": 23, "day": 31, "month": 12, "weekday": 7}
_FIRST = {"minute": 0, "hour": 0, "day": 1, "month": 1, "weekday": 0}
_NAMES = {
    "month": ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    "weekday": ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
_ITEM = re.compile(r"(?:\*|(?P<low>[0-9]+|[A-Z]+)(?:-(?P<high>[0-9]+|[A-Z]+))?)(?:/(?P<step>[0-9]+))?")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class CronFields:
    """What an expression names. `None` stands for a `*`, which cron treats unlike the full set."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    def holds_on(self, day: date) -> bool:
        """Whether the day is named: cron joins day of month and weekday with "or" where both are given."""
        if self.months is not None and day.month not in self.months:
            return False
        named = []
        if self.days is not None:
            named.append(day.day in self.days)
        if self.weekdays is not None:
            named.append(day.isoweekday() % 7 in self.weekdays)
        return not named or any(named)


@lru_cache(maxsize=8192)
def normalise_cron(text: str) -> str:
    """The one spelling we keep of an expression: ASCII digits, upper-case names, single spaces."""
    plain = ascii_digits(text).upper().split()
    if len(text) > _LONGEST or len(plain) != len(_LIMITS):
        raise _refused(text, _hint(plain))
    fields = [_normal_field(text, name, field) for name, field in zip(_LIMITS, plain, strict=True)]
    try:
        croniter.expand(" ".join(fields))
    except (CroniterError, ValueError) as error:
        raise _refused(text, _HELP) from error
    return _possible(" ".join(fields))


def _refused(text: str, hint: str) -> InvalidRule:
    shown = text if len(text) <= _LONGEST else text[:40] + "..."
    return InvalidRule(f"{shown!r} is not a cron expression; {hint}")


def _hint(fields: list[str]) -> str:
    if fields and fields[0].startswith("@"):
        return f"names such as @daily are not taken, {_HELP}"
    if len(fields) in (6, 7):
        return f"seconds and years are not taken, {_HELP}"
    return _HELP


def _normal_field(text: str, name: str, field: str) -> str:
    if re.search(r"[?#]|^L$|[0-9]L|L[0-9]|[0-9]W|^[HR](\W|$)", field):
        raise _refused(text, f"Quartz and Jenkins signs (? L W # H R) are not taken, {_HELP}")
    return ",".join(_normal_item(text, name, item) for item in field.split(","))


def _normal_item(text: str, name: str, item: str) -> str:
    found = _ITEM.fullmatch(item)
    if found is None or (item.startswith("*") and item not in ("*", f"*/{found['step']}")):
        raise _refused(text, _HELP)
    low, high, step = (_normal_value(text, name, found[part]) for part in ("low", "high", "step"))
    _check_meaning(text, name, low, high, step)
    if low is not None and high is not None and step is not None and _is_around(name, low, high):
        return ",".join(_around(name, _number(name, low), _number(name, high), int(step)))
    body = "*" if low is None else low if high is None else f"{low}-{high}"
    return body if step is None else f"{body}/{step}"


def _is_around(name: str, low: str, high: str) -> bool:
    """Whether a range goes over the end of its field, as `SAT-WED` does."""
    return _LIMITS[name] >= _number(name, low) > _number(name, high)


def _around(name: str, low: int, high: int, step: int) -> list[str]:
    """Such a range with a step, `SAT-WED/2`, value by value: croniter begins to count again at the field's first."""
    first = _FIRST[name]
    size = _top(name) - first + 1
    return [str((low - first + gone) % size + first) for gone in range(0, high - low + size + 1, step)]


def _normal_value(text: str, name: str, value: str | None) -> str | None:
    if value is None or value in _NAMES.get(name, ()):
        return value
    if not value.isdecimal() or len(value) > 4 or int(value) < _FIRST[name]:
        raise _refused(text, f"{value!r} is no {name}, {_HELP}")
    return str(int(value))


def _check_meaning(text: str, name: str, low: str | None, high: str | None, step: str | None) -> None:
    """Refuse what different crons read differently, `SAT/2` and `5-5`, and steps no field is long enough for."""
    if step is not None and int(step) == 0:
        raise _refused(text, f"a step of 0 leads nowhere, {_HELP}")
    if step is not None and int(step) > _LIMITS[name]:
        raise _refused(text, f"a step of {step} is longer than the {name} field, write a list of {name}s or *")
    if low is not None and low == high:
        raise _refused(text, f"a range from {low} to {low} is read in two ways, write {low} alone or *")
    if low is not None and high is None and step is not None and _number(name, low) + int(step) > _top(name):
        raise _refused(
            text, f"{low}/{step} is read in two ways, write {low} alone or a range such as {low}-{_top(name)}"
        )


def _top(name: str) -> int:
    return 6 if name == "weekday" else _LIMITS[name]


def _number(name: str, value: str) -> int:
    names = _NAMES.get(name, ())
    return int(value) if value.isdecimal() else names.index(value) + (name == "month")


def _possible(cron: str) -> str:
    fields = cron_fields(cron)
    if fields.days is None or fields.weekdays is not None:
        return cron
    if min(fields.days) > max(_LONGEST_MONTHS[month - 1] for month in fields.months or range(1, 13)):
        raise InvalidRule(f"{cron!r} names a day that never comes; choose a day that its months have")
    return cron


@lru_cache(maxsize=8192)
def cron_fields(cron: str) -> CronFields:
    """The sets of numbers that a normal expression names."""
    minutes, hours, days, months, weekdays = croniter.expand(cron)[0]
    return CronFields(
        tuple(_numbers(minutes) or range(60)),
        tuple(_numbers(hours) or range(24)),
        _set(days),
        _set(months),
        _set(weekdays),
    )


def _numbers(field: Sequence[int | str]) -> list[int]:
    return [] if "*" in field else sorted(int(value) for value in field)


def _set(field: Sequence[int | str]) -> frozenset[int] | None:
    return frozenset(_numbers(field)) or None
