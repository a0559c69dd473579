"""Occurrences as people ask for them: which, when, in what state, on which server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from worker.domain import lifecycle
from worker.domain.lifecycle import OccurrenceState
from worker.operations.attendance.attended import attended
from worker.operations.timetable import arrange
from worker.store.tables import Course, Meeting, Occurrence, Server


@dataclass(frozen=True, slots=True)
class Sitting:
    """One occurrence with its course, and its live or last meeting."""

    occurrence: Occurrence
    course: Course
    state: OccurrenceState
    meeting: Meeting | None
    server: str | None


def find(
    session: Session,
    now: datetime,
    *,
    course: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Sitting]:
    """Occurrences that start in ``[since, until)``, in order of time. Raises Unknown for a course that is not there."""
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    if course is not None:
        wanted = wanted.where(Occurrence.course_id == arrange.course(session, course).id)
    if since is not None:
        wanted = wanted.where(Occurrence.starts_at >= since)
    if until is not None:
        wanted = wanted.where(Occurrence.starts_at < until)
    rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id)).all()
    return described(session, [(occurrence, of) for occurrence, of in rows], now)


def described(session: Session, rows: Sequence[tuple[Occurrence, Course]], now: datetime) -> list[Sitting]:
    """These occurrences with state, meeting and server."""
    ids = [occurrence.id for occurrence, _ in rows]
    last = _last_meetings(session, ids)
    seen = set(session.scalars(select(Occurrence.id).where(Occurrence.id.in_(ids), attended())))
    servers = dict(session.execute(select(Server.id, Server.name)).all())
    return [_sitting(occurrence, course, last.get(occurrence.id), seen, servers, now) for occurrence, course in rows]


def in_state(state: OccurrenceState, now: datetime) -> ColumnElement[bool]:
    """Of the ``Occurrence`` of the statement around it: what ``described`` says of it, asked of the database."""
    live = select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id, Meeting.closed_at.is_(None))
    live = live.where(Meeting.state != "requested")
    over = or_(Occurrence.settled_at.is_not(None), Occurrence.finished_at.is_not(None), Occurrence.closes_at <= now)
    unopened, stands = ~exists(live), Occurrence.cancelled_at.is_(None)
    found: dict[OccurrenceState, ColumnElement[bool]] = {
        "cancelled": ~stands,
        "live": and_(stands, exists(live.where(Meeting.people > 0))),
        "open": and_(stands, exists(live.where(Meeting.people == 0))),
        "planned": and_(stands, unopened, ~over),
        "held": and_(stands, unopened, over, attended()),
        "missed": and_(stands, unopened, over, ~attended()),
    }
    return found[state]


def _sitting(
    occurrence: Occurrence,
    course: Course,
    meeting: Meeting | None,
    seen: set[int],
    servers: dict[int, str],
    now: datetime,
) -> Sitting:
    is_open = meeting is not None and meeting.closed_at is None and meeting.state != "requested"
    facts = lifecycle.Sitting(
        starts_at=occurrence.starts_at,
        closes_at=occurrence.closes_at,
        cancelled=occurrence.cancelled_at is not None,
        over=occurrence.settled_at is not None or occurrence.finished_at is not None,
        open=is_open,
        inside=meeting is not None and meeting.people > 0,
        seen=occurrence.id in seen,
    )
    server = None if meeting is None else servers[meeting.server_id]
    return Sitting(occurrence, course, lifecycle.state_of(facts, now), meeting, server)


def _last_meetings(session: Session, occurrence_ids: Sequence[int]) -> dict[int, Meeting]:
    """The live one last: a run that was believed gone and lives has a lower number than what was tried after it."""
    wanted = select(Meeting).where(Meeting.occurrence_id.in_(occurrence_ids))
    wanted = wanted.order_by(Meeting.closed_at.is_(None), Meeting.id)
    return {meeting.occurrence_id: meeting for meeting in session.scalars(wanted)}
