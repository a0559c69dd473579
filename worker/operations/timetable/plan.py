"""plan: slots -> occurrences, up to the horizon. What is there already is left alone."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select, union_all, update
from sqlalchemy.orm import Session, aliased

from worker.domain import timetable
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import days_off, leads
from worker.store.bulk import insert_many, look_again
from worker.store.tables import Course, Event, Occurrence, Slot
from worker.store.upsert import in_batches

#: Why an occurrence that had a story was cancelled when its slot went away. It comes back with the slot.
NO_LONGER = "no longer in the timetable"
#: Slots a transaction: a few thousand occurrences, held in memory at once.
_BATCH = 1000
#: A slot is planned this much beyond the horizon, so that it is due once a day and not at each sweep.
_AHEAD = timedelta(days=1)
_COLUMNS = (
    "course_id", "slot_id", "original_start", "starts_at", "ends_at", "opens_at", "closes_at", "planned_at",
    "cancelled_at", "cancel_reason", "holiday_id",
)  # fmt: skip


def due(session: Session, now: datetime, horizon: timedelta) -> Sequence[int]:
    """Slots that are not planned up to the horizon."""
    wanted = select(Slot.id).where(*_held())
    never, no_longer = wanted.where(Slot.planned_until.is_(None)), wanted.where(Slot.planned_until < now + horizon)
    # Two questions, and sorted here: SQLite would answer one, or one in order, by walking all slots.
    return sorted(session.scalars(union_all(never, no_longer)))


def _held() -> Sequence[ColumnElement[bool]]:
    """Slots that a course still has. Not a join with courses that are not archived: SQLite would begin with these, and
    walk nearly all there are."""
    its = aliased(Course)
    archived = exists(select(its.id).where(its.id == Slot.course_id, its.archived_at.is_not(None)))
    return Slot.retired_at.is_(None), ~archived


def sweep(context: Context, now: datetime) -> int:
    """Plan everything that is due. Returns the number of new occurrences."""
    leads.follow(context, now)
    with context.database.read() as session:
        slots = due(session, now, timedelta(days=context.settings.horizon_days))
    get_ready(context, slots)
    return sum(some(context, batch, now) for batch in in_batches(slots, _BATCH))


def get_ready(context: Context, slot_ids: Sequence[int]) -> None:
    """Before many are planned in batches: they may have come in just now."""
    if len(slot_ids) > _BATCH:
        with context.database.write() as session:
            look_again(session, Course, Slot)


def some(context: Context, slot_ids: Sequence[int], now: datetime) -> int:
    """Plan these slots up to the horizon, in one transaction."""
    with context.database.write() as session:
        return plan_slots(session, context, slot_ids, now)


def plan_slots(session: Session, context: Context, slot_ids: Sequence[int], now: datetime) -> int:
    """The same within a transaction of the caller's."""
    until = _whole_day(now + timedelta(days=context.settings.horizon_days) + _AHEAD)
    calendar = days_off.held(session, now - 2 * _AHEAD, until + 2 * _AHEAD)
    slots = _load(session, slot_ids)
    taken = _taken(session, slots, now)
    rows = [row for slot in slots for row in _rows(context, slot, calendar, taken, now, until)]
    new = insert_many(session, Occurrence, _COLUMNS, rows)
    if new and calendar:
        story.tell_each(session, "cancelled", now, _cancelled_here(slot_ids, now))
    session.execute(update(Slot).where(Slot.id.in_([slot.id for slot in slots])).values(planned_until=until))
    return new


class Planned(NamedTuple):
    """What planning must know of a slot and its course."""

    id: int
    course_id: int
    cron: str
    minutes: int
    valid_from: date | None
    valid_until: date | None
    every_weeks: int
    anchor: date | None
    planned_until: datetime | None
    timezone: str
    lead_seconds: float | None

    @property
    def rule(self) -> timetable.Rule:
        """The rule by which it recurs."""
        span = (self.valid_from, self.valid_until, self.every_weeks, self.anchor)
        return timetable.Rule(self.cron, self.minutes, self.timezone, *span)


def described() -> Select[Any]:
    """The columns of `Planned`."""
    of_slot = [getattr(Slot, name) for name in Planned._fields if name not in ("timezone", "lead_seconds")]
    return select(*of_slot, Course.timezone, Course.lead_seconds).join(Course, Slot.course_id == Course.id)


def _load(session: Session, slot_ids: Sequence[int]) -> list[Planned]:
    """Locked, so that an import waits to change them; those that it is changing just now are planned later."""
    if not slot_ids:
        return []
    # The range lets PostgreSQL walk a part of the index where it would compare each slot with a thousand numbers.
    band = Slot.id.between(min(slot_ids), max(slot_ids))
    wanted = described().where(band, Slot.id.in_(slot_ids), *_held())
    return [
        Planned(*row) for row in session.execute(wanted.order_by(Slot.id).with_for_update(of=Slot, skip_locked=True))
    ]


def _taken(session: Session, slots: Iterable[Planned], now: datetime) -> set[tuple[int, datetime]]:
    """What was changed by hand, or is on, of slots a course no longer has: it stands for a new slot's sitting."""
    courses = {slot.course_id for slot in slots if slot.planned_until is None}
    if not courses:
        return set()
    wanted = select(Occurrence.course_id, Occurrence.original_start).join(Slot, Occurrence.slot_id == Slot.id)
    wanted = wanted.where(Slot.course_id.in_(courses), Slot.retired_at.is_not(None))
    wanted = wanted.where(Occurrence.original_start >= _first(now))
    return {
        (course, start)
        for course, start in session.execute(wanted.where(Occurrence.cancel_reason.is_distinct_from(NO_LONGER)))
    }


def _rows(
    context: Context,
    slot: Planned,
    calendar: days_off.DaysOff,
    taken: set[tuple[int, datetime]],
    now: datetime,
    until: datetime,
) -> Iterable[tuple[Any, ...]]:
    length = timedelta(minutes=slot.minutes)
    lead = timedelta(seconds=context.settings.lead_seconds if slot.lead_seconds is None else slot.lead_seconds)
    after = max(slot.planned_until or _first(now), _first(now))
    for start in timetable.starts(slot.rule, after, until, week_start=context.settings.week_start):
        end = start + length
        if end <= now or (taken and (slot.course_id, start) in taken):
            continue  # what is over before it was ever planned is nobody's class
        off = calendar.on(start, slot.timezone) if calendar else None
        cancelled = (None, None, None) if off is None else (now, off.title, off.id)
        yield slot.course_id, slot.id, start, start, end, start - lead, end, now, *cancelled


def _cancelled_here(slot_ids: Sequence[int], now: datetime) -> Select[int, str | None]:
    told = exists(select(Event.id).where(Event.occurrence_id == Occurrence.id, Event.kind == "cancelled"))
    fresh = (Occurrence.planned_at == now, Occurrence.cancelled_at == now, Occurrence.holiday_id.is_not(None))
    return select(Occurrence.id, Occurrence.cancel_reason).where(Occurrence.slot_id.in_(slot_ids), *fresh, ~told)


def _first(now: datetime) -> datetime:
    """From where a new slot is planned: what began yesterday may still be on."""
    return _whole_day(now) - _AHEAD


def _whole_day(instant: datetime) -> datetime:
    """Midnight UTC: windows are whole days, so that all slots of one expression share one expansion."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
