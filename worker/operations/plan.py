"""plan: slots -> occurrences, up to the horizon. What is there already is left alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session

from worker.domain import lifecycle, timetable
from worker.operations.context import Context
from worker.store.tables import Course, Occurrence, Slot
from worker.store.upsert import in_batches, insert_new

#: Slots a transaction.
_BATCH = 500
#: A slot is planned this much beyond the horizon, so that it is due once a day and not at each sweep.
_AHEAD = timedelta(days=1)


def due(session: Session, now: datetime, horizon: timedelta) -> Sequence[int]:
    """Slots that are not planned up to the horizon."""
    wanted = select(Slot.id).join(Course).where(Slot.retired_at.is_(None), Course.archived_at.is_(None))
    wanted = wanted.where(or_(Slot.planned_until.is_(None), Slot.planned_until < now + horizon))
    return session.scalars(wanted.order_by(Slot.id)).all()


def sweep(context: Context, now: datetime) -> int:
    """Plan everything that is due. Returns the number of new occurrences."""
    with context.database.read() as session:
        slots = due(session, now, timedelta(days=context.settings.horizon_days))
    return sum(some(context, batch, now) for batch in in_batches(slots, _BATCH))


def some(context: Context, slot_ids: Sequence[int], now: datetime) -> int:
    """Plan these slots up to the horizon, in one transaction."""
    with context.database.write() as session:
        return plan_slots(session, context, slot_ids, now)


def plan_slots(session: Session, context: Context, slot_ids: Sequence[int], now: datetime) -> int:
    """The same within a transaction of the caller's."""
    until = _whole_day(now + timedelta(days=context.settings.horizon_days) + _AHEAD)
    rows: list[dict[str, Any]] = []
    for slot, zone, lead_seconds in _load(session, slot_ids):
        lead = timedelta(seconds=context.settings.lead_seconds if lead_seconds is None else lead_seconds)
        rows.extend(_occurrences(slot, zone, lead, context.settings.week_start, now, until))
    new = insert_new(session, Occurrence, rows)
    session.execute(update(Slot).where(Slot.id.in_(slot_ids)).values(planned_until=until))
    return new


def _load(session: Session, slot_ids: Sequence[int]) -> Iterable[Row[Slot, str, float | None]]:
    columns = (Slot, Course.timezone, Course.lead_seconds)
    return session.execute(select(*columns).join(Course, Slot.course_id == Course.id).where(Slot.id.in_(slot_ids)))


def _occurrences(
    slot: Slot, zone: str, lead: timedelta, week_start: int, now: datetime, until: datetime
) -> Iterable[dict[str, Any]]:
    length = timedelta(minutes=slot.minutes)
    for start in timetable.starts(_rule(slot, zone), _whole_day(now) - _AHEAD, until, week_start=week_start):
        if start + length <= now:
            continue  # what is over before it was ever planned is nobody's class
        opens_at, closes_at = lifecycle.window(start, start + length, None, lead)
        yield {
            "course_id": slot.course_id,
            "slot_id": slot.id,
            "original_start": start,
            "starts_at": start,
            "ends_at": start + length,
            "opens_at": opens_at,
            "closes_at": closes_at,
            "planned_at": now,
        }


def _rule(slot: Slot, zone: str) -> timetable.Rule:
    return timetable.Rule(
        slot.cron, slot.minutes, zone, slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor
    )


def _whole_day(instant: datetime) -> datetime:
    """Midnight UTC: windows are whole days, so that all slots of one expression share one expansion."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
