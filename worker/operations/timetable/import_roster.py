"""Bringing rosters into the tables: all of the file or nothing, and the same file twice changes nothing."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.operations.timetable.import_timetable import Changes
from worker.store.tables import Participant
from worker.store.upsert import insert_new
from worker.timetables import RosterDraft, RosterEntry


def import_roster(context: Context, draft: RosterDraft, now: datetime) -> Changes:
    """Write who is enrolled. A course's roster becomes what the file says of it; courses not named stay as they are."""
    changes = Changes()
    with context.database.write() as session:
        known = _known(session, draft)
        rosters = _rosters(draft, known)
        for course_id, entries in rosters.items():
            code, rows = entries[0].course, [_participant(entry) for entry in entries]
            before = session.execute(_people(course_id)).all()
            if sorted(map(str, map(tuple, before))) == sorted(str(tuple(row.values())) for row in rows):
                changes.unchanged.append(code)
                continue
            session.execute(delete(Participant).where(Participant.course_id == course_id))
            insert_new(session, Participant, [{"course_id": course_id, **row} for row in rows])
            (changes.changed if before else changes.new).append(code)
        if changes.new or changes.changed:
            total = sum(len(entries) for entries in rosters.values())
            story.tell(session, "roster", now, detail=f"{total} people in {len(rosters)} courses")
    return changes


def _known(session: Session, draft: RosterDraft) -> dict[str, int]:
    """The course of each code that a roster names, in any spelling of its letters and digits."""
    found: dict[str, int] = {}
    for entry in draft.entries:
        if entry.course not in found:
            try:
                found[entry.course] = arrange.course(session, entry.course).id
            except Unknown as error:
                problem = f"there is no course {entry.course!r}; import the timetable first"
                raise Unknown(f"row {entry.line}, column course: {problem}") from error
    return found


def _rosters(draft: RosterDraft, known: Mapping[str, int]) -> dict[int, list[RosterEntry]]:
    """Who is in which course; a course that the file spells in two ways has one roster. Raises InputError for twins."""
    found: dict[int, dict[str, RosterEntry]] = {}
    for entry in draft.entries:
        there = found.setdefault(known[entry.course], {}).setdefault(entry.user_id, entry)
        if there is not entry:
            problem = f"{entry.user_id!r} is in course {there.course!r} already, in row {there.line}"
            raise InputError(f"row {entry.line}, column user_id: {problem}; remove one of the two rows")
    return {course_id: list(people.values()) for course_id, people in found.items()}


def _participant(entry: RosterEntry) -> dict[str, object]:
    row = {"user_id": entry.user_id, "full_name": entry.full_name, "role": entry.role}
    return {**row, "valid_from": entry.valid_from, "valid_until": entry.valid_until}


def _people(course_id: int) -> Select[str, str, str, date | None, date | None]:
    columns = (Participant.user_id, Participant.full_name, Participant.role)
    return select(*columns, Participant.valid_from, Participant.valid_until).where(Participant.course_id == course_id)
