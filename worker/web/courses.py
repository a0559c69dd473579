"""Courses: the list, one with its weekly times, roster and sittings, and extra sittings."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from worker import exports
from worker.errors import Unknown
from worker.operations import story
from worker.operations.timetable import arrange
from worker.store.search import holds
from worker.store.tables import Course, Participant, Slot
from worker.web import page
from worker.web.session import Anyone, Form, Now, Number, Surroundings, Teacher, Visitor
from worker.web.sittings import seen_by, span_of

router = APIRouter()

_PAGE = 200
_AHEAD, _BEHIND = timedelta(days=30), timedelta(days=60)


@router.get("/courses")
def listing(request: Request, visitor: Anyone, context: Surroundings, search: str = "", skip: int = 0) -> Response:
    """Courses that are theirs to see."""
    wanted = select(Course).order_by(Course.archived_at.is_not(None), Course.title, Course.code)
    if visitor.only_teacher is not None:
        wanted = wanted.where(Course.teacher_id == visitor.only_teacher)
    if search:
        columns = (Course.title, Course.code, Course.teacher_name)
        wanted = wanted.where(or_(*(holds(column, search) for column in columns)))
    with context.database.read() as session:
        found = session.scalars(wanted.offset(max(0, min(skip, 10**6))).limit(_PAGE + 1)).all()
    more = len(found) > _PAGE
    return page.render(request, "courses", found=found[:_PAGE], search=search, skip=skip, size=_PAGE, more=more)


@router.get("/courses/{number}")
def show(request: Request, number: Number, visitor: Anyone, context: Surroundings, now: Now) -> Response:
    """One course."""
    with context.database.read() as session:
        course = one(session, visitor, number)
        slots = session.scalars(select(Slot).where(Slot.course_id == number, Slot.retired_at.is_(None))).all()
        roster = select(Participant).where(Participant.course_id == number)
        people = session.scalars(roster.order_by(Participant.role, Participant.full_name)).all()
        ahead = seen_by(session, visitor, now, course=course.code, since=now, until=now + _AHEAD)
        behind = seen_by(session, visitor, now, course=course.code, since=now - _BEHIND, until=now)
    return page.render(
        request,
        "course",
        formats=exports.offered(),
        course=course,
        slots=slots,
        people=people,
        ahead=ahead,
        behind=behind[::-1],
        may_change=visitor.changes(course) and course.archived_at is None,
        tomorrow=_round(now + timedelta(days=1)),
    )


def one(session: Session, visitor: Visitor, number: int) -> Course:
    """A course that is theirs to see. Raises Unknown."""
    course = session.get(Course, number)
    if course is None:
        raise Unknown("not found")
    visitor.must_see(course)
    return course


def _round(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


@router.post("/courses/{number}/add")
def add(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """An extra sitting."""
    with context.database.read() as session:
        course = one(session, visitor, number)
    visitor.must_change(course)
    start, end = span_of(form, course.timezone)
    with story.acting(visitor.name):
        added = arrange.add(context, course.code, start, end, now)
    return page.redirect(f"/sittings/{added}", done="added")
