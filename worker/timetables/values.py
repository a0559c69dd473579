"""What a file says, checked, and not yet in the database."""

from dataclasses import dataclass, field
from datetime import date, datetime


class BadFile(ValueError):
    """A file that cannot be read: where, what is wrong, and what to do. Its text is one line."""

    def __init__(
        self, file: str, problem: str, remedy: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        self.file, self.row, self.column, self.problem, self.remedy = file, row, column, problem, remedy
        where = [file, *([f"row {row}"] if row else []), *([f"column {column}"] if column else [])]
        text = f"{', '.join(where)}: {problem}" + (f"; {remedy}" if remedy else "")
        super().__init__(" ".join(text.split()))


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """A rule of recurrence, in the zone of its course. `line` is where the file says so."""

    cron: str
    minutes: int
    valid_from: date | None = None
    valid_until: date | None = None
    every_weeks: int = 1
    anchor: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SittingDraft:
    """One dated sitting. With `original_start` it replaces the one that a slot puts there."""

    starts_at: datetime
    ends_at: datetime
    cancelled: bool = False
    original_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class CourseDraft:
    """A course as the file gives it. None means the file is silent, and a setting decides."""

    code: str
    title: str
    timezone: str
    teacher_id: str | None = None
    teacher_name: str | None = None
    record: str | None = None
    lead_minutes: float | None = None
    grace_minutes: float | None = None
    expected: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    slots: tuple[SlotDraft, ...] = ()
    room: str | None = None
    sittings: tuple[SittingDraft, ...] = ()
    #: Names of the fields that the file has a place for; of a course that is known already, the others stay as they
    #: are. None: all of them.
    said: frozenset[str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TimetableDraft:
    """All courses of a file, and what the reader should know."""

    courses: tuple[CourseDraft, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One person in one course."""

    course: str
    user_id: str
    full_name: str
    role: str
    valid_from: date | None = None
    valid_until: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RosterDraft:
    """All people of a file."""

    entries: tuple[RosterEntry, ...]
