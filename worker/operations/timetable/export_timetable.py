"""The timetable as it stands, in the values that files are written from."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from worker.operations.timetable.plan import NO_LONGER
from worker.store.tables import Course, Occurrence, Slot
from worker.timetables import CourseDraft, SittingDraft, SlotDraft


def drafts(session: Session, now: datetime) -> list[CourseDraft]:
    """Every course that is not archived, with its slots, its extra sittings ahead and what was moved or cancelled."""
    courses = session.scalars(select(Course).where(Course.archived_at.is_(None)).order_by(Course.code)).all()
    slots: dict[int, list[Slot]] = defaultdict(list)
    for slot in session.scalars(select(Slot).where(Slot.retired_at.is_(None)).order_by(Slot.id)):
        slots[slot.course_id].append(slot)
    changed: dict[int, list[Occurrence]] = defaultdict(list)
    for row in session.scalars(_by_hand(now)):
        changed[row.course_id].append(row)
    return [_course(course, slots[course.id], changed[course.id]) for course in courses]


def _by_hand(now: datetime) -> Select[Occurrence]:
    by_hand = Occurrence.slot_id.is_(None) | Occurrence.cancelled_at.is_not(None)
    moved = Occurrence.starts_at != Occurrence.original_start
    held = Occurrence.cancelled_at.is_(None) | ~exists(
        select(Slot.id).where(Slot.id == Occurrence.slot_id, Slot.retired_at.is_not(None))
    )
    wanted = select(Occurrence).where(Occurrence.ends_at > now, by_hand | moved, held)
    wanted = wanted.where(Occurrence.cancel_reason.is_distinct_from(NO_LONGER))
    return wanted.order_by(Occurrence.starts_at, Occurrence.id)


def _course(course: Course, slots: list[Slot], sittings: list[Occurrence]) -> CourseDraft:
    return CourseDraft(
        code=course.code,
        title=course.title,
        timezone=course.timezone,
        teacher_id=course.teacher_id,
        teacher_name=course.teacher_name,
        record=course.record,
        lead_minutes=None if course.lead_seconds is None else course.lead_seconds / 60,
        grace_minutes=None if course.grace_seconds is None else course.grace_seconds / 60,
        expected=course.expected,
        options=dict(course.options),
        slots=tuple(_slot(each) for each in slots),
        room=course.room,
        sittings=tuple(_sitting(each) for each in sittings),
    )


def _slot(slot: Slot) -> SlotDraft:
    return SlotDraft(slot.cron, slot.minutes, slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor)


def _sitting(row: Occurrence) -> SittingDraft:
    original = None if row.slot_id is None and row.starts_at == row.original_start else row.original_start
    return SittingDraft(row.starts_at, row.ends_at, row.cancelled_at is not None, original)
