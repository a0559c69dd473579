"""From rules to starts: processor time a course, and thirteen times of year at which clocks change.

croniter and croniter-rs are asked course by course in the course's zone, as their documentation shows; what croniter-rs
gives without a zone is read as the wall clock of that zone. What is right, `dateutil` says, after RFC 5545: a time that
spring skips moves forward by the gap, of one that autumn repeats the first holds.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import croniter_rs
from croniter import croniter
from dateutil import tz

from benchmarks.harness import Ratio, measure, verdict
from worker.domain import cron, timetable
from worker.domain.timetable import Rule, to_utc

ZONE = "Asia/Tehran"
AFTER, BEFORE = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC)
#: Two days a week, every half hour of the day: what the courses of a large school have in common.
CRONS = [
    f"{minute} {hour} * * {day},{(day + 2) % 7}" for day in range(7) for hour in range(8, 18) for minute in (0, 30)
]
_SAMPLE = 500  #: courses that the others are asked; it costs them the same for each
_BOUNDS = {"croniter": 1 / 100, "croniter-rs": 1 / 5}
#: Expression, zone, first day, day after the last.
_CHANGES = (
    ("30 2 * * *", "Europe/Berlin", date(2026, 3, 27), date(2026, 4, 1)),
    ("30 2 * * *", "Europe/Berlin", date(2026, 10, 23), date(2026, 10, 28)),
    ("30 2 * * 0", "Europe/Berlin", date(2026, 3, 20), date(2026, 4, 10)),
    ("30 2 * * 0", "Europe/Berlin", date(2026, 10, 16), date(2026, 11, 6)),
    ("0 9 * * 1-5", "Europe/Berlin", date(2026, 3, 23), date(2026, 4, 4)),
    ("0 9 * * 1-5", "Europe/Berlin", date(2026, 10, 19), date(2026, 10, 31)),
    ("30 2 * * *", "America/New_York", date(2026, 3, 6), date(2026, 3, 11)),
    ("30 1 * * *", "America/New_York", date(2026, 10, 30), date(2026, 11, 4)),
    ("0 9 * * 1-5", "America/New_York", date(2026, 3, 2), date(2026, 3, 14)),
    ("0 9 * * 1-5", "America/New_York", date(2026, 10, 26), date(2026, 11, 7)),
    ("30 0 * * *", "Asia/Tehran", date(2022, 3, 20), date(2022, 3, 25)),
    ("30 23 * * *", "Asia/Tehran", date(2022, 9, 19), date(2022, 9, 24)),
    ("30 7 * * 6,1", "Asia/Tehran", date(2026, 3, 14), date(2026, 4, 4)),
)


def ours(courses: int) -> int:
    """Every course from its text, nothing remembered from before."""
    for cached in (timetable._expand, timetable._checked, timetable.known_zone, cron.normalise_cron, cron.cron_fields):
        cached.cache_clear()
    return sum(
        len(timetable.starts(Rule(CRONS[number % len(CRONS)], 90, ZONE), AFTER, BEFORE)) for number in range(courses)
    )


def theirs(make: Callable[..., Any], courses: int) -> int:
    """One walk a course, in the course's zone."""
    count, zone = 0, ZoneInfo(ZONE)
    begin = AFTER.astimezone(zone)
    for number in range(courses):
        walk = make(CRONS[number % len(CRONS)], begin, ret_type=datetime)
        end = BEFORE if walk.get_next().tzinfo else BEFORE.astimezone(zone).replace(tzinfo=None)
        count += 1
        while walk.get_next() < end:
            count += 1
    return count


def expansion(sizes: Sequence[int]) -> Iterator[list[object]]:
    """R1."""
    peers = {"croniter": croniter, "croniter-rs": croniter_rs.croniter}
    assert {ours(_SAMPLE)} == {theirs(make, _SAMPLE) for make in peers.values()}
    cases: dict[str, Callable[[], object]] = {str(size): partial(ours, size) for size in sizes}
    cases |= {name: partial(theirs, make, _SAMPLE) for name, make in peers.items()}
    found = measure(cases, rounds=5)
    for size in sizes:
        for name, bound in _BOUNDS.items():
            raw, scale = found.ratio(str(size), name), _SAMPLE / size
            ratio = Ratio(raw.median * scale, raw.low * scale, raw.high * scale)
            held = (f"{bound:g}", verdict(ratio, bound)) if size == sizes[-1] else ("", "")
            told = f"ours {median(found.cpu[str(size)]):.2g} s, theirs {median(found.cpu[name]) / scale:.2g} s"
            yield ["R1", f"{size:,} courses, ours / {name}, CPU", ratio, told, *held]


def changes_of_clocks() -> Iterator[list[object]]:
    """R2."""
    readers: dict[str, Callable[..., list[datetime]]] = {
        "ours": _ours_between,
        "croniter": partial(_walked, croniter),
        "croniter-rs": partial(_walked, croniter_rs.croniter),
    }
    for name, read in readers.items():
        exact = sum(read(*case) == _right(*case) for case in _CHANGES)
        bound, kept = (len(_CHANGES), "yes" if exact == len(_CHANGES) else "NO") if name == "ours" else ("", "")
        yield ["R2", f"changes of clocks, exact of {len(_CHANGES)}, {name}", exact, "", bound, kept]


def _bounds(zone: str, first: date, end: date) -> tuple[datetime, datetime]:
    inside = ZoneInfo(zone)
    return datetime.combine(first, time(), inside), datetime.combine(end, time(), inside)


def _ours_between(text: str, zone: str, first: date, end: date) -> list[datetime]:
    since, until = _bounds(zone, first, end)
    return timetable.starts(Rule(text, 60, zone), since.astimezone(UTC), until.astimezone(UTC))


def _walked(make: Callable[..., Any], text: str, zone: str, first: date, end: date) -> list[datetime]:
    since, until = _bounds(zone, first, end)
    walk, found = make(text, since - timedelta(seconds=1), ret_type=datetime), list[datetime]()
    while True:
        start: datetime = walk.get_next()
        start = start.astimezone(UTC) if start.tzinfo else to_utc(start, ZoneInfo(zone))
        if start >= until.astimezone(UTC):
            return found
        found.append(start)


def _right(text: str, zone: str, first: date, end: date) -> list[datetime]:
    minute, hour, *_, days = text.split()
    named = {"*": range(7), "1-5": range(1, 6)}.get(days) or [int(day) for day in days.split(",")]
    every = (first + timedelta(days=number) for number in range((end - first).days))
    clock = (datetime.combine(day, time(int(hour), int(minute))) for day in every if day.isoweekday() % 7 in named)
    return [tz.resolve_imaginary(each.replace(tzinfo=tz.gettz(zone))).astimezone(UTC) for each in clock]
