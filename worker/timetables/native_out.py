"""Courses -> rows of our own table, such that reading them gives the same courses."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from worker.timetables.cells import guard
from worker.timetables.columns import TIMETABLE
from worker.timetables.options import write_options
from worker.timetables.values import CourseDraft, SittingDraft, SlotDraft

DATED = ("start", "end", "original", "cancelled")
COLUMNS = tuple(name for name in TIMETABLE if name not in (*DATED, "day", "date"))


def native_rows(courses: Iterable[CourseDraft]) -> Iterator[list[str]]:
    """The header and a row for each slot and each dated sitting; columns of dates only where there are any."""
    courses = list(courses)
    columns = (*COLUMNS, *DATED) if any(course.sittings for course in courses) else COLUMNS
    yield list(columns)
    for course in courses:
        for slot in course.slots:
            yield _row(columns, _of_course(course) | _of_slot(slot))
        for sitting in course.sittings:
            yield _row(columns, _of_course(course) | _of_sitting(sitting))


def _row(columns: Sequence[str], values: dict[str, object]) -> list[str]:
    found = (values.get(name) for name in columns)
    return ["" if value is None else guard(str(value)) for value in found]


def _of_course(course: CourseDraft) -> dict[str, object]:
    return {
        "code": course.code,
        "title": course.title,
        "timezone": course.timezone,
        "teacher_id": course.teacher_id,
        "teacher_name": course.teacher_name,
        "record": course.record,
        "lead_minutes": plain(course.lead_minutes),
        "grace_minutes": plain(course.grace_minutes),
        "expected": course.expected,
        "options": write_options(course.options),
        "room": course.room,
    }


def _of_slot(slot: SlotDraft) -> dict[str, object]:
    span = {"from": slot.valid_from, "until": slot.valid_until}
    return {"cron": slot.cron, "minutes": slot.minutes, "weeks": _weeks(slot), **span}


def _of_sitting(sitting: SittingDraft) -> dict[str, object]:
    return {
        "start": sitting.starts_at.isoformat(),
        "end": sitting.ends_at.isoformat(),
        "original": sitting.original_start and sitting.original_start.isoformat(),
        "cancelled": "true" if sitting.cancelled else None,
    }


def plain(number: float | None) -> str | None:
    """A number as a cell shows it."""
    return None if number is None else f"{number:.9f}".rstrip("0").rstrip(".")


def _weeks(slot: SlotDraft) -> str:
    if slot.every_weeks == 1:
        return "all"
    if slot.every_weeks == 2 and slot.valid_from and slot.anchor == slot.valid_from:
        return "odd"
    if slot.every_weeks == 2 and slot.valid_from and slot.anchor == slot.valid_from + timedelta(weeks=1):
        return "even"
    return f"{slot.every_weeks}@{slot.anchor}"
