"""RRULE -> slots, where five cron fields and "every n weeks" can say the same; else None."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from worker.timetables.defaults import Defaults
from worker.timetables.ics_events import Entry, is_journal, local_day
from worker.timetables.ics_out import COURSE_PROPERTY, Written, slot_as_written
from worker.timetables.slots import DAY_NAMES, weekly_cron
from worker.timetables.values import SittingDraft, SlotDraft

_KNOWN = {"FREQ", "INTERVAL", "BYDAY", "WKST", "UNTIL", "COUNT"}
_ICS_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MOST = 5000


class Recurrence(NamedTuple):
    """The slots of one UID, and the sittings that differ from them."""

    slots: tuple[SlotDraft, ...]
    sittings: tuple[SittingDraft, ...]


def slots_of(
    master: Entry, group: list[Entry], defaults: Defaults, ours: tuple[SlotDraft, ...] | None
) -> Recurrence | None:
    """The same classes as the events of one UID give, or `ours` as we wrote them; None where slots cannot say them."""
    if ours is not None:
        return Recurrence(ours, (*_cancelled(master), *_changed(master, group)))
    rule: Any = master.event.get("RRULE")
    days = _days(master, rule)
    if days is None or not _is_plain(master, group):
        return None
    span = _span(master, rule, defaults)
    if span is None:
        return None
    interval = int(rule.get("INTERVAL", [1])[0])
    slots = tuple(_slots(master, days, interval, str(rule.get("WKST", ["MO"])[0]), span, defaults))
    return Recurrence(slots, (*_first(master, days), *_cancelled(master), *_changed(master, group)))


def slots_as_written(
    groups: Iterable[tuple[Entry, list[Entry]]], defaults: Defaults
) -> dict[int, tuple[SlotDraft, ...]]:
    """The slots of events of ours that nobody has changed, by the line of the event.

    The times of one slot are events of their own. Where all are there, the first stands for the slot and the others for
    nothing; else each is a slot by itself.
    """
    found: dict[tuple[str, str | None, SlotDraft], list[tuple[Entry, Written]]] = {}
    for master, group in groups:
        if (ours := _ours(master, group, defaults)) is not None:
            key = str(master.event.get(COURSE_PROPERTY)), master.zone_name(), ours.whole
            found.setdefault(key, []).append((master, ours))
    return {line: slots for events in found.values() for line, slots in _joined(events)}


def _joined(events: list[tuple[Entry, Written]]) -> Iterator[tuple[int, tuple[SlotDraft, ...]]]:
    times = {ours.told.cron for _, ours in events}
    whole = all(ours.events == len(times) == len(events) for _, ours in events)
    for place, (master, ours) in enumerate(events):
        slot = replace(ours.whole if whole else ours.told, line=master.line)
        yield master.line, () if whole and place else (slot,)


def _ours(master: Entry, group: list[Entry], defaults: Defaults) -> Written | None:
    """What our own export wrote, where nothing has been changed since and no other days are asked for."""
    if is_journal(master):
        return slot_as_written(master.event, master.zone_name() or "")
    if defaults.from_date or defaults.until_date or not _is_plain(master, group):
        return None
    return slot_as_written(master.event, master.zone_name() or "")


def _days(master: Entry, rule: Any) -> list[int] | None:
    """The weekdays of a rule that recurs by weeks, Monday = 0."""
    if not isinstance(rule, dict) or not set(rule) <= _KNOWN or master.event.get("RDATE") is not None:
        return None
    daily = rule["FREQ"] == ["DAILY"]
    if daily and int(rule.get("INTERVAL", [1])[0]) != 1:
        return None
    if not daily and rule["FREQ"] != ["WEEKLY"]:
        return None
    named = [str(day).upper() for day in rule.get("BYDAY", [])]
    if not set(named) <= set(_ICS_DAYS):
        return None
    if named:
        return sorted(_ICS_DAYS.index(day) for day in named)
    return list(range(7)) if daily else [master.start().weekday()]


def _is_plain(master: Entry, group: list[Entry]) -> bool:
    """Whole minutes, one master, and exceptions that concern one sitting each."""
    masters = [entry for entry in group if entry.event.get("RECURRENCE-ID") is None]
    moved = [entry.event["RECURRENCE-ID"] for entry in group if entry not in masters]
    whole = not master.start().second and not master.length().total_seconds() % 60
    return len(masters) == 1 and whole and not any(change.params.get("RANGE") for change in moved)


def _span(master: Entry, rule: Any, defaults: Defaults) -> tuple[date, date | None] | None:
    first, last = master.start().date(), _last_day(master, rule)
    if last is not None and last < first:
        return None
    first = max(first, defaults.from_date or first)
    if defaults.until_date is not None:
        last = min(last or defaults.until_date, defaults.until_date)
    return None if last is not None and last < first else (first, last)


def _last_day(master: Entry, rule: Any) -> date | None:
    if "UNTIL" in rule:
        return local_day(master, rule["UNTIL"][0])
    if "COUNT" not in rule:
        return None
    walk = rrulestr(rule.to_ical().decode(), dtstart=master.start().replace(tzinfo=None))
    held: list[datetime] = list(islice(walk, _MOST + 1))
    if len(held) > _MOST:
        raise master.bad(f"recurs more than {_MOST} times", "give it an end date")
    return held[-1].date() if held else None


def _slots(
    master: Entry, days: list[int], interval: int, wkst: str, span: tuple[date, date | None], defaults: Defaults
) -> Iterator[SlotDraft]:
    start = master.start()
    clock = timedelta(hours=start.hour, minutes=start.minute)
    minutes = int(master.length().total_seconds()) // 60
    if interval == 1:
        cron = weekly_cron(days, clock) if len(days) < len(DAY_NAMES) else f"{start.minute} {start.hour} * * *"
        yield SlotDraft(cron, minutes, *span, line=master.line)
        return
    # Each day is counted from its own first week, so that it does not matter on which day weeks begin here and there.
    week = start.date() - timedelta(days=(start.weekday() - _ICS_DAYS.index(wkst)) % 7)
    for day in days:
        held = week + timedelta(days=(day - _ICS_DAYS.index(wkst)) % 7)
        yield SlotDraft(weekly_cron([day], clock), minutes, *span, interval, held, master.line)


def _first(master: Entry, days: list[int]) -> Iterator[SittingDraft]:
    """The start itself counts, even on a day that the rule does not name."""
    if master.start().weekday() not in days:
        begin = master.instant(master.start())
        yield SittingDraft(begin, begin + master.length())


def _cancelled(master: Entry) -> Iterator[SittingDraft]:
    found = master.event.get("EXDATE") or []
    for dates in found if isinstance(found, list) else [found]:
        for moment in dates.dts:
            start = master.instant(moment.dt)
            yield SittingDraft(start, start + master.length(), cancelled=True, original_start=start)


def _changed(master: Entry, group: list[Entry]) -> Iterator[SittingDraft]:
    for entry in group:
        if entry is master:
            continue
        original = master.instant(entry.moment("RECURRENCE-ID"))
        begin = entry.instant(entry.moment("DTSTART"))
        length = entry.length() if entry.length() > timedelta() else master.length()
        cancelled = str(entry.event.get("STATUS", "")).upper() == "CANCELLED"
        yield SittingDraft(begin, begin + length, cancelled, original)
