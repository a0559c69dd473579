"""/api/v1: what the pages show, as JSON for programs. A bearer token; each route names the scope it needs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.openapi.utils import get_openapi
from sqlalchemy import select
from sqlalchemy.orm import Session

import worker
from worker.operations.installation import servers
from worker.operations.recordings import catalogue
from worker.operations.reports import report
from worker.operations.timetable import arrange
from worker.operations.timetable.sittings import Sitting
from worker.store.tables import Course, Event, Participant, Slot
from worker.web import api_values as values
from worker.web import now as now_page
from worker.web import sittings as sitting_pages
from worker.web.session import Forbidden, Now, Number, Surroundings, Visitor, scoped

TROUBLES: dict[int | str, dict[str, Any]] = {
    status: {"model": values.Trouble} for status in (400, 401, 403, 404, 405, 409, 413, 422, 502)
}
router = APIRouter(prefix="/api/v1", responses=TROUBLES)

Reader = Annotated[Visitor, Depends(scoped("read"))]
Code = Annotated[str, Query(min_length=1, max_length=64)]
#: Sittings of more than this are asked for in pieces.
_LONGEST = timedelta(days=100)


@router.get("/openapi.json", include_in_schema=False)
def schema(request: Request, _visitor: Reader) -> dict[str, Any]:
    """The description of this API."""
    return described(request.app)


def described(app: Any) -> dict[str, Any]:
    """OpenAPI of the routes under /api/v1."""
    made = get_openapi(title="Meetingz worker", version=worker.__version__, routes=app.routes)
    made["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    made["security"] = [{"token": []}]
    return made


@router.get("/live")
def live(visitor: Reader, context: Surroundings, now: Now) -> values.Live:
    """Who is on, now, and in all, as the last poll saw it."""
    with context.database.read() as session:
        rooms = now_page.open_rooms(session, visitor.only_teacher)
    classes = [
        values.LiveClass(
            course=each.code,
            occurrence=each.occurrence_id,
            participants=each.people,
            moderators=each.moderators,
            server=each.server,
        )
        for each in rooms
    ]
    people, moderators = sum(each.people for each in rooms), sum(each.moderators for each in rooms)
    return values.Live(at=now, meetings=len(rooms), participants=people, moderators=moderators, courses=classes)


@router.get("/pulses")
def pulses(visitor: Reader, context: Surroundings, now: Now) -> list[values.Pulse]:
    """Whether the loops run."""
    with context.database.read() as session:
        found = now_page.loops(context, session, now)
    return [
        values.Pulse(loop=each.name, ok=each.ok, age_seconds=None if each.age is None else each.age.total_seconds())
        for each in found
    ]


@router.get("/courses")
def courses(visitor: Reader, context: Surroundings) -> list[values.CourseValue]:
    """Every course that is theirs to see."""
    wanted = select(Course).order_by(Course.code)
    if visitor.only_teacher is not None:
        wanted = wanted.where(Course.teacher_id == visitor.only_teacher)
    with context.database.read() as session:
        return [values.CourseValue.of(row) for row in session.scalars(wanted)]


@router.get("/course")
def course(visitor: Reader, context: Surroundings, code: Code) -> values.CourseWhole:
    """One course with its slots and its roster."""
    with context.database.read() as session:
        row = course_of(session, visitor, code)
        slots = session.scalars(select(Slot).where(Slot.course_id == row.id, Slot.retired_at.is_(None)))
        roster = session.scalars(
            select(Participant).where(Participant.course_id == row.id).order_by(Participant.user_id)
        )
        return values.CourseWhole(
            course=values.CourseValue.of(row),
            slots=[values.SlotValue.of(each) for each in slots],
            roster=[values.PersonValue.of(each) for each in roster],
        )


def course_of(session: Session, visitor: Visitor, code: str) -> Course:
    """The course of this code, if it is theirs to see. Raises Unknown."""
    row = arrange.course(session, code)
    visitor.must_see(row)
    return row


@router.get("/occurrences")
def occurrences(
    visitor: Reader,
    context: Surroundings,
    now: Now,
    course: Annotated[str | None, Query(max_length=64)] = None,
    since: values.Moment | None = None,
    until: values.Moment | None = None,
) -> list[values.OccurrenceValue]:
    """Sittings that start in ``[since, until)``: the last week and the next, or as asked; 100 days at most."""
    start, end = _stretch(since, until, now)
    with context.database.read() as session:
        found = sitting_pages.seen_by(session, visitor, now, course=course, since=start, until=end)
    return [values.OccurrenceValue.of(each) for each in found]


def _stretch(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Both ends, no further apart than the longest; far years have no end that could be reckoned."""
    week = timedelta(days=7)
    try:
        start = since if since is not None else (until or now) - week
        end = until if until is not None else (since or now) + week
        return start, min(end, start + _LONGEST)
    except OverflowError:
        return now, now


@router.get("/occurrences/{number}")
def occurrence(number: Number, visitor: Reader, context: Surroundings, now: Now) -> values.OccurrenceValue:
    """One sitting."""
    with context.database.read() as session:
        return values.OccurrenceValue.of(one(session, visitor, number, now))


def one(session: Session, visitor: Visitor, number: int, now: datetime) -> Sitting:
    """The sitting of this number, if it is theirs to see. Raises Unknown."""
    return sitting_pages.one(session, visitor, number, now)


@router.get("/occurrences/{number}/story")
def story_of(number: Number, visitor: Reader, context: Surroundings, now: Now) -> list[values.Fact]:
    """What happened, in order."""
    with context.database.read() as session:
        one(session, visitor, number, now)
        rows: Sequence[Event] = session.scalars(sitting_pages.story_of(number)).all()
    return [values.Fact(at=row.at, kind=row.kind, actor=row.actor, detail=row.detail) for row in rows]


@router.get("/occurrences/{number}/attendance")
def attendance(number: Number, visitor: Reader, context: Surroundings, now: Now) -> list[values.AttendanceValue]:
    """Who was there: a row a person."""
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
    rows = report.attendance_rows(context, report.Wanted(occurrence=sitting.occurrence.id), now)
    return [values.AttendanceValue.model_validate(row) for row in rows]


@router.get("/recordings")
def recordings_(
    visitor: Reader, context: Surroundings, course: Annotated[str | None, Query(max_length=64)] = None
) -> list[dict[str, Any]]:
    """Every recording of courses that are theirs to see."""
    with context.database.read() as session:
        if course is not None:
            course_of(session, visitor, course)
        found = catalogue.listed(session, course)
        if visitor.only_teacher is None:
            return found
        own = set(session.scalars(select(Course.code).where(Course.teacher_id == visitor.only_teacher)))
    return [each for each in found if each["course"] in own]


@router.get("/servers")
def servers_(visitor: Reader, context: Surroundings) -> list[values.ServerValue]:
    """Every server with its load and health; not for teachers."""
    if visitor.only_teacher is not None:
        raise Forbidden
    with context.database.read() as session:
        return [values.ServerValue.of(row) for row in servers.everyone(session)]
