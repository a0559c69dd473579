"""How early rooms open. A changed lead holds for classes planned already: of its course, or of all without their own.

When a room opens is a column, so that what is due is found by an index; it is written anew where the setting changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from worker import logs
from worker.operations.context import Context
from worker.operations.installation import identity
from worker.settings import Settings
from worker.store.tables import Course, Occurrence
from worker.store.upsert import in_batches

_BATCH = 1000


def lead_of(settings: Settings, course: Course) -> timedelta:
    """How early the rooms of a course open."""
    return timedelta(seconds=settings.lead_seconds if course.lead_seconds is None else course.lead_seconds)


def follow(context: Context, now: datetime) -> None:
    """Go by the lead of the settings. What was done is noted last: cut off, it is done again."""
    lead = context.settings.lead_seconds
    with context.database.read() as session:
        known = identity.lead_seconds(session)
        if known == lead:
            return
        ids = _otherwise(session, timedelta(seconds=lead), now)
    for batch in in_batches(ids, _BATCH):
        with context.database.write() as session:
            shift(session, Occurrence.id.in_(batch), lead=timedelta(seconds=lead))
    with context.database.write() as session:
        identity.note_lead(session, lead)
    if ids:
        logs.event("lead.changed", before=known, after=lead, occurrences=len(ids))


def _otherwise(session: Session, lead: timedelta, now: datetime) -> Sequence[int]:
    """What lies ahead and opens at another time; also what is cancelled: it may take place after all."""
    wanted = select(Occurrence.id, Occurrence.starts_at, Occurrence.opens_at).join(Course)
    rows = session.execute(wanted.where(Occurrence.starts_at > now, Course.lead_seconds.is_(None)))
    return [id for id, starts_at, opens_at in rows if opens_at != starts_at - lead]


def shift(session: Session, *chosen: ColumnElement[bool], lead: timedelta) -> None:
    """Write anew when the rooms of these occurrences open."""
    for row in session.scalars(select(Occurrence).where(*chosen).with_for_update()):
        row.opens_at = row.starts_at - lead
