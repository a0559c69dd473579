"""A slot has changed or gone: what lies ahead of it, is not on, and was not changed by hand, follows.

An occurrence of which anything was ever told is kept, cancelled where it is no longer wanted; the others are a mere
plan, and leave no trace.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from worker.domain import timetable
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import days_off
from worker.operations.timetable.plan import NO_LONGER, Planned, described
from worker.store.tables import Event, Meeting, Occurrence, Slot
from worker.store.upsert import in_batches

_BATCH = 500


def follow(session: Session, context: Context, slot_ids: Sequence[int], now: datetime) -> None:
    """Bring what is planned of these slots to what their rules say now, and have the rest planned anew."""
    for batch in in_batches(slot_ids, _BATCH):
        slots = {row.id: Planned(*row) for row in session.execute(described().where(Slot.id.in_(batch)))}
        rows = _ahead(session, batch, now)
        kept = _kept(context, slots, rows)
        _keep(session, slots, [row for row in rows if row.id in kept], now)
        _drop(session, [row for row in rows if row.id not in kept], now)
        session.execute(update(Slot).where(Slot.id.in_(batch)).values(planned_until=None))


def retire(session: Session, slot_ids: Sequence[int], now: datetime) -> None:
    """These slots are no more."""
    for batch in in_batches(slot_ids, _BATCH):
        session.execute(update(Slot).where(Slot.id.in_(batch)).values(retired_at=now))
        _drop(session, _ahead(session, batch, now), now)


def as_planned(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Conditions for occurrences that lie ahead, have no meeting, and that nobody changed by hand."""
    return (
        Occurrence.starts_at > now,
        Occurrence.starts_at == Occurrence.original_start,
        Occurrence.extended_until.is_(None),
        or_(
            Occurrence.cancelled_at.is_(None), Occurrence.holiday_id.is_not(None), Occurrence.cancel_reason == NO_LONGER
        ),
        ~exists(select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id)),
    )


def _ahead(session: Session, slot_ids: Sequence[int], now: datetime) -> Sequence[Occurrence]:
    wanted = select(Occurrence).where(Occurrence.slot_id.in_(slot_ids), *as_planned(now))
    return session.scalars(wanted.order_by(Occurrence.id)).all()


def _kept(context: Context, slots: dict[int, Planned], rows: Sequence[Occurrence]) -> set[int]:
    """Numbers of those that the rules of today still give."""
    if not rows:
        return set()
    first = min(row.starts_at for row in rows)
    last = max(row.starts_at for row in rows) + timedelta(seconds=1)
    week_start = context.settings.week_start
    given = {id: set(timetable.starts(slot.rule, first, last, week_start=week_start)) for id, slot in slots.items()}
    return {row.id for row in rows if row.slot_id is not None and row.starts_at in given[row.slot_id]}


def _keep(session: Session, slots: dict[int, Planned], rows: Sequence[Occurrence], now: datetime) -> None:
    for row in rows:
        assert row.slot_id is not None
        slot = slots[row.slot_id]
        if row.cancel_reason == NO_LONGER:
            restore(session, row, slot.timezone, now)
        _relength(session, row, slot.minutes, now)


def _relength(session: Session, row: Occurrence, minutes: int, now: datetime) -> None:
    before = row.ends_at - row.starts_at
    if before != timedelta(minutes=minutes):
        row.ends_at = row.closes_at = row.starts_at + timedelta(minutes=minutes)
        detail = f"from {before.total_seconds() / 60:g} to {minutes} minutes"
        story.tell(session, "changed", now, occurrence_id=row.id, detail=detail)


def restore(session: Session, row: Occurrence, timezone: str, now: datetime) -> None:
    """It takes place after all, unless its day is without classes."""
    row.cancelled_at = row.cancel_reason = row.holiday_id = row.settled_at = None
    story.tell(session, "restored", now, occurrence_id=row.id)
    keep_holiday(session, row, timezone, now)


def keep_holiday(session: Session, row: Occurrence, timezone: str, now: datetime) -> None:
    """It does not take place if its day is without classes."""
    off = days_off.held(session, row.starts_at - timedelta(days=1), row.starts_at + timedelta(days=1))
    if (found := off.on(row.starts_at, timezone)) is not None:
        cancel(session, row, found.title, now)
        row.holiday_id = found.id


def cancel(session: Session, row: Occurrence, reason: str, now: datetime) -> None:
    """It will not take place."""
    row.cancelled_at, row.cancel_reason, row.holiday_id = now, reason, None
    story.tell(session, "cancelled", now, occurrence_id=row.id, detail=reason)


def _drop(session: Session, rows: Sequence[Occurrence], now: datetime) -> None:
    for batch in in_batches(rows, _BATCH):
        ids = [row.id for row in batch]
        told = set(session.scalars(select(Event.occurrence_id).where(Event.occurrence_id.in_(ids))))
        for row in batch:
            if row.id in told and row.cancel_reason != NO_LONGER:
                cancel(session, row, NO_LONGER, now)
        session.flush()
        mere = delete(Occurrence).where(Occurrence.id.in_(set(ids) - told))
        session.execute(mere.execution_options(synchronize_session=False))
