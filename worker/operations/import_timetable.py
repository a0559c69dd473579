"""Bringing a timetable or a roster into the tables: all of it or nothing, and the same file twice changes nothing.

A course is known by its code, a slot of a course by its cron and weeks. A changed length or validity is a change of the
slot, and re-plans only what lies ahead, has no meeting and was not changed by hand; another cron is another slot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from worker.errors import Unknown
from worker.operations import arrange, options, plan, story
from worker.operations.context import Context
from worker.store.tables import Course, Occurrence, Participant, Slot
from worker.store.upsert import in_batches, insert_new
from worker.timetables import CourseDraft, RosterDraft, SlotDraft, TimetableDraft

_Key = tuple[str, int, date | None]


@dataclass(slots=True)
class Changes:
    """What an import did, or would do: course codes by kind of change, and the occurrences planned at once."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    occurrences: int = 0
    warnings: list[str] = field(default_factory=list)


class _DryRun(Exception):
    """Rolls the transaction back once everything has been tried for real."""


def import_timetable(context: Context, draft: TimetableDraft, now: datetime, *, dry_run: bool = False) -> Changes:
    """Write a timetable, plan it, and say what changed. A dry run does the same and takes it back."""
    changes = Changes(warnings=list(draft.warnings))
    try:
        with context.database.write() as session:
            slots = [slot for each in draft.courses for slot in _course(session, context, each, changes, now)]
            for batch in in_batches(slots, 500):
                changes.occurrences += plan.plan_slots(session, context, batch, now)
            if changes.new or changes.changed:
                detail = f"{len(changes.new)} new, {len(changes.changed)} changed"
                story.tell(session, "imported", now, detail=detail)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return changes


def _course(session: Session, context: Context, draft: CourseDraft, changes: Changes, now: datetime) -> Iterable[int]:
    """Write one course. Returns its slots that want planning."""
    options.check(draft.options, f"course {draft.code!r}, column options")
    row = session.scalar(select(Course).where(Course.code == draft.code))
    values = _values(draft)
    if row is None:
        row = Course(code=draft.code, **values)
        session.add(row)
        session.flush()
        kind = changes.new
        touched = True
    else:
        touched = _update(session, context, row, values, now)
        kind = changes.changed if touched else changes.unchanged
    slots, slots_touched = _slots(session, row, draft.slots, now)
    sittings = _sittings(session, context, row, draft, now)
    changes.occurrences += sittings
    if kind is changes.unchanged and (slots_touched or sittings):
        kind = changes.changed
    kind.append(draft.code)
    return slots


def _values(draft: CourseDraft) -> dict[str, object]:
    return {
        "title": draft.title,
        "teacher_id": draft.teacher_id,
        "teacher_name": draft.teacher_name,
        "room": draft.room,
        "timezone": draft.timezone,
        "record": draft.record or "never",
        "lead_seconds": None if draft.lead_minutes is None else draft.lead_minutes * 60,
        "grace_seconds": None if draft.grace_minutes is None else draft.grace_minutes * 60,
        "expected": draft.expected,
        "options": dict(draft.options),
        "archived_at": None,
    }


def _update(session: Session, context: Context, row: Course, values: dict[str, object], now: datetime) -> bool:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    session.flush()
    if "timezone" in changed:  # 9:00 is another instant now: what lies ahead is planned anew
        slots = session.scalars(select(Slot).where(Slot.course_id == row.id, Slot.retired_at.is_(None))).all()
        for slot in slots:
            _replan(session, slot, now)
    elif "lead_seconds" in changed:
        _shift_opening(session, row.id, arrange.lead_of(context, row), now)
    return bool(changed)


def _shift_opening(session: Session, course_id: int, lead: timedelta, now: datetime) -> None:
    ahead = select(Occurrence).where(Occurrence.course_id == course_id, Occurrence.starts_at > now)
    for each in session.scalars(ahead.where(Occurrence.cancelled_at.is_(None))):
        each.opens_at = each.starts_at - lead


def _slots(session: Session, row: Course, drafts: Sequence[SlotDraft], now: datetime) -> tuple[list[int], bool]:
    """Bring the slots of a course to what the file says. Returns those to be planned, and whether anything changed."""
    known = {_key(each): each for each in session.scalars(_live_slots(row.id))}
    wanted = {(each.cron, each.every_weeks, each.anchor): each for each in drafts}
    for key in known.keys() - wanted.keys():
        known[key].retired_at = now
        _unplan(session, known[key], now)
    to_plan = [_slot(session, row, key, draft, known.get(key), now) for key, draft in wanted.items()]
    return [each for each in to_plan if each is not None], known.keys() != wanted.keys() or any(to_plan)


def _live_slots(course_id: int) -> Select[Slot]:
    return select(Slot).where(Slot.course_id == course_id, Slot.retired_at.is_(None)).order_by(Slot.id)


def _key(slot: Slot) -> _Key:
    return slot.cron, slot.every_weeks, slot.anchor


def _slot(session: Session, row: Course, key: _Key, draft: SlotDraft, known: Slot | None, now: datetime) -> int | None:
    values = {"minutes": draft.minutes, "valid_from": draft.valid_from, "valid_until": draft.valid_until}
    if known is None:
        known = Slot(course_id=row.id, cron=key[0], every_weeks=key[1], anchor=key[2], **values)
        session.add(known)
        session.flush()
        return known.id
    if all(getattr(known, name) == value for name, value in values.items()):
        return known.id if known.planned_until is None else None
    for name, value in values.items():
        setattr(known, name, value)
    _replan(session, known, now)
    return known.id


def _replan(session: Session, slot: Slot, now: datetime) -> None:
    _unplan(session, slot, now)
    slot.planned_until = None
    session.flush()


def _unplan(session: Session, slot: Slot, now: datetime) -> None:
    """Take back what lies ahead, has no meeting, and was not changed by hand."""
    session.execute(
        delete(Occurrence)
        .where(Occurrence.slot_id == slot.id, *arrange.untouched(now))
        .execution_options(synchronize_session=False)
    )


def _sittings(session: Session, context: Context, row: Course, draft: CourseDraft, now: datetime) -> int:
    """Dated sittings of a file, as extra ones of the course. Those that are over already are left out."""
    lead = arrange.lead_of(context, row)
    rows = [
        {
            "course_id": row.id,
            "original_start": each.original_start or each.starts_at,
            "starts_at": each.starts_at,
            "ends_at": each.ends_at,
            "opens_at": each.starts_at - lead,
            "closes_at": each.ends_at,
            "planned_at": now,
            "cancelled_at": now if each.cancelled else None,
            "cancel_reason": "cancelled in the timetable" if each.cancelled else None,
        }
        for each in draft.sittings
        if each.ends_at > now
    ]
    return insert_new(session, Occurrence, rows) if rows else 0


def import_roster(context: Context, draft: RosterDraft, now: datetime) -> Changes:
    """Write who is enrolled. A course's roster becomes what the file says of it; courses not named stay as they are."""
    changes = Changes()
    by_course: dict[str, list[dict[str, object]]] = {}
    for entry in draft.entries:
        row = {"user_id": entry.user_id, "full_name": entry.full_name, "role": entry.role}
        dates = {"valid_from": entry.valid_from, "valid_until": entry.valid_until}
        by_course.setdefault(entry.course, []).append({**row, **dates})
    with context.database.write() as session:
        known = dict(session.execute(select(Course.code, Course.id).where(Course.code.in_(by_course))).all())
        if missing := [code for code in by_course if code not in known]:
            line = next(entry.line for entry in draft.entries if entry.course == missing[0])
            raise Unknown(f"row {line}, column course: there is no course {missing[0]!r}; import the timetable first")
        for code, rows in by_course.items():
            before = session.execute(_people(known[code])).all()
            if sorted(map(str, map(tuple, before))) == sorted(str(tuple(row.values())) for row in rows):
                changes.unchanged.append(code)
                continue
            session.execute(delete(Participant).where(Participant.course_id == known[code]))
            insert_new(session, Participant, [{"course_id": known[code], **row} for row in rows])
            (changes.changed if before else changes.new).append(code)
        if changes.new or changes.changed:
            total = sum(len(rows) for rows in by_course.values())
            story.tell(session, "roster", now, detail=f"{total} people in {len(by_course)} courses")
    return changes


def _people(course_id: int) -> Select[str, str, str, date | None, date | None]:
    columns = (Participant.user_id, Participant.full_name, Participant.role)
    return select(*columns, Participant.valid_from, Participant.valid_until).where(Participant.course_id == course_id)
