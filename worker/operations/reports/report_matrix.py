"""The matrix: people down, sittings across, one letter each; and marks as Moodle's attendance module imports them.

P present, L late or there for only a part, A absent, E excused, U unknown. Empty: not expected that day.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from worker.errors import InputError
from worker.operations.context import Context
from worker.operations.reports import report
from worker.operations.reports.report import Judged, Person, Row, Wanted

LETTERS = {"present": "P", "partial": "L", "absent": "A", "excused": "E", "unknown": "U"}


@dataclass(slots=True)
class Line:
    """One person's letters by occurrence."""

    user_id: str | None
    full_name: str
    role: str
    guest: bool
    letters: dict[int, str] = field(default_factory=dict)


def letter(person: Person) -> str:
    """One letter. A correction to present is an honest P: who corrected it knew of the late coming."""
    if person.correction is None and person.status == "present" and person.mark.late:
        return "L"
    return LETTERS[person.status]


def matrix(context: Context, wanted: Wanted, now: datetime) -> tuple[Sequence[Judged], Sequence[Row]]:
    """The sittings of one course, and a row a person. Raises InputError where no course is named."""
    if wanted.course is None:
        raise InputError("a matrix is of one course: name it with --course CODE")
    judged = list(report.judge(context, wanted, now))
    lines: dict[tuple[bool, str], Line] = {}
    for sitting in judged:
        for person in sitting.people:
            key = (person.guest, person.user_id or f"?{person.full_name}")
            line = lines.setdefault(key, Line(person.user_id, person.full_name, person.role, person.guest))
            line.letters[sitting.occurrence.id] = letter(person)
    order = sorted(lines.values(), key=lambda line: (line.guest, line.role, line.user_id or "", line.full_name))
    return judged, [_row(line) for line in order]


def column(judged: Judged) -> str:
    """The key of a sitting's column: its number keeps two of one day apart."""
    return f"{local(judged):%Y-%m-%d %H:%M} #{judged.occurrence.id}"


def local(judged: Judged) -> datetime:
    """When it begins on the course's own wall."""
    return judged.occurrence.starts_at.astimezone(ZoneInfo(judged.course.timezone))


def _row(line: Line) -> Row:
    counts = Counter(line.letters.values())
    sittings = counts["P"] + counts["L"] + counts["A"]
    return {
        "user_id": line.user_id,
        "full_name": line.full_name,
        "role": line.role,
        "guest": line.guest,
        "letters": line.letters,
        "present": counts["P"],
        "late": counts["L"],
        "absent": counts["A"],
        "excused": counts["E"],
        "unknown": counts["U"],
        # Who is excused, or what nobody watched, speaks neither for nor against.
        "percent": round(100 * (counts["P"] + counts["L"]) / sittings, 2) if sittings else None,
    }


def moodle_rows(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """Marks of one sitting for Moodle's attendance import. What is unknown is left out, so that Moodle asks."""
    with context.database.read() as session:
        if len(session.scalars(report.chosen(session, wanted)).all()) != 1:
            raise InputError("Moodle imports the marks of one sitting: choose it with --occurrence ID")
    return _marks(context, wanted, now)


def _marks(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    for judged in report.judge(context, wanted, now):
        zone = ZoneInfo(judged.course.timezone)
        for person in judged.people:
            if person.user_id is not None and (mark := letter(person)) != "U":
                seen = person.mark.first_seen
                scanned = f"{seen.astimezone(zone):%Y-%m-%d %H:%M:%S}" if seen else None
                yield {"user": person.user_id, "scantime": scanned, "status": mark}
