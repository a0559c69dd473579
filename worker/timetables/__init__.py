"""Files of schools -> plain values, and back. Nothing here knows the database."""

from worker.timetables.files import detect_format, read_roster, read_timetable, write_timetable
from worker.timetables.holidays import read_holidays
from worker.timetables.values import (
    BadFile,
    CourseDraft,
    RosterDraft,
    RosterEntry,
    SittingDraft,
    SlotDraft,
    TimetableDraft,
)
from worker.timetables.workbooks import template

__all__ = [
    "BadFile",
    "CourseDraft",
    "RosterDraft",
    "RosterEntry",
    "SittingDraft",
    "SlotDraft",
    "TimetableDraft",
    "detect_format",
    "read_holidays",
    "read_roster",
    "read_timetable",
    "template",
    "write_timetable",
]
