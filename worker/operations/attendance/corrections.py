"""corrections: somebody changes somebody's status. The observed fact stays beside it, and every change is kept.

The newest correction that was not undone holds. Undoing keeps the row, and says who undid it and when.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.errors import Conflict, InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store.tables import Correction

Corrected = Literal["present", "partial", "absent", "excused", "unknown"]
STATUSES: tuple[Corrected, ...] = get_args(Corrected)


def correct(
    context: Context, occurrence_id: int, user_id: str, status: str, *, reason: str, by: str, now: datetime
) -> Correction:
    """Give somebody on the roster, or somebody who was seen, another status. Raises InputError, Unknown, Conflict."""
    from worker.operations.reports import report  # which reads the corrections that are written here

    if status not in STATUSES:
        raise InputError(f"{status!r} is no status; there are {', '.join(STATUSES)}")
    if not reason.strip():
        raise InputError("a correction needs a reason: it is kept, and shown beside the status")
    before = report.status_of(context, occurrence_id, user_id, now)
    if before == status:
        raise Conflict(f"{user_id} is {status} in occurrence {occurrence_id} already")
    with context.database.write() as session:
        row = Correction(
            occurrence_id=occurrence_id,
            user_id=user_id,
            before=before,
            status=status,
            reason=reason.strip()[:500],
            by=by[:128],
            at=now,
        )
        session.add(row)
        session.flush()
        # Events outlive people: they name the correction, never the person.
        story.tell(session, "corrected", now, occurrence_id=occurrence_id, detail=f"no. {row.id}: {before} to {status}")
    return row


def undo(context: Context, occurrence_id: int, user_id: str, *, by: str, now: datetime) -> Correction:
    """Take back the correction that holds; the one before it, or the observed status, holds again. Raises Unknown."""
    with context.database.write() as session:
        arrange.occurrence(session, occurrence_id)
        held = in_force(session, [occurrence_id]).get((occurrence_id, user_id))
        if held is None:
            raise Unknown(f"no correction of {user_id} holds in occurrence {occurrence_id}")
        held.undone_at, held.undone_by = now, by[:128]
        story.tell(session, "correction_undone", now, occurrence_id=occurrence_id, detail=f"no. {held.id}")
    return held


def history(session: Session, occurrence_id: int, user_id: str | None = None) -> Sequence[Correction]:
    """Every correction of an occurrence, oldest first, those that were undone as well."""
    arrange.occurrence(session, occurrence_id)
    wanted = select(Correction).where(Correction.occurrence_id == occurrence_id)
    if user_id is not None:
        wanted = wanted.where(Correction.user_id == user_id)
    return session.scalars(wanted.order_by(Correction.id)).all()


def in_force(session: Session, occurrence_ids: Iterable[int]) -> dict[tuple[int, str], Correction]:
    """The corrections that hold in these occurrences, by occurrence and person."""
    wanted = select(Correction).where(Correction.occurrence_id.in_(occurrence_ids), Correction.undone_at.is_(None))
    return {(row.occurrence_id, row.user_id): row for row in session.scalars(wanted.order_by(Correction.id))}
