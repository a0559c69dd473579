"""report: who was there, as rows. Streamed, a batch of occurrences at a time, so that a year fits in memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.domain import attendance
from worker.domain.attendance import Seen, Span, Stay
from worker.operations import arrange, fold
from worker.operations.context import Context
from worker.store import tables
from worker.store.tables import Course, Occurrence, Participant
from worker.store.upsert import in_batches

_BATCH = 100

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which occurrences a report is about: those of a course, that start in ``[since, until)``."""

    course: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def attendance_rows(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a person and occurrence: everyone on the roster of that day, and everyone else who was seen."""
    with context.database.read() as session:
        for batch in in_batches(_started(session, wanted, now), _BATCH):
            yield from _batch(session, context, batch, now)


def _started(session: Session, wanted: Wanted, now: datetime) -> Sequence[int]:
    """Occurrences that have begun and were not cancelled."""
    found = select(Occurrence.id).where(Occurrence.starts_at <= now, Occurrence.cancelled_at.is_(None))
    if wanted.course is not None:
        found = found.where(Occurrence.course_id == arrange.course(session, wanted.course).id)
    if wanted.since is not None:
        found = found.where(Occurrence.starts_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(Occurrence.starts_at < wanted.until)
    return session.scalars(found.order_by(Occurrence.starts_at, Occurrence.id)).all()


def _batch(session: Session, context: Context, ids: Sequence[int], now: datetime) -> Iterator[Row]:
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id).where(Occurrence.id.in_(ids))
    rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id)).all()
    stays, gaps = _stays(session, ids), _gaps(session, ids)
    rosters = _rosters(session, {course.id for _, course in rows})
    for occurrence, course in rows:
        if occurrence.settled_at is None:  # still going on: folded as far as it has come
            stays[occurrence.id], gaps[occurrence.id] = fold.folded(session, context, occurrence, now)
        enrolled = _enrolled(rosters[course.id], _day(occurrence, course))
        yield from _marks(context, occurrence, course, enrolled, stays[occurrence.id], gaps[occurrence.id])


def _stays(session: Session, ids: Sequence[int]) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    for row in session.scalars(select(tables.Stay).where(tables.Stay.occurrence_id.in_(ids))):
        stay = Stay(row.attendee_key, row.full_name, row.role, row.first_seen, row.last_seen)
        found[row.occurrence_id].append(stay)
    return found


def _gaps(session: Session, ids: Sequence[int]) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = defaultdict(list)
    for row in session.scalars(select(tables.Gap).where(tables.Gap.occurrence_id.in_(ids))):
        found[row.occurrence_id].append(Span(row.first_at, row.last_at))
    return found


def _rosters(session: Session, course_ids: Iterable[int]) -> dict[int, list[Participant]]:
    found: dict[int, list[Participant]] = defaultdict(list)
    wanted = select(Participant).where(Participant.course_id.in_(course_ids))
    for row in session.scalars(wanted.order_by(Participant.course_id, Participant.role, Participant.user_id)):
        found[row.course_id].append(row)
    return found


def _enrolled(roster: Iterable[Participant], day: date) -> list[Participant]:
    """The roster as it was on that day."""
    return [
        each
        for each in roster
        if (each.valid_from is None or each.valid_from <= day) and (each.valid_until is None or day <= each.valid_until)
    ]


def _day(occurrence: Occurrence, course: Course) -> date:
    return occurrence.starts_at.astimezone(ZoneInfo(course.timezone)).date()


def _marks(
    context: Context,
    occurrence: Occurrence,
    course: Course,
    enrolled: Sequence[Participant],
    stays: Sequence[Stay],
    gaps: Sequence[Span],
) -> Iterator[Row]:
    by_key: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        by_key[stay.key].append(stay)
    window = Span(occurrence.starts_at, occurrence.ends_at)
    for person in enrolled:
        mark = attendance.mark(_spans(by_key.pop(person.user_id, [])), gaps, window, context.rules)
        yield _row(occurrence, course, person.user_id, person.full_name, person.role, mark)
    for key, own in sorted(by_key.items()):
        who = Seen(key, own[-1].full_name, own[-1].role)
        mark = attendance.mark(_spans(own), gaps, window, context.rules)
        user_id = key if who.is_known and not key.startswith("?") else None
        yield _row(occurrence, course, user_id, who.full_name, who.role.lower(), mark)


def _spans(stays: Iterable[Stay]) -> list[Span]:
    return [Span(stay.first_seen, stay.last_seen) for stay in stays]


def _row(
    occurrence: Occurrence, course: Course, user_id: str | None, name: str, role: str, mark: attendance.Mark
) -> Row:
    return {
        "course": course.code,
        "occurrence": occurrence.id,
        "starts_at": occurrence.starts_at,
        "ends_at": occurrence.ends_at,
        "user_id": user_id,
        "full_name": name,
        "role": role,
        "status": mark.status,
        "late": mark.late,
        "left_early": mark.left_early,
        "first_seen": mark.first_seen,
        "last_seen": mark.last_seen,
        "seconds_present": round(mark.seconds_present, 3),
        "seconds_unknown": round(mark.seconds_unknown, 3),
        "percent": round(mark.percent, 2),
        "joins": mark.joins,
        "timezone": course.timezone,
    }


def live(session: Session, now: datetime) -> dict[str, Any]:
    """Who is on, now, and in all."""
    wanted = (
        select(Course.code, tables.Meeting.occurrence_id, tables.Meeting.people, tables.Meeting.moderators)
        .join(Occurrence, tables.Meeting.occurrence_id == Occurrence.id)
        .join(Course, Occurrence.course_id == Course.id)
        .where(tables.Meeting.closed_at.is_(None), tables.Meeting.state != "requested")
        .order_by(Course.code, tables.Meeting.occurrence_id)
    )
    rows = session.execute(wanted).all()
    keys = ("course", "occurrence", "participants", "moderators")
    courses = [dict(zip(keys, row, strict=True)) for row in rows]
    return {"at": now, "meetings": len(rows), "participants": sum(row[2] for row in rows), "courses": courses}
