"""Events that no cron expression can say -> dated sittings, expanded by `recurring-ical-events`."""

from datetime import UTC, date, datetime, timedelta
from math import prod
from typing import Any

import recurring_ical_events
from icalendar import Calendar

from worker.domain.calendars import InvalidDate, parse_instant
from worker.timetables.defaults import Defaults
from worker.timetables.ics_events import Entry
from worker.timetables.ics_out import ORIGINAL_PROPERTY
from worker.timetables.values import SittingDraft

_FURTHEST = timedelta(days=366)
_MOST_A_DAY = 48


def dated_sittings(
    master: Entry, group: list[Entry], defaults: Defaults, warnings: list[str]
) -> tuple[SittingDraft, ...]:
    """Every sitting of one UID from the first to the last day asked for, else for a year."""
    _check_frequency(master)
    first = max(master.start().date(), defaults.from_date or date.min)
    last = defaults.until_date or first + _FURTHEST
    if _is_endless(master) and defaults.until_date is None:
        warnings.append(
            f"line {master.line}: {master.title[:60]!r} has no end; read until {last}, pass --until for more"
        )
    calendar = Calendar()
    for entry in group:
        calendar.add_component(_anchored(entry))
    found = [_sitting(master, event) for event in _between(master, calendar, first, last)]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.starts_at))


def _check_frequency(master: Entry) -> None:
    """Refuse a rule that would fill the memory."""
    rules = master.event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        times = prod(len(rule.get(name, ())) or 1 for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        if rule.get("FREQ") in (["SECONDLY"], ["MINUTELY"], ["HOURLY"]) or times > _MOST_A_DAY:
            raise master.bad("recurs too often for a class", "write one event for each hour of the day")


def _is_endless(entry: Entry) -> bool:
    rule: Any = entry.event.get("RRULE") or {"COUNT": 1}
    return not isinstance(rule, dict) or not {"UNTIL", "COUNT"} & set(rule)


def _anchored(entry: Entry) -> Any:
    """The event with its floating times in their zone, so that the expansion knows when it is."""
    event = entry.event.copy()
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        moment = entry.moment(name)
        if isinstance(moment, datetime):
            params = {key: value for key, value in event[name].params.items() if key == "RANGE"}
            del event[name]
            event.add(name, entry.aware(moment), params)
    return event


def _between(entry: Entry, calendar: Calendar, first: date, last: date) -> Any:
    try:
        # A moved sitting may lie before the first.
        return recurring_ical_events.of(calendar).between(first - _FURTHEST, last + timedelta(days=1))
    except (ValueError, KeyError, TypeError) as error:
        raise entry.bad(f"cannot be expanded ({str(error)[:120]})", "mend its rule, or remove it") from error


def _sitting(master: Entry, event: Any) -> SittingDraft | None:
    start, end = event["DTSTART"].dt, event["DTEND"].dt
    if not isinstance(start, datetime) or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    if end <= start:
        end = start + master.length()
    return SittingDraft(start.astimezone(UTC), end.astimezone(UTC), original_start=_original(master))


def _original(master: Entry) -> datetime | None:
    """As our own export says it, of a sitting that stands alone."""
    written = str(master.event.get(ORIGINAL_PROPERTY, ""))
    if not written or master.event.get("RRULE") is not None:
        return None
    try:
        return parse_instant(written, "UTC")
    except InvalidDate as error:
        raise master.bad(f"{ORIGINAL_PROPERTY}: {error}", "or remove it") from error
