"""iCalendar files -> courses. What cron can say becomes a slot, the rest dated sittings.

The events of one title are one course.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from worker.domain.text import match_key
from worker.domain.timetable import known_zone
from worker.timetables.cells import LONGEST, LONGEST_KEY
from worker.timetables.defaults import Defaults
from worker.timetables.ics_course import described
from worker.timetables.ics_dates import dated_sittings
from worker.timetables.ics_events import Entry, is_journal, read_entries
from worker.timetables.ics_out import COURSE_PROPERTY, SLOT_PROPERTY
from worker.timetables.ics_rules import Recurrence, slots_as_written, slots_of
from worker.timetables.values import BadFile, CourseDraft, SittingDraft, SlotDraft, TimetableDraft

Slots = tuple[SlotDraft, ...]
#: The libraries below accept many a nonsense and stumble over it later.
_STUMBLES = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


def read_ics(path: Path, defaults: Defaults) -> TimetableDraft:
    """All courses of a calendar; events that are no classes are named in the warnings."""
    warnings: list[str] = []
    courses: dict[str, CourseDraft] = {}
    groups = _groups(read_entries(path, defaults.timezone))
    ours = slots_as_written((each for each in groups if _is_class(each[0])), defaults)
    for master, group in groups:
        try:
            _add(courses, master, group, defaults, warnings, ours.get(master.line))
        except BadFile:
            raise
        except _STUMBLES as error:
            raise master.bad(f"cannot be read ({str(error)[:120]})", "mend its times and rule, or remove it") from error
    held = tuple(course for course in courses.values() if course.slots or course.sittings)
    if not held:
        raise BadFile(path.name, "holds no class", "; ".join(warnings[:3]) or "export the calendar with its events")
    return TimetableDraft(held, tuple(warnings))


def _is_class(master: Entry) -> bool:
    try:
        return _no_class(master) is None
    except _STUMBLES:
        return False  # said later, when it is its turn


def _add(
    courses: dict[str, CourseDraft],
    master: Entry,
    group: list[Entry],
    defaults: Defaults,
    warnings: list[str],
    ours: Slots | None,
) -> None:
    if is_journal(master) and ours is None:
        raise master.bad(f"{SLOT_PROPERTY} is no slot", "export the calendar again, or remove the journal")
    if (why := _no_class(master)) is not None:
        warnings.append(f"line {master.line}: {master.title[:60]!r} {why} and is left out")
        return
    key = _code(master)
    known = courses.get(match_key(key)) or _course(master, key, defaults)
    courses[match_key(key)] = _with(known, master, group, defaults, warnings, ours)


def _groups(entries: Iterable[Entry]) -> list[tuple[Entry, list[Entry]]]:
    """The events of one UID together, led by the one that is not an exception. Without a UID each stands alone."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(str(entry.event.get("UID") or f"line {entry.line}"), []).append(entry)
    return [(min(group, key=_rank), group) for group in groups.values()]


def _rank(entry: Entry) -> tuple[bool, int]:
    """The true event first, of several versions the latest."""
    return entry.event.get("RECURRENCE-ID") is not None, -int(entry.event.get("SEQUENCE", 0))


def _no_class(entry: Entry) -> str | None:
    if is_journal(entry):
        return None
    if entry.is_all_day():
        return "lasts all day"
    if str(entry.event.get("STATUS", "")).upper() == "CANCELLED" and entry.event.get("RECURRENCE-ID") is None:
        return "is cancelled"
    if entry.length() <= timedelta():
        return "has no length"
    return "is longer than a day" if entry.length() > timedelta(days=1) else None


def _code(entry: Entry) -> str:
    named = str(entry.event.get(COURSE_PROPERTY, "")).strip() or entry.title
    if not named:
        raise entry.bad("has no SUMMARY", "give it the name of the course")
    if len(named) <= LONGEST_KEY:
        return named
    digest = hashlib.sha256(match_key(named).encode()).hexdigest()[:8]
    return f"{named[: LONGEST_KEY - 9].rstrip()}-{digest}"


def _course(entry: Entry, code: str, defaults: Defaults) -> CourseDraft:
    more = described(entry)
    return CourseDraft(
        code=code,
        title=entry.title[:LONGEST] or code,
        timezone=entry.zone_name() or defaults.timezone,
        room=" ".join(str(entry.event.get("LOCATION", "")).split())[:LONGEST] or None,
        said=frozenset({"title", "timezone", "room", *more}),
        **more,
    )


def _with(
    course: CourseDraft,
    master: Entry,
    group: list[Entry],
    defaults: Defaults,
    warnings: list[str],
    ours: Slots | None,
) -> CourseDraft:
    same_zone = master.zone_name() == course.timezone or is_journal(master)
    found = slots_of(master, group, defaults, ours) if same_zone else None
    if found is None:
        found = Recurrence((), dated_sittings(master, group, defaults, warnings))
    new = [slot for slot in found.slots if slot not in course.slots]
    if len(new) < len(found.slots):
        warnings.append(f"line {master.line}: {master.title[:60]!r} is there already and is left out")
    zone = known_zone(course.timezone)
    kept = tuple(sitting for sitting in found.sittings if _within(sitting, zone, defaults))
    return replace(course, slots=(*course.slots, *new), sittings=(*course.sittings, *kept))


def _within(sitting: SittingDraft, zone: ZoneInfo, defaults: Defaults) -> bool:
    """Whether it is held, or was meant to be, on one of the days asked for, by the date in its zone."""
    first, last = defaults.from_date or date.min, defaults.until_date or date.max
    meant = sitting.original_start or sitting.starts_at
    return any(first <= moment.astimezone(zone).date() <= last for moment in (sitting.starts_at, meant))
