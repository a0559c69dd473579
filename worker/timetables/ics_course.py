"""What a course is beside its times, as properties of our own in iCalendar: `X-MTZ-RECORD` and its like.

Other programs keep or drop them; what is dropped, a file leaves unsaid. An empty one says that there is none.
"""

from typing import Any

from icalendar import Event, Journal

from worker.timetables.ics_events import Entry
from worker.timetables.native_out import plain
from worker.timetables.options import parse_options, write_options
from worker.timetables.values import CourseDraft

_TEXTS = {"teacher_id": "X-MTZ-TEACHER-ID", "teacher_name": "X-MTZ-TEACHER-NAME"}
_MINUTES = {"lead_minutes": "X-MTZ-LEAD-MINUTES", "grace_minutes": "X-MTZ-GRACE-MINUTES"}
_RECORD, _EXPECTED, _OPTIONS = "X-MTZ-RECORD", "X-MTZ-EXPECTED", "X-MTZ-OPTIONS"
_RECORDS = ("never", "manual", "always")
_MOST = {"lead_minutes": 1440, "grace_minutes": 1440, "expected": 1_000_000}


def describe(event: Event | Journal, course: CourseDraft) -> None:
    """Write all of them, so that the file speaks of each."""
    for name, prop in (_TEXTS | {"record": _RECORD}).items():
        event.add(prop, getattr(course, name) or "")
    for name, prop in (_MINUTES | {"expected": _EXPECTED}).items():
        event.add(prop, plain(getattr(course, name)) or "")
    event.add(_OPTIONS, write_options(course.options))


def described(entry: Entry) -> dict[str, Any]:
    """Fields of the course that this event speaks of. Raises BadFile."""
    found: dict[str, Any] = {
        name: text or None for name, prop in _TEXTS.items() if (text := _text(entry, prop)) is not None
    }
    if (record := _text(entry, _RECORD)) is not None:
        found["record"] = _one_of(entry, record) if record else None
    for name, prop in (_MINUTES | {"expected": _EXPECTED}).items():
        if (text := _text(entry, prop)) is not None:
            found[name] = _number(entry, name, prop, text) if text else None
    if (text := _text(entry, _OPTIONS)) is not None:
        found["options"] = _options(entry, text)
    return found


def _text(entry: Entry, prop: str) -> str | None:
    found = entry.event.get(prop)
    return None if found is None or isinstance(found, list) else str(found).strip()


def _one_of(entry: Entry, record: str) -> str:
    if record not in _RECORDS:
        raise entry.bad(f"{_RECORD} is {record[:40]!r}", f"write one of {', '.join(_RECORDS)}, or remove it")
    return record


def _number(entry: Entry, name: str, prop: str, text: str) -> float | int:
    try:
        number = int(text) if name == "expected" else float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= _MOST[name]:
        raise entry.bad(f"{prop} is {text[:40]!r}", f"write 0 to {_MOST[name]}, or remove it")
    return number


def _options(entry: Entry, text: str) -> dict[str, str]:
    try:
        return parse_options(text)
    except ValueError as error:
        problem, _, remedy = str(error).partition("; ")
        raise entry.bad(f"{_OPTIONS}: {problem}", remedy) from error
