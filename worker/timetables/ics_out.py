"""Courses -> an iCalendar file: a rule for each slot, exceptions for what was cancelled or moved, zones included."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from icalendar import Calendar, Event, Journal
from icalendar.prop import vRecur

from worker.domain.cron import CronFields, cron_fields
from worker.domain.timetable import Rule, known_zone, starts
from worker.timetables.ics_course import describe
from worker.timetables.values import CourseDraft, SittingDraft, SlotDraft

COURSE_PROPERTY = "X-MTZ-COURSE"
#: The rule itself, for DTSTART is its first class, not its first day: `cron;minutes;from;until;every;anchor;start`.
#: Of a rule with several times a day each is an event of its own: `;time;events` say which this is, and of how many.
SLOT_PROPERTY = "X-MTZ-SLOT"
#: For when an extra sitting that was moved had been meant.
ORIGINAL_PROPERTY = "X-MTZ-ORIGINAL"
_ICS_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")  # Monday = 0, as settings count
_YEARS = timedelta(days=9 * 366)  # 29 February may be eight years off
_SLOT_TIMES = 96


def write_ics(courses: Iterable[CourseDraft], since: date, week_start: int) -> bytes:
    """The calendar. Slots that name no first day begin on `since`."""
    calendar = Calendar()
    calendar.add("PRODID", "-//Meetingz//Worker//EN")
    calendar.add("VERSION", "2.0")
    days = [since]
    for course in courses:
        for event in _events(course, since, week_start):
            calendar.add_component(event)
            days.append(event.start.date() if isinstance(event.start, datetime) else event.start)
    calendar.add_missing_timezones(first_date=min(days))
    data: bytes = calendar.to_ical()
    return data


def _events(course: CourseDraft, since: date, week_start: int) -> Iterator[Event | Journal]:
    left = list(course.sittings)
    for slot in course.slots:
        rules = _single_times(course, slot)
        found = [(rule, first) for rule in rules if (first := _first_start(rule, since, week_start)) is not None]
        for rule, first in found:
            one = (f"{first:%H:%M}", len(found)) if len(rules) > 1 else ()
            yield from _series(course, rule, first, left, week_start, _written(slot, first.date(), *one))
        if not found:
            yield _idle(course, slot, since)
    for sitting in left:
        if not sitting.cancelled:
            event = _event(course, _uid(course, sitting.starts_at.isoformat()), sitting.starts_at, sitting.ends_at)
            if sitting.original_start is not None:
                event.add(ORIGINAL_PROPERTY, sitting.original_start.isoformat())
            yield event


def _single_times(course: CourseDraft, slot: SlotDraft) -> list[Rule]:
    """A rule for each time of day, since RRULE names one."""
    fields, rest = cron_fields(slot.cron), slot.cron.split()[2:]
    times = [(at, of) for of in fields.hours for at in fields.minutes]
    by_both = fields.days is not None and (fields.weekdays is not None or slot.every_weeks > 1)
    if len(times) > _SLOT_TIMES or by_both:
        raise ValueError(f"course {course.code!r}: {slot.cron!r} cannot be said in iCalendar; export as csv")
    span = (slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor)
    return [Rule(" ".join([str(at), str(of), *rest]), slot.minutes, course.timezone, *span) for at, of in times]


def _first_start(rule: Rule, since: date, week_start: int) -> datetime | None:
    """The first start at the hour of the rule, which the others repeat: not one that a gap has moved."""
    zone, fields = known_zone(rule.timezone), cron_fields(rule.cron)
    found = (start.astimezone(zone) for start in starts(rule, *_window(rule, since), week_start=week_start))
    return next((start for start in found if (start.hour, start.minute) == (*fields.hours, *fields.minutes)), None)


def _window(rule: Rule, since: date) -> tuple[datetime, datetime]:
    first = datetime.combine(rule.valid_from or since, time(), UTC) - timedelta(days=1)
    first = first if rule.valid_from else datetime.combine(since, time(), known_zone(rule.timezone)).astimezone(UTC)
    months_apart = cron_fields(rule.cron).days is not None or cron_fields(rule.cron).months is not None
    return first, first + (_YEARS if months_apart else timedelta(weeks=rule.every_weeks + 1))


def _idle(course: CourseDraft, slot: SlotDraft, since: date) -> Journal:
    """A slot without any class, in a journal: other programs show no class, and a course without another is named."""
    start = datetime.combine(since, time(), known_zone(course.timezone))
    written = _written(slot, since)
    journal = Journal()
    _describe(journal, course, _uid(course, written), start)
    journal.add(SLOT_PROPERTY, written)
    return journal


def _series(
    course: CourseDraft, rule: Rule, first: datetime, left: list[SittingDraft], week_start: int, written: str
) -> Iterator[Event]:
    """The event of a rule, and one for each sitting that was moved. What is told here is taken off `left`."""
    whole = written.partition(";")[0]
    slot = "" if whole == rule.cron else f" {whole}"  # two slots may have one time in common
    uid = _uid(course, f"{rule.cron} {rule.minutes} {rule.valid_from} {rule.anchor}{slot}")
    master = _event(course, uid, first, first + timedelta(minutes=rule.minutes))
    master.add("RRULE", _recurrence(rule, week_start))
    master.add(SLOT_PROPERTY, written)
    zone = known_zone(rule.timezone)
    yield master
    for sitting in [one for one in left if _belongs(rule, one, week_start)]:
        left.remove(sitting)
        original = (sitting.original_start or sitting.starts_at).astimezone(zone)
        if sitting.cancelled:
            master.add("EXDATE", original)
            continue
        moved = _event(course, uid, sitting.starts_at, sitting.ends_at)
        moved.add("RECURRENCE-ID", original)
        yield moved


def _written(slot: SlotDraft, first: date, *one: object) -> str:
    span = (slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor)
    return ";".join("" if part is None else str(part) for part in (slot.cron, slot.minutes, *span, first, *one))


class Written(NamedTuple):
    """A slot that we wrote: all of it, what one event says of it, and how many events it has."""

    whole: SlotDraft
    told: SlotDraft
    events: int


def slot_as_written(event: Any, timezone: str) -> Written | None:
    """The slot that an event of ours was written from; None where other programs have changed the event since."""
    try:
        written, first = _read(str(event.get(SLOT_PROPERTY, "")))
        if isinstance(event, Journal):
            return written
        slot = written.told
        span = (slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor)
        rule = Rule(slot.cron, slot.minutes, timezone, *span)
        return written if _is_unchanged(event, rule, first) else None
    except (ValueError, IndexError, KeyError, TypeError):
        return None


def _read(text: str) -> tuple[Written, date]:
    cron, minutes, *days, every, anchor, first = text.split(";")[:7]
    span = [date.fromisoformat(day) if day else None for day in (*days, anchor)]
    whole = SlotDraft(cron, int(minutes), span[0], span[1], int(every), span[2])
    if not (one := text.split(";")[7:]):
        return Written(whole, whole, 1), date.fromisoformat(first)
    hour, minute = (int(part) for part in one[0].split(":"))
    fields = cron_fields(cron)
    if hour not in fields.hours or minute not in fields.minutes:
        raise ValueError(f"{cron!r} has no time {one[0]}")
    told = replace(whole, cron=" ".join([str(minute), str(hour), *cron.split()[2:]]))
    return Written(whole, told, int(one[1])), date.fromisoformat(first)


def _is_unchanged(event: Any, rule: Rule, day: date) -> bool:
    week_start = _WEEK.index(str(event["RRULE"].get("WKST", ["SA"])[0]))
    start = _first_start(rule, day, week_start)
    if start is None:
        return False
    made = _event(CourseDraft("", "", rule.timezone), "", start, start + timedelta(minutes=rule.minutes))
    same: bool = _as_rule(_recurrence(rule, week_start)) == event["RRULE"].to_ical()
    return same and made.start == event.start and made.end == event.end


def _as_rule(parts: dict[str, Any]) -> Any:
    return vRecur(parts).to_ical()  # type: ignore[no-untyped-call]


def _belongs(rule: Rule, sitting: SittingDraft, week_start: int) -> bool:
    original = sitting.original_start
    return original is not None and bool(starts(rule, original, original + timedelta(seconds=1), week_start=week_start))


def _recurrence(rule: Rule, week_start: int) -> dict[str, Any]:
    fields = cron_fields(rule.cron)
    found: dict[str, Any] = _days_of(fields, rule.every_weeks, _WEEK[week_start])
    if fields.months is not None:
        found["BYMONTH"] = sorted(fields.months)
    if rule.valid_until is not None:
        last = datetime.combine(rule.valid_until, time(23, 59, 59), known_zone(rule.timezone))
        found["UNTIL"] = last.astimezone(UTC)
    return found


def _days_of(fields: CronFields, every_weeks: int, wkst: str) -> dict[str, Any]:
    weekdays = sorted(fields.weekdays) if fields.weekdays is not None else None
    if every_weeks > 1:
        named = [_ICS_DAYS[day] for day in weekdays or range(7)]
        return {"FREQ": "WEEKLY", "INTERVAL": every_weeks, "BYDAY": named, "WKST": wkst}
    if weekdays is not None:
        return {"FREQ": "WEEKLY", "BYDAY": [_ICS_DAYS[day] for day in weekdays], "WKST": wkst}
    return {"FREQ": "DAILY"} | ({"BYMONTHDAY": sorted(fields.days)} if fields.days is not None else {})


def _event(course: CourseDraft, uid: str, start: datetime, end: datetime) -> Event:
    event = Event()
    _describe(event, course, uid, start)
    event.add("DTEND", end.astimezone(known_zone(course.timezone)))
    return event


def _describe(event: Event | Journal, course: CourseDraft, uid: str, start: datetime) -> None:
    event.add("UID", uid)
    event.add("DTSTAMP", start.astimezone(UTC))  # a pure function of the timetable: the same twice gives the same file
    event.add("SUMMARY", course.title)
    event.add("DTSTART", start.astimezone(known_zone(course.timezone)))
    event.add(COURSE_PROPERTY, course.code)
    for name, value in (("LOCATION", course.room), ("DESCRIPTION", course.teacher_name)):
        if value:
            event.add(name, value)
    describe(event, course)


def _uid(course: CourseDraft, what: str) -> str:
    return hashlib.sha256(f"{course.code}\n{what}".encode()).hexdigest()[:32] + "@meetingz"
