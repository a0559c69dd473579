"""Who is in which course: `course,user_id,full_name,role`, with `from` and `until` where people join late or leave."""

from worker.domain.text import match_key
from worker.timetables.cells import LONGEST_KEY, Row, rows_under, spellings
from worker.timetables.columns import ROSTER, read_header
from worker.timetables.csvfile import Line
from worker.timetables.values import BadFile, RosterDraft, RosterEntry

_ROLES = spellings(
    viewer=("student", "attendee", "دانشجو", "دانش آموز", "شرکت کننده"),
    moderator=("teacher", "استاد", "مدرس", "دبیر", "معلم", "مدیر"),
)


def roster_of(lines: list[Line], file: str, course: str | None) -> RosterDraft:
    """All people of a table, or the first error. `course` stands in where the table names none."""
    required = ("user_id", "full_name", "role") if course else ("course", "user_id", "full_name", "role")
    if not lines:
        raise BadFile(file, "is empty", f"write a header: {','.join(required)}")
    header = read_header(lines[0], file, ROSTER, required)
    entries: dict[tuple[str, str], RosterEntry] = {}
    for row in rows_under(header, lines[1:], file):
        entry = _entry(row, course)
        other = entries.setdefault((entry.course, entry.user_id), entry)
        if other is not entry:
            problem = f"{entry.user_id!r} is in course {entry.course!r} already, in row {other.line}"
            raise row.bad("user_id", problem, "remove one of the two rows")
    return RosterDraft(tuple(entries.values()))


def _entry(row: Row, course: str | None) -> RosterEntry:
    first, last = row.day("from"), row.day("until")
    if first and last and first > last:
        raise row.bad("until", f"{last} comes before {first}", "exchange the two days")
    return RosterEntry(
        course=_course(row, course),
        user_id=row.needed("user_id", LONGEST_KEY),
        full_name=row.needed("full_name"),
        role=_role(row),
        valid_from=first,
        valid_until=last,
        line=row.number,
    )


def _role(row: Row) -> str:
    row.needed("role")
    return row.choice("role", _ROLES, "")


def _course(row: Row, course: str | None) -> str:
    if course is None:
        return row.needed("course", LONGEST_KEY)
    named = row.text("course", LONGEST_KEY)
    if named and match_key(named) != match_key(course):
        raise row.bad("course", f"{named!r} is not the course {course!r} you asked for", "leave one of them out")
    return course
