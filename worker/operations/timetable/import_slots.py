"""The slots of courses -> what the file says of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from worker.domain import timetable
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import replan
from worker.store.tables import Course, Slot
from worker.timetables import CourseDraft, SlotDraft

_Pair = tuple[Course, CourseDraft]


def bring(
    session: Session,
    context: Context,
    pairs: Sequence[_Pair],
    moved: Sequence[str],
    what: Mapping[str, list[str]],
    now: datetime,
) -> list[int]:
    """Write the slots of these courses. Returns those to be planned. ``moved`` names courses whose zone has changed.

    ``what`` is told, by code, what has changed.
    """
    known = _known(session, pairs)
    new: list[dict[str, Any]] = []
    changed: list[int] = []
    gone: list[int] = []
    for course, draft in pairs:
        added, altered, left = _compare(known[course.id], draft.slots, context.settings.week_start)
        new += [_values(course, each) for each in added]
        gone += [slot.id for slot in left]
        changed += [_alter(slot, each).id for slot, each in altered]
        _say(session, course, draft, known[course.id], (added, altered, left), what, now)
        if draft.code in moved:
            changed += [slot.id for slot in known[course.id] if slot not in left]
    session.flush()
    replan.retire(session, gone, now)
    replan.follow(session, context, list(dict.fromkeys(changed)), now)
    if new:
        session.execute(insert(Slot), new)
    return _unplanned(session, pairs)


def _known(session: Session, pairs: Sequence[_Pair]) -> Mapping[int, list[Slot]]:
    wanted = select(Slot).where(Slot.course_id.in_([course.id for course, _ in pairs]), Slot.retired_at.is_(None))
    found: dict[int, list[Slot]] = defaultdict(list)
    for slot in session.scalars(wanted.order_by(Slot.id).with_for_update()):
        found[slot.course_id].append(slot)
    return found


def _unplanned(session: Session, pairs: Sequence[_Pair]) -> list[int]:
    wanted = select(Slot.id).where(Slot.course_id.in_([course.id for course, _ in pairs]), Slot.retired_at.is_(None))
    return list(session.scalars(wanted.where(Slot.planned_until.is_(None)).order_by(Slot.id)))


def _compare(
    known: Sequence[Slot], drafts: Sequence[SlotDraft], week_start: int
) -> tuple[list[SlotDraft], list[tuple[Slot, SlotDraft]], list[Slot]]:
    """New ones, changed ones, and those that are gone. One rule may hold in several spans of the year."""
    left: dict[object, list[Slot]] = defaultdict(list)
    for slot in known:
        left[_key(slot, week_start)].append(slot)
    rest: list[SlotDraft] = []
    for draft in drafts:
        same = [slot for slot in left[_key(draft, week_start)] if _facts(slot) == _facts(draft)]
        if same:
            left[_key(draft, week_start)].remove(same[0])
        else:
            rest.append(draft)
    altered = [(left[key].pop(0), draft) for draft in rest if left[key := _key(draft, week_start)]]
    taken = [draft for _, draft in altered]
    return [draft for draft in rest if draft not in taken], altered, [slot for each in left.values() for slot in each]


def _key(slot: Slot | SlotDraft, week_start: int) -> tuple[str, int, int]:
    return slot.cron, slot.every_weeks, timetable.phase(slot.every_weeks, slot.anchor, week_start)


def _facts(slot: Slot | SlotDraft) -> tuple[int, date | None, date | None]:
    return slot.minutes, slot.valid_from, slot.valid_until


def _alter(slot: Slot, draft: SlotDraft) -> Slot:
    slot.minutes, slot.valid_from, slot.valid_until = _facts(draft)
    return slot


def _values(course: Course, draft: SlotDraft) -> dict[str, Any]:
    names = ("cron", "minutes", "valid_from", "valid_until", "every_weeks", "anchor")
    return {"course_id": course.id, **{name: getattr(draft, name) for name in names}}


def _say(
    session: Session,
    course: Course,
    draft: CourseDraft,
    known: Sequence[Slot],
    found: tuple[Sequence[SlotDraft], Sequence[tuple[Slot, SlotDraft]], Sequence[Slot]],
    what: Mapping[str, list[str]],
    now: datetime,
) -> None:
    """What became of the rules of a course: planned occurrences follow them and leave no trace themselves."""
    added, altered, left = found
    if not (added or altered or left):
        return
    what[draft.code].append("slots")
    if known:
        lines = [f"- {_told(slot)}" for slot in left]
        lines += [f"~ {_told(each)}" for _, each in altered] + [f"+ {_told(each)}" for each in added]
        story.tell(session, "slots_changed", now, detail=f"{course.code}: {'; '.join(lines)}")


def _told(slot: Slot | SlotDraft) -> str:
    span = f" {slot.valid_from or ''}..{slot.valid_until or ''}" if slot.valid_from or slot.valid_until else ""
    weeks = f" every {slot.every_weeks} weeks" if slot.every_weeks > 1 else ""
    return f"{slot.cron}, {slot.minutes} min{weeks}{span}"
