"""Another lead in the settings holds for classes that are planned already, where their course does not give its own.

When a room opens is a column, so that what is due is found by an index; it is written anew where the setting changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker import logs
from worker.operations.context import Context
from worker.operations.installation import identity
from worker.store.tables import Course, Occurrence
from worker.store.upsert import in_batches

_BATCH = 1000


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
            _shift(session, batch, timedelta(seconds=lead))
    with context.database.write() as session:
        identity.note_lead(session, lead)
    if ids:
        logs.event("lead.changed", before=known, after=lead, occurrences=len(ids))


def _otherwise(session: Session, lead: timedelta, now: datetime) -> Sequence[int]:
    """What lies ahead and opens at another time; also what is cancelled: it may take place after all."""
    wanted = select(Occurrence.id, Occurrence.starts_at, Occurrence.opens_at).join(Course)
    rows = session.execute(wanted.where(Occurrence.starts_at > now, Course.lead_seconds.is_(None)))
    return [id for id, starts_at, opens_at in rows if opens_at != starts_at - lead]


def _shift(session: Session, ids: Sequence[int], lead: timedelta) -> None:
    for row in session.scalars(select(Occurrence).where(Occurrence.id.in_(ids)).with_for_update()):
        row.opens_at = row.starts_at - lead
