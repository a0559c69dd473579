"""Bringing a timetable into the tables: all of it or nothing, and the same file twice changes nothing.

A course is known by its code, a slot of a course by its cron and weeks. A changed length or validity is a change of the
slot, and re-plans only what lies ahead, has no meeting and was not changed by hand; another cron is another slot. The
file is one transaction; planning follows it in batches, and where that is cut off the next sweep of plan goes on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from worker.domain.text import match_key
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import (
    arrange,
    conflicts,
    course_keys,
    import_sittings,
    import_slots,
    leads,
    options,
    plan,
)
from worker.operations.timetable.conflicts import Clash
from worker.store.tables import Course, Occurrence
from worker.store.upsert import in_batches
from worker.timetables import CourseDraft, TimetableDraft

Progress = Callable[[int, int], None]
_BATCH = 500
#: What a course is found by.
_HELD = {"teacher_id", "teacher_name", "room"}


@dataclass(slots=True)
class Changes:
    """What an import did, or would do: course codes by kind of change, and the occurrences planned at once."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  #: here, and not in the file; archived where pruning is asked for
    gone_count: int = 0  #: how many that are, also where they were not to be named
    #: Of a changed course what has changed, of a new one its title, with how many slots and dated sittings.
    details: dict[str, str] = field(default_factory=dict)
    occurrences: int = 0
    warnings: list[str] = field(default_factory=list)
    conflicts: list[Clash] = field(default_factory=list)


class _DryRun(Exception):
    """Rolls the transaction back once everything has been tried for real."""


def import_timetable(
    context: Context,
    draft: TimetableDraft,
    now: datetime,
    *,
    dry_run: bool = False,
    prune: bool = False,
    names: bool = True,
    progress: Progress = lambda done, total: None,
) -> Changes:
    """Write a timetable, plan it, and say what changed. A dry run does the same and takes it back.

    ``prune`` archives courses that the file does not name; unless ``names``, they are only counted. ``progress`` is
    told how many of how many courses are done.
    """
    changes = Changes(warnings=[*draft.warnings, *_over(draft, now)])
    total = 2 * len(draft.courses)
    slots: list[int] = []
    touched: set[int] = set()
    with suppress(_DryRun), context.database.write() as session:
        slots = _bring(session, context, draft.courses, changes, now, lambda done: progress(done, total))
        touched = set(course_keys.alike(session, [course.code for course in draft.courses]))
        _settle_gone(session, touched, changes, now, prune=prune, names=names or prune)
        if changes.new or changes.changed:
            story.tell(session, "imported", now, detail=f"{len(changes.new)} new, {len(changes.changed)} changed")
        if dry_run:
            changes.occurrences += sum(plan.plan_slots(session, context, batch, now) for batch in _parts(slots))
            changes.conflicts = _conflicts(session, context, touched, now)
            raise _DryRun
    if not dry_run:
        plan.get_ready(context, slots)
        for number, batch in enumerate(_parts(slots), 1):
            changes.occurrences += plan.some(context, batch, now)
            progress(len(draft.courses) + min(number * _BATCH, len(slots)) * len(draft.courses) // len(slots), total)
        with context.database.read() as session:
            changes.conflicts = _conflicts(session, context, touched, now)
    progress(total, total)
    return changes


def _over(draft: TimetableDraft, now: datetime) -> Iterator[str]:
    """A file of a term that is past plans nothing, which is to be said."""
    last = max((day for course in draft.courses for day in _last_days(course)), default=date.max)
    if last < now.date() - timedelta(days=1):
        yield f"all classes of this file are over, the last was on {last}: nothing of it will be planned"


def _last_days(course: CourseDraft) -> Iterator[date]:
    yield from (slot.valid_until or date.max for slot in course.slots)
    yield from (sitting.ends_at.date() for sitting in course.sittings)


def _parts(slots: Sequence[int]) -> Sequence[Sequence[int]]:
    return list(in_batches(slots, _BATCH))


def _conflicts(session: Session, context: Context, touched: Collection[int], now: datetime) -> list[Clash]:
    until = now + timedelta(days=context.settings.horizon_days + 1)
    return conflicts.find(session, now, until, touched)


def _bring(
    session: Session,
    context: Context,
    drafts: Sequence[CourseDraft],
    changes: Changes,
    now: datetime,
    done: Callable[[int], None],
) -> list[int]:
    """Write all courses. Returns the slots that want planning."""
    _one_at_a_time(session)
    stored = _stored_codes(session, drafts)
    slots: list[int] = []
    for number, batch in enumerate(in_batches(drafts, _BATCH)):
        slots += _batch(session, context, batch, stored, changes, now)
        done(min((number + 1) * _BATCH, len(drafts)))
    return slots


def _one_at_a_time(session: Session) -> None:
    """Two imports at once wait for each other; the loops, which only read courses, go on."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE courses IN SHARE ROW EXCLUSIVE MODE"))


def _stored_codes(session: Session, drafts: Sequence[CourseDraft]) -> dict[str, str]:
    """Code in the file -> code in the table, where another spelling of it is known: `ریاضی‌1` and `رياضى۱`."""
    named = {draft.code for draft in drafts}
    known = sorted(course_keys.alike(session, named).values())
    by_key: dict[str, list[str]] = {}
    for code in known:
        by_key.setdefault(match_key(code), []).append(code)
    found = {code: by_key.get(match_key(code), []) for code in named - set(known)}
    twins = Counter(match_key(code) for code in named)
    return {
        code: near[0]
        for code, near in found.items()
        if len(near) == 1 and near[0] not in named and twins[match_key(code)] == 1
    }


def _batch(
    session: Session,
    context: Context,
    drafts: Sequence[CourseDraft],
    stored: Mapping[str, str],
    changes: Changes,
    now: datetime,
) -> list[int]:
    codes = {draft.code: stored.get(draft.code, draft.code) for draft in drafts}
    rows = {row.code: row for row in session.scalars(select(Course).where(Course.code.in_(codes.values())))}
    what: dict[str, list[str]] = {draft.code: [] for draft in drafts}
    replan = [
        code for draft in drafts if (code := _update(session, context, rows.get(codes[draft.code]), draft, what, now))
    ]
    new = [draft for draft in drafts if codes[draft.code] not in rows]
    rows |= _insert(session, new)
    of = {draft.code: rows[codes[draft.code]] for draft in drafts}
    fresh = {draft.code for draft in new}
    course_keys.write(session, [of[code] for code in of if code in fresh or _HELD & set(what[code])])
    slots = import_slots.bring(session, context, [(of[draft.code], draft) for draft in drafts], replan, what, now)
    changes.occurrences += import_sittings.bring(
        session, context, [(of[draft.code], draft) for draft in drafts], what, changes.warnings, now
    )
    _sort(changes, fresh, what)
    changes.details |= {draft.code: _told(draft) for draft in new}
    return slots


def _told(draft: CourseDraft) -> str:
    counts = ((len(draft.slots), "slot"), (len(draft.sittings), "dated sitting"))
    return ", ".join([draft.title, *(f"{count} {name}{'s' * (count > 1)}" for count, name in counts if count)])


def _sort(changes: Changes, new: set[str], what: Mapping[str, Sequence[str]]) -> None:
    for code, parts in what.items():
        kind = changes.new if code in new else changes.changed if parts else changes.unchanged
        kind.append(code)
        if kind is changes.changed:
            changes.details[code] = ", ".join(dict.fromkeys(parts))


def _insert(session: Session, drafts: Sequence[CourseDraft]) -> dict[str, Course]:
    for draft in drafts:
        options.check(draft.options, f"course {draft.code!r}, column options")
    if drafts:
        session.execute(insert(Course), [{"code": draft.code, **_values(draft)} for draft in drafts])
    wanted = select(Course).where(Course.code.in_([draft.code for draft in drafts]))
    return {row.code: row for row in session.scalars(wanted)}


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


def _update(
    session: Session,
    context: Context,
    row: Course | None,
    draft: CourseDraft,
    what: dict[str, list[str]],
    now: datetime,
) -> str | None:
    """Write what differs. Returns the code where every slot is to be planned anew: 9:00 is another instant now."""
    if row is None:
        return None
    options.check(draft.options, f"course {draft.code!r}, column options")
    said = (
        None if draft.said is None else {name.replace("_minutes", "_seconds") for name in draft.said} | {"archived_at"}
    )
    values = {name: value for name, value in _values(draft).items() if said is None or name in said}
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    what[draft.code] += [name.removesuffix("_seconds").removesuffix("_at") for name in changed]
    if "archived_at" in changed:
        import_sittings.bring_back(session, row, arrange.ARCHIVED, now)
    if "lead_seconds" in changed:
        # Also of what is cancelled: it may take place after all.
        ahead = (Occurrence.course_id == row.id, Occurrence.starts_at > now)
        leads.shift(session, *ahead, lead=leads.lead_of(context.settings, row))
    return draft.code if "timezone" in changed else None


def _settle_gone(
    session: Session, touched: Collection[int], changes: Changes, now: datetime, *, prune: bool, names: bool
) -> None:
    """What is here and in no spelling in the file."""
    active = select(Course.id, Course.code).where(Course.archived_at.is_(None))
    if names:
        changes.gone = [code for id, code in session.execute(active.order_by(Course.code)) if id not in touched]
    count = session.scalar(select(func.count()).select_from(active.subquery())) or 0
    changes.gone_count = len(changes.gone) if names else count - len(_active(session, touched))
    if prune:
        for code in changes.gone:
            arrange.archive_in(session, code, now)


def _active(session: Session, course_ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    for batch in in_batches(sorted(course_ids), _BATCH):
        # Which of them are archived is not asked: SQLite would look for these few among all that are not.
        rows = session.execute(select(Course.id, Course.archived_at).where(Course.id.in_(batch)))
        found.update(id for id, archived_at in rows if archived_at is None)
    return found
