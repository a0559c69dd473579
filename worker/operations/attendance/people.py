"""people: forgetting somebody. One pseudonym takes the place of an id and its names, wherever they stand.

Counts and statuses stay right, for the pseudonym is the same everywhere. It is made from the id with the key that
encrypts secrets: it cannot be guessed back without that key, and forgetting the same id again gives the same one.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from worker.errors import Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import course_keys
from worker.store.tables import Attendee, Correction, Course, Event, ExactStay, Participant, Stay, User

#: What a correction's reason becomes: reasons speak of people, and of their health.
FORGOTTEN = "(forgotten)"

_PLACES = {
    "roster entries": (Participant, Participant.user_id),
    "stays": (Stay, Stay.attendee_key),
    "sightings": (Attendee, Attendee.user_id),
    "reported stays": (ExactStay, ExactStay.attendee_key),
    "corrections": (Correction, Correction.user_id),
}


def traces(session: Session, user_id: str) -> dict[str, int]:
    """How often somebody stands in each table."""
    found = {}
    for name, (table, column) in _PLACES.items():
        found[name] = session.scalar(select(func.count()).select_from(table).where(column == user_id)) or 0
    taught = Course.teacher_id == user_id
    found["courses taught"] = session.scalar(select(func.count()).select_from(Course).where(taught)) or 0
    return found


def forget(context: Context, user_id: str, now: datetime) -> tuple[str, Mapping[str, int]]:
    """Replace somebody by a pseudonym. Returns it, and how many rows changed. Raises Unknown for nobody we know."""
    alias = f"forgotten-{context.vault.digest(user_id)[:16]}"
    with context.database.write() as session:
        found = traces(session, user_id)
        if not any(found.values()):
            raise Unknown(f"nobody with the id {user_id!r} is known here")
        _rename_participants(session, user_id, alias)
        _rename_attendees(session, user_id, alias)
        for table in (Stay, ExactStay):
            session.execute(
                update(table).where(table.attendee_key == user_id).values(attendee_key=alias, full_name=alias)
            )
        mended = update(Correction).where(Correction.user_id == user_id)
        session.execute(mended.values(user_id=alias, reason=FORGOTTEN))
        _rename_teacher(session, user_id, alias)
        session.execute(update(Event).where(Event.actor == user_id).values(actor=alias))
        session.execute(update(User).where(User.teacher_id == user_id).values(teacher_id=alias))
        counts = ", ".join(f"{number} {name}" for name, number in found.items() if number)
        story.tell(session, "forgotten", now, detail=f"{alias}: {counts}")
    return alias, found


def _rename_participants(session: Session, user_id: str, alias: str) -> None:
    """An entry that was forgotten before gives way: somebody may have been enrolled a second time."""
    again = select(Participant.course_id).where(Participant.user_id == user_id).scalar_subquery()
    session.execute(delete(Participant).where(Participant.user_id == alias, Participant.course_id.in_(again)))
    own = update(Participant).where(Participant.user_id == user_id)
    session.execute(own.values(user_id=alias, full_name=alias))


def _rename_teacher(session: Session, user_id: str, alias: str) -> None:
    """On their courses, and among what those are found by."""
    courses = session.scalars(select(Course).where(Course.teacher_id == user_id)).all()
    for course in courses:
        course.teacher_id = course.teacher_name = alias
    session.flush()
    course_keys.write(session, courses)


def _rename_attendees(session: Session, user_id: str, alias: str) -> None:
    """Several names or roles in one meeting stay several rows, for observations point to them by number."""
    wanted = (
        select(Attendee).where(Attendee.user_id.in_((user_id, alias))).order_by(Attendee.meeting_id, Attendee.number)
    )
    rows = session.scalars(wanted).all()
    taken = {(row.meeting_id, row.role) for row in rows if row.user_id == alias}
    for row in rows:
        if row.user_id == user_id:
            first = (row.meeting_id, row.role) not in taken
            taken.add((row.meeting_id, row.role))
            row.user_id, row.full_name = alias, alias if first else f"{alias} ({row.number})"
