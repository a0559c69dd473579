"""report: who was there. Occurrences are judged a batch at a time, so that a year streams through flat memory.

Every batch is read in a session of its own: a slow reader at the other end of a pipe holds no transaction open.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from worker.domain import marks
from worker.domain.attendance import Seen, Span, Stay
from worker.domain.marks import Mark
from worker.errors import Unknown
from worker.operations.attendance import corrections, fold, thresholds
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store import tables
from worker.store.tables import Correction, Course, Occurrence, Participant
from worker.store.upsert import in_batches

_BATCH = 100

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is about: occurrences of a course, or one of them, that start in ``[since, until)``; one person."""

    course: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    occurrence: int | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in one occurrence: enrolled on its day, or a guest who was seen."""

    user_id: str | None  #: None: the server made an id up, or gave none
    full_name: str
    role: str
    guest: bool
    mark: Mark
    stays: Sequence[Stay]
    correction: Correction | None = None

    @property
    def status(self) -> str:
        """What holds: the correction, where there is one."""
        return self.mark.status if self.correction is None else self.correction.status


@dataclass(frozen=True, slots=True)
class Judged:
    """One occurrence with everybody's mark, and the times about which nothing is known."""

    occurrence: Occurrence
    course: Course
    people: Sequence[Person]
    gaps: Sequence[Span]

    @property
    def window(self) -> Span:
        """The planned time."""
        return Span(self.occurrence.starts_at, self.occurrence.ends_at)


def attendance_rows(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a person and occurrence: everyone on the roster of that day, and then everyone else who was seen.

    All are judged in Python; `report_attendance.rows` leaves what it can to the database, and says the same.
    """
    return rows_of(judge(context, wanted, now), wanted)


def rows_of(judged: Iterable[Judged], wanted: Wanted) -> Iterator[Row]:
    """The rows of these occurrences, of one person where one is asked for."""
    for each in judged:
        for person in each.people:
            if wanted.user_id is None or person.user_id == wanted.user_id:
                yield _row(each, person)


def judge(context: Context, wanted: Wanted, now: datetime) -> Iterator[Judged]:
    """Every occurrence that has begun and was not cancelled, in order of time."""
    with context.database.read() as session:
        ids = session.scalars(begun(session, wanted, now)).all()
    for batch in in_batches(ids, _BATCH):
        with context.database.read() as session:
            found = judged_batch(session, context, batch, now)
        yield from found


def begun(session: Session, wanted: Wanted, now: datetime) -> Select[int]:
    """The numbers of those that have begun, were not cancelled and have their people still, in order of time."""
    found = chosen(session, wanted).where(Occurrence.starts_at <= now, Occurrence.cancelled_at.is_(None))
    return found.where(Occurrence.emptied_at.is_(None))


def chosen(session: Session, wanted: Wanted) -> Select[int]:
    """The numbers of the occurrences that a report is about, in order of time. Raises Unknown."""
    found = select(Occurrence.id).order_by(Occurrence.starts_at, Occurrence.id)
    if wanted.course is not None:
        found = found.where(Occurrence.course_id == arrange.course(session, wanted.course).id)
    if wanted.since is not None:
        found = found.where(Occurrence.starts_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(Occurrence.starts_at < wanted.until)
    if wanted.occurrence is not None:
        found = found.where(Occurrence.id == arrange.occurrence(session, wanted.occurrence).id)
    return found if wanted.user_id is None else found.where(_concerns(wanted.user_id))


def _concerns(user_id: str) -> Any:
    """Those in which somebody was expected or seen; what is not settled yet may turn out to be one."""
    enrolled = select(Participant.course_id).where(Participant.user_id == user_id)
    seen = exists().where(tables.Stay.occurrence_id == Occurrence.id, tables.Stay.attendee_key == user_id)
    return or_(Occurrence.course_id.in_(enrolled), seen, Occurrence.settled_at.is_(None))


def judged_batch(session: Session, context: Context, ids: Sequence[int], now: datetime) -> list[Judged]:
    """These occurrences, judged."""
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id).where(Occurrence.id.in_(ids))
    rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id)).all()
    stays, gaps, changed = _stays(session, ids), _gaps(session, ids), corrections.in_force(session, ids)
    rosters = _rosters(session, {course.id for _, course in rows})
    found = []
    for occurrence, course in rows:
        if occurrence.settled_at is None:  # still going on: folded as far as it has come
            stays[occurrence.id], gaps[occurrence.id] = fold.folded(session, context, occurrence, now)
        enrolled = _enrolled(rosters[course.id], _day(occurrence, course))
        people = _people(context, occurrence, course, enrolled, stays[occurrence.id], gaps[occurrence.id], changed)
        found.append(Judged(occurrence, course, list(people), gaps[occurrence.id]))
    return found


def status_of(context: Context, occurrence_id: int, user_id: str, now: datetime) -> str:
    """The status that holds for somebody in one occurrence. Raises Unknown for who was neither enrolled nor seen."""
    for judged in judge(context, Wanted(occurrence=occurrence_id), now):
        for person in judged.people:
            if person.user_id == user_id:
                return person.status
    raise Unknown(_why_no_status(context, occurrence_id, user_id, now))


def _why_no_status(context: Context, occurrence_id: int, user_id: str, now: datetime) -> str:
    with context.database.read() as session:
        row = session.get_one(Occurrence, occurrence_id)
    if row.cancelled_at is not None:
        return f"occurrence {occurrence_id} is cancelled: nobody is present or absent in it"
    if row.starts_at > now:
        return f"occurrence {occurrence_id} has not begun: correct its attendance afterwards"
    place = "`meetingz report attendance --occurrence` and `meetingz roster list`"
    return f"{user_id!r} was neither enrolled nor seen in occurrence {occurrence_id}; {place} show the user ids"


def _stays(session: Session, ids: Sequence[int]) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    kept = tables.Stay
    columns = (kept.occurrence_id, kept.attendee_key, kept.full_name, kept.role, kept.first_seen, kept.last_seen)
    wanted = select(*columns).where(kept.occurrence_id.in_(ids))
    rows = session.execute(wanted.order_by(kept.attendee_key, kept.first_seen))
    for occurrence_id, key, name, role, first, last in rows:
        found[occurrence_id].append(Stay(key, name, role, first, last))
    return found


def _gaps(session: Session, ids: Sequence[int]) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = defaultdict(list)
    for row in session.scalars(select(tables.Gap).where(tables.Gap.occurrence_id.in_(ids))):
        found[row.occurrence_id].append(Span(row.first_at, row.last_at))
    return found


def _rosters(session: Session, course_ids: Iterable[int]) -> dict[int, list[Participant]]:
    found: dict[int, list[Participant]] = defaultdict(list)
    everyone = session.scalars(select(Participant).where(Participant.course_id.in_(course_ids)))
    for row in sorted(everyone, key=lambda one: (one.role, one.user_id)):  # by code points, whatever the database
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


def _people(
    context: Context,
    occurrence: Occurrence,
    course: Course,
    enrolled: Sequence[Participant],
    stays: Sequence[Stay],
    gaps: Sequence[Span],
    changed: dict[tuple[int, str], Correction],
) -> Iterator[Person]:
    by_key: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        by_key[stay.key].append(stay)
    window, rules = Span(occurrence.starts_at, occurrence.ends_at), thresholds.of(context, course)
    for one in enrolled:
        own = by_key.pop(one.user_id, [])
        mark, correction = marks.mark(_spans(own), gaps, window, rules), changed.get((occurrence.id, one.user_id))
        yield Person(one.user_id, one.full_name, one.role, False, mark, own, correction)
    for key, own in sorted(by_key.items()):
        who = Seen(key, own[-1].full_name, own[-1].role)
        user_id = key if who.is_known and not key.startswith("?") else None
        mark, correction = marks.mark(_spans(own), gaps, window, rules), changed.get((occurrence.id, key))
        yield Person(user_id, who.full_name, who.role.lower(), True, mark, own, correction)


def _spans(stays: Iterable[Stay]) -> list[Span]:
    return [Span(stay.first_seen, stay.last_seen) for stay in stays]


def _row(judged: Judged, person: Person) -> Row:
    occurrence, mark, correction = judged.occurrence, person.mark, person.correction
    return {
        "course": judged.course.code,
        "occurrence": occurrence.id,
        "starts_at": occurrence.starts_at,
        "ends_at": occurrence.ends_at,
        "user_id": person.user_id,
        "full_name": person.full_name,
        "role": person.role,
        "status": person.status,
        "late": mark.late,
        "left_early": mark.left_early,
        "first_seen": mark.first_seen,
        "last_seen": mark.last_seen,
        "seconds_present": _rounded(mark.seconds_present, 1000),
        "seconds_unknown": _rounded(mark.seconds_unknown, 1000),
        "percent": _rounded(mark.percent, 100),
        "joins": mark.joins,
        "guest": person.guest,
        "observed_status": mark.status,
        "corrected_by": correction and correction.by,
        "correction_reason": correction and correction.reason,
        "timezone": judged.course.timezone,
    }


def _rounded(value: float, scale: int) -> float:
    """Rounded as PostgreSQL rounds, halves to even: the same report by another road says the same."""
    return round(value * scale) / scale


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
