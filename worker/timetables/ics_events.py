"""The VEVENTs of an iCalendar file, each with the line it begins on, and their times made certain."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Journal

from worker.domain.timetable import InvalidRule, known_zone, to_utc
from worker.timetables.csvfile import decode, read_bytes
from worker.timetables.values import BadFile

_SINGLE = ("UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SEQUENCE", "STATUS", "LOCATION")

#: Of journals only those that our own export writes, for slots without a class.
_READ = ("VEVENT", "VJOURNAL")


@dataclass(frozen=True, slots=True)
class Entry:
    """One VEVENT. Floating times are those of `zone`, which the file or the caller names."""

    file: str
    line: int
    event: Event | Journal
    zone: ZoneInfo
    zone_wins: bool  # X-WR-TIMEZONE says that UTC times are meant in the zone

    @property
    def title(self) -> str:
        """The summary, in one line."""
        return " ".join(str(self.event.get("SUMMARY", "")).split())

    def bad(self, problem: str, remedy: str) -> BadFile:
        """The complaint about this event."""
        return BadFile(self.file, f"event {self.title[:60]!r}: {problem}", remedy, row=self.line)

    def moment(self, name: str) -> Any:
        """The date or datetime of a property, None where it is absent."""
        found = self.event.get(name)
        return None if found is None else found.dt

    def is_all_day(self) -> bool:
        """Whether it is a day, not a time."""
        return not isinstance(self.moment("DTSTART"), datetime)

    def start(self) -> datetime:
        """When it begins, aware."""
        return self.aware(self.moment("DTSTART"))

    def aware(self, moment: datetime) -> datetime:
        """The same wall-clock time, in the zone that holds for it."""
        if moment.tzinfo is None:
            return moment.replace(tzinfo=self.zone)
        return moment.astimezone(self.zone) if self.zone_wins and _is_utc(moment.tzinfo) else moment

    def instant(self, moment: Any) -> datetime:
        """The same in UTC; a bare date stands for the hour at which the event begins."""
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, self.start().time(), self.start().tzinfo)
        aware = self.aware(moment)
        zone = aware.tzinfo
        return to_utc(aware.replace(tzinfo=None), zone) if isinstance(zone, ZoneInfo) else aware.astimezone(UTC)

    def length(self) -> timedelta:
        """From DTEND, else DURATION."""
        end = self.moment("DTEND")
        if isinstance(end, datetime):
            return self.instant(end) - self.instant(self.moment("DTSTART"))
        duration = self.event.get("DURATION")
        return duration.dt if duration is not None and isinstance(duration.dt, timedelta) else timedelta()

    def zone_name(self) -> str | None:
        """The name of its zone; None where the file brings a zone of its own making."""
        zone = self.start().tzinfo
        return "UTC" if zone is not None and _is_utc(zone) else getattr(zone, "key", None)


def _is_utc(zone: tzinfo) -> bool:
    return zone is UTC or getattr(zone, "key", "") in ("UTC", "Etc/UTC")


def read_entries(path: Path, timezone: str) -> list[Entry]:
    """All events of a file, in its order."""
    text = decode(read_bytes(path), path.name)
    begins = list(_event_lines(text, path.name))
    entries: list[Entry] = []
    for calendar in _calendars(text, path.name):
        zone, wins = _zone(calendar, path.name, timezone)
        for event in (part for part in calendar.walk() if part.name in _READ):
            entries.append(Entry(path.name, begins[len(entries)], event, zone, wins))
    entries = [entry for entry in entries if not is_journal(entry) or entry.event.get("X-MTZ-SLOT") is not None]
    for entry in entries:
        _check(entry, text)
    return entries


def _calendars(text: str, name: str) -> list[Any]:
    try:
        return list(Calendar.from_ical(text, multiple=True))
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:  # an OSError where TZID is a folder
        raise BadFile(name, f"is not iCalendar ({str(error)[:120]})", "export it again as .ics") from error


def _event_lines(text: str, name: str) -> Iterator[int]:
    """Where each event begins. BEGIN and END must pair, which parsers forgive and then lose events."""
    open_: list[tuple[str, int]] = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        mark, _, what = line.rstrip().upper().partition(":")
        if mark == "BEGIN":
            open_.append((what, number))
            if what in _READ:
                yield number
        elif mark == "END":
            if not open_ or open_.pop()[0] != what:
                raise BadFile(name, f"END:{what} closes nothing", "export it again as .ics", row=number)
        elif line.strip() and not open_:
            raise BadFile(name, f"{line[:40]!r} is not iCalendar", "export it again as .ics", row=number)
    if open_:
        raise BadFile(
            name, f"BEGIN:{open_[-1][0]} is never closed", "the file is cut off; get it again", row=open_[-1][1]
        )


def _zone(calendar: Any, name: str, timezone: str) -> tuple[ZoneInfo, bool]:
    named = str(calendar.get("X-WR-TIMEZONE", "")).strip()
    try:
        return known_zone(named or timezone), bool(named)
    except InvalidRule as error:
        raise BadFile(name, *str(error).split("; ", 1), column="X-WR-TIMEZONE") from error


def _check(entry: Entry, text: str) -> None:
    if entry.event.errors:
        name, problem = entry.event.errors[0]
        row = _line_of(entry.line, name or _quoted(problem), text)
        raise BadFile(entry.file, str(problem)[:160], "mend or remove the line", row=row, column=name)
    if entry.event.get("DTSTART") is None:
        raise entry.bad("has no DTSTART", "give it a start, or remove it")
    for name in _SINGLE:
        if isinstance(entry.event.get(name), list):
            raise entry.bad(f"has several {name}", "keep one of them")
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        _check_zone(entry, name, text)
    _check_rule(entry)


def _check_rule(entry: Entry) -> None:
    """None, or nought, of something: libraries divide by it, or go on for ever."""
    rules = entry.event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        for name in ("INTERVAL", "COUNT"):
            if any(number < 1 for number in rule.get(name, ())):
                raise entry.bad(f"{name} of its RRULE is {rule[name][0]}", f"write {name}=1 or more, or remove it")


def _check_zone(entry: Entry, name: str, text: str) -> None:
    found = entry.event.get(name)
    zone = None if found is None else found.params.get("TZID")
    if zone and isinstance(found.dt, datetime) and found.dt.tzinfo is None:
        row = _line_of(entry.line, name, text)
        raise BadFile(
            entry.file, f"time zone {zone!r} is not known", "write a name such as Asia/Tehran", row=row, column=name
        )


def _quoted(problem: str) -> str:
    found = re.search(r"'(.+?)'", problem)
    return found[1] if found else ""


def _line_of(first: int, beginning: str, text: str) -> int:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text)[first - 1 :], first):
        if beginning and line.upper().startswith(beginning.upper()):
            return number
    return first


def is_journal(entry: Entry) -> bool:
    """Whether it is no event, but keeps a slot that has no class."""
    return isinstance(entry.event, Journal)


def local_day(entry: Entry, until: date) -> date:
    """The last local day on which an event may begin, from the UNTIL of its rule."""
    if not isinstance(until, datetime):
        return until
    start = entry.start()
    local = until if until.tzinfo is None else until.astimezone(start.tzinfo)
    early = local.replace(tzinfo=None).time() < start.time()
    return local.date() - timedelta(days=early)
