"""Dated sittings of a file: extra ones of a course, and those that stand for one of a slot, cancelled or moved.

The file's last word on each is kept in its story, so that the same file again undoes nothing that people changed since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Exists, and_, exists, or_, select
from sqlalchemy.orm import Session

from worker.domain import timetable
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import arrange, days_off, leads, replan
from worker.operations.timetable.plan import NO_LONGER, Planned, described
from worker.store.tables import Course, Event, Meeting, Occurrence, Slot
from worker.store.upsert import in_batches
from worker.timetables import CourseDraft, SittingDraft

#: Why a sitting that the file calls cancelled is.
IN_FILE = "cancelled in the timetable"
_MOVED = "in the timetable: "
_BATCH = 500
_Pair = tuple[Course, CourseDraft]


@dataclass(slots=True)
class _Work:
    """One course of a file at work."""

    session: Session
    context: Context
    course: Course
    slots: Sequence[Planned]
    now: datetime
    new: int = 0
    changed: bool = False
    seen: set[int] = field(default_factory=set)  #: occurrences that the file speaks of

    def slot_of(self, start: datetime) -> Planned | None:
        """The slot that puts a sitting there."""
        week_start, end = self.context.settings.week_start, start + timedelta(seconds=1)
        return next(
            (each for each in self.slots if timetable.starts(each.rule, start, end, week_start=week_start)), None
        )


def bring(
    session: Session,
    context: Context,
    pairs: Sequence[_Pair],
    what: Mapping[str, list[str]],
    warnings: list[str],
    now: datetime,
) -> int:
    """Write the sittings of these courses. Returns how many are new; ``what`` is told, by code, what has changed."""
    loose = _loose(session, [course.id for course, _ in pairs], now)
    concerned = [pair for pair in pairs if pair[1].sittings or loose[pair[0].id]]
    slots = _slots(session, [course.id for course, _ in concerned])
    new = 0
    for course, draft in concerned:
        work = _Work(session, context, course, slots[course.id], now)
        _each(work, _distinct(draft, warnings, now))
        _forget(work, [row for row in loose[course.id] if row.id not in work.seen])
        session.flush()
        new += work.new
        if work.new or work.changed:
            what[draft.code].append("sittings")
    return new


def bring_back(session: Session, course: Course, reason: str, now: datetime) -> None:
    """What lies ahead of a course and was cancelled for this reason takes place after all."""
    wanted = select(Occurrence).where(Occurrence.course_id == course.id, Occurrence.starts_at > now)
    for row in session.scalars(wanted.where(Occurrence.cancel_reason == reason)):
        replan.restore(session, row, course.timezone, now)


def _slots(session: Session, course_ids: Sequence[int]) -> Mapping[int, list[Planned]]:
    found: dict[int, list[Planned]] = defaultdict(list)
    wanted = described().where(Slot.course_id.in_(course_ids), Slot.retired_at.is_(None)).order_by(Slot.id)
    for row in session.execute(wanted):
        found[row.course_id].append(Planned(*row))
    return found


def _loose(session: Session, course_ids: Sequence[int], now: datetime) -> Mapping[int, list[Occurrence]]:
    """What a file once said of these courses and lies ahead: its extra sittings, its cancellations, its moves."""
    by_hand = exists(select(Event.id).where(Event.occurrence_id == Occurrence.id, Event.kind == "added"))
    moved = and_(Occurrence.starts_at != Occurrence.original_start, _told_moved())
    extra = and_(Occurrence.slot_id.is_(None), ~by_hand)
    held = or_(Occurrence.cancelled_at.is_(None), Occurrence.holiday_id.is_not(None))
    ours = or_(Occurrence.cancel_reason == IN_FILE, and_(held, or_(extra, moved)))
    wanted = select(Occurrence).where(Occurrence.course_id.in_(course_ids), Occurrence.starts_at > now, ours)
    meeting = exists(select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id))
    found: dict[int, list[Occurrence]] = defaultdict(list)
    for row in session.scalars(wanted.where(~meeting).order_by(Occurrence.id)):
        found[row.course_id].append(row)
    return found


def _told_moved() -> Exists:
    told = Event.detail.startswith(_MOVED, autoescape=True)
    return exists(select(Event.id).where(Event.occurrence_id == Occurrence.id, Event.kind == "moved", told))


def _distinct(draft: CourseDraft, warnings: list[str], now: datetime) -> list[SittingDraft]:
    """Those that are not over, each once."""
    found: dict[datetime, SittingDraft] = {}
    for each in draft.sittings:
        if each.ends_at > now:
            first = found.setdefault(each.original_start or each.starts_at, each)
            if first != each:
                warnings.append(f"{draft.code}: two sittings for {each.starts_at.isoformat()}; the first is taken")
    return list(found.values())


def _each(work: _Work, sittings: Sequence[SittingDraft]) -> None:
    for batch in in_batches(sittings, _BATCH):
        rows = _rows(work, batch)
        fresh = [each for each in batch if not _known(work, each, rows)]
        _insert(work, fresh)


def _rows(work: _Work, sittings: Iterable[SittingDraft]) -> list[Occurrence]:
    wanted = {each.original_start or each.starts_at for each in sittings}
    meant = or_(Occurrence.original_start.in_(wanted), Occurrence.starts_at.in_(wanted))
    found = select(Occurrence).where(Occurrence.course_id == work.course.id, meant)
    return list(work.session.scalars(found.order_by(Occurrence.id)))


def _known(work: _Work, sitting: SittingDraft, rows: Sequence[Occurrence]) -> bool:
    """Whether the sitting is there. If so, it is brought to what the file says."""
    original = sitting.original_start or sitting.starts_at
    slot = work.slot_of(original)
    if slot is not None and sitting.original_start is None and _length(sitting) == timedelta(minutes=slot.minutes):
        return True  # the slot's own sitting, named once more
    wanted = None if slot is None or sitting.original_start is None else slot.id
    row = next((each for each in rows if (each.slot_id, each.original_start) == (wanted, original)), None)
    if row is None and wanted is not None:
        there = (each for each in rows if each.slot_id is not None and each.original_start == original)
        row = next((each for each in there if _belongs(work, each, wanted)), None)
    row = row or next((each for each in rows if _is_now(each, sitting)), None)
    if row is not None:
        work.seen.add(row.id)
        _follow(work, row, sitting)
    return row is not None


def _belongs(work: _Work, row: Occurrence, slot_id: int) -> bool:
    """Whether it is a sitting of a slot that the course has. One whose own slot is gone becomes this one's, unless this
    one has it already: planning would put a second beside it."""
    if row.slot_id in {each.id for each in work.slots}:
        return True
    same = select(Occurrence.id).where(Occurrence.slot_id == slot_id, Occurrence.original_start == row.original_start)
    if row.cancel_reason == NO_LONGER or work.session.scalar(same) is not None:
        return False
    row.slot_id = slot_id
    return True


def _is_now(row: Occurrence, sitting: SittingDraft) -> bool:
    """Moved there by hand, as an export tells of it."""
    now = (row.starts_at, row.ends_at) == (sitting.starts_at, sitting.ends_at)
    return now and row.cancelled_at is None and not sitting.cancelled and row.starts_at != row.original_start


def _length(sitting: SittingDraft) -> timedelta:
    return sitting.ends_at - sitting.starts_at


def _follow(work: _Work, row: Occurrence, sitting: SittingDraft) -> None:
    same = (row.starts_at, row.ends_at) == (sitting.starts_at, sitting.ends_at)
    as_said = row.cancelled_at is not None if sitting.cancelled else same and row.cancelled_at is None
    if as_said or row.closes_at <= work.now or _is_open(work.session, row):
        return
    if sitting.cancelled:
        if not _added_again(work.session, row):
            replan.cancel(work.session, row, IN_FILE, work.now)
            work.changed = True
        return
    _hold(work, row, sitting.starts_at, sitting.ends_at)


def _hold(work: _Work, row: Occurrence, start: datetime, end: datetime) -> None:
    """It takes place then, unless people cancelled it or the day is without classes."""
    dropped = row.cancel_reason in (IN_FILE, NO_LONGER)
    if row.cancelled_at is not None and row.holiday_id is None and not dropped:
        return
    elsewhere = row.starts_at != start
    moved = (elsewhere or row.ends_at != end) and _move(work, row, start, end)
    if dropped or (moved and row.holiday_id is not None):
        replan.restore(work.session, row, work.course.timezone, work.now)
        work.changed = True
    elif moved and elsewhere and start > work.now:
        replan.keep_holiday(work.session, row, work.course.timezone, work.now)


def _added_again(session: Session, row: Occurrence) -> bool:
    """By hand, after the file had cancelled it: the file said so before."""
    told = select(Event.kind).where(Event.occurrence_id == row.id, Event.kind.in_(("cancelled", "added")))
    last = session.execute(told.add_columns(Event.detail).order_by(Event.id.desc()).limit(2)).all()
    return last == [("added", arrange.AGAIN), ("cancelled", IN_FILE)]


def _is_open(session: Session, row: Occurrence) -> bool:
    live = select(Meeting.id).where(Meeting.occurrence_id == row.id, Meeting.closed_at.is_(None))
    return session.scalar(live) is not None


def _move(work: _Work, row: Occurrence, start: datetime, end: datetime) -> bool:
    """Whether it was: not where the file said the same before, and people have changed it since."""
    detail = f"{_MOVED}to {start.isoformat()}, until {end.isoformat()}"
    last = select(Event.detail).where(Event.occurrence_id == row.id, Event.kind == "moved")
    said = last.where(Event.detail.startswith(_MOVED, autoescape=True)).order_by(Event.id.desc()).limit(1)
    if work.session.scalar(said) == detail or (start == row.original_start and _moved_by_hand(work.session, row)):
        return False
    row.starts_at, row.ends_at, row.extended_until = start, end, None
    row.opens_at, row.closes_at = start - leads.lead_of(work.context.settings, work.course), end
    story.tell(work.session, "moved", work.now, occurrence_id=row.id, detail=detail)
    work.changed = True
    return True


def _moved_by_hand(session: Session, row: Occurrence) -> bool:
    by_hand = ~Event.detail.startswith(_MOVED, autoescape=True)
    told = select(Event.id).where(Event.occurrence_id == row.id, Event.kind == "moved", by_hand)
    return session.scalar(told.limit(1)) is not None


def _insert(work: _Work, sittings: Sequence[SittingDraft]) -> None:
    """New ones; those on a day without classes are cancelled at once, and those that are moved or cancelled tell it."""
    rows = [_row(work, each) for each in sittings]
    work.session.add_all(rows)
    work.session.flush()
    work.new += len(rows)
    for row, sitting in zip(rows, sittings, strict=True):
        if sitting.cancelled:
            replan.cancel(work.session, row, IN_FILE, work.now)
        elif row.starts_at != row.original_start:
            detail = f"{_MOVED}to {row.starts_at.isoformat()}, until {row.ends_at.isoformat()}"
            story.tell(work.session, "moved", work.now, occurrence_id=row.id, detail=detail)
    _off(work, [row for row in rows if row.cancelled_at is None])


def _row(work: _Work, sitting: SittingDraft) -> Occurrence:
    slot = None if sitting.original_start is None else work.slot_of(sitting.original_start)
    return Occurrence(
        course_id=work.course.id,
        slot_id=None if slot is None else slot.id,
        original_start=sitting.original_start or sitting.starts_at,
        starts_at=sitting.starts_at,
        ends_at=sitting.ends_at,
        opens_at=sitting.starts_at - leads.lead_of(work.context.settings, work.course),
        closes_at=sitting.ends_at,
        planned_at=work.now,
    )


def _off(work: _Work, rows: Sequence[Occurrence]) -> None:
    if not rows:
        return
    day = timedelta(days=1)
    first, last = min(row.starts_at for row in rows) - day, max(row.starts_at for row in rows) + day
    calendar = days_off.held(work.session, first, last)
    for row in rows:
        found = calendar.on(row.starts_at, work.course.timezone)
        if found is not None and row.starts_at > work.now:
            replan.cancel(work.session, row, found.title, work.now)
            row.holiday_id = found.id


def _forget(work: _Work, rows: Iterable[Occurrence]) -> None:
    """The file no longer says it: one of a slot is as its slot has it, and where there is no slot there is no class."""
    for row in rows:
        slot = work.slot_of(row.original_start) if row.slot_id is not None else None
        if slot is None or not _belongs(work, row, slot.id):
            _give_up(work, row)
        else:
            _hold(work, row, row.original_start, row.original_start + timedelta(minutes=slot.minutes))


def _give_up(work: _Work, row: Occurrence) -> None:
    """It is off, unless people have changed it since. One of a slot goes back to its own time, where it is found again
    should the slot return."""
    if row.slot_id is not None:
        by_hand = row.extended_until is not None or _moved_by_hand(work.session, row)
        if row.cancelled_at is None and by_hand:
            return
        if row.starts_at != row.original_start:
            _move(work, row, row.original_start, row.original_start + (row.ends_at - row.starts_at))
    replan.cancel(work.session, row, NO_LONGER, work.now)
    work.changed = True
