"""retention: what is known of people is kept as long as it was asked to be, and no longer.

Two ages. Observations, the names in them and servers' own reports go after ``retention_days``: stays and statuses
stand, but cannot be folded again. Stays, gaps, corrections and totals of servers go after ``keep_stays_days``, if set.
It runs with the plan loop, once a day: the work is small, and one more line of beat would be one more thing to die.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from worker.operations import pulse, story
from worker.operations.context import Context
from worker.store.tables import (
    Attendee,
    CallbackSeen,
    Correction,
    EndedObservation,
    ExactStay,
    Gap,
    LoadPoint,
    Meeting,
    Occurrence,
    OngoingObservation,
    Stay,
)
from worker.store.upsert import in_batches

_BATCH = 100
_DAY = timedelta(days=1)


def daily(context: Context, now: datetime) -> tuple[int, int]:
    """Prune, unless it was done within the last day. Many may ask at once: the row of the pulse decides."""
    return prune(context, now) if pulse.take(context, "retention", now, rest=_DAY) else (0, 0)


def prune(context: Context, now: datetime) -> tuple[int, int]:
    """Remove what has come of age. Returns the occurrences that lost observations, and those that lost stays."""
    settings = context.settings
    _prune_callbacks(context, now - timedelta(days=settings.retention_days))
    observed = _prune_observations(context, now - timedelta(days=settings.retention_days), now)
    stayed = 0
    if settings.keep_stays_days is not None:
        stayed = _prune_stays(context, now - timedelta(days=settings.keep_stays_days), now)
    return observed, stayed


def _prune_callbacks(context: Context, before: datetime) -> None:
    """Those that came again so late would change nothing: what they speak of is pruned too."""
    with context.database.write() as session:
        session.execute(delete(CallbackSeen).where(CallbackSeen.at < before))


def _prune_observations(context: Context, before: datetime, now: datetime) -> int:
    with context.database.read() as session:
        old = select(Occurrence.id).where(Occurrence.settled_at.is_not(None), Occurrence.closes_at < before)
        ids = session.scalars(old.where(Occurrence.pruned_at.is_(None)).order_by(Occurrence.id)).all()
    for batch in in_batches(ids, _BATCH):
        with context.database.write() as session:
            meetings = select(Meeting.id).where(Meeting.occurrence_id.in_(batch)).scalar_subquery()
            # First of all, so that no class of these is folded meanwhile, of what is left of it.
            session.execute(update(Occurrence).where(Occurrence.id.in_(batch)).values(pruned_at=now))
            for table in (EndedObservation, OngoingObservation, Attendee, ExactStay):
                session.execute(delete(table).where(table.meeting_id.in_(meetings)))
            story.tell(session, "pruned", now, detail=f"observations of {len(batch)} occurrences")
    return len(ids)


def _prune_stays(context: Context, before: datetime, now: datetime) -> int:
    with context.database.read() as session:
        old = select(Occurrence.id).where(Occurrence.pruned_at.is_not(None), Occurrence.closes_at < before)
        ids = session.scalars(old.where(Occurrence.emptied_at.is_(None)).order_by(Occurrence.id)).all()
    with context.database.write() as session:
        session.execute(delete(LoadPoint).where(LoadPoint.minute < before))
    for batch in in_batches(ids, _BATCH):
        with context.database.write() as session:
            session.execute(update(Occurrence).where(Occurrence.id.in_(batch)).values(emptied_at=now))
            for table in (Stay, Gap, Correction):
                session.execute(delete(table).where(table.occurrence_id.in_(batch)))
            story.tell(session, "pruned", now, detail=f"stays of {len(batch)} occurrences")
    return len(ids)
