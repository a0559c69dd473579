"""Sittings: the list, one with its story and attendance, and what people do to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from worker import exports
from worker.domain import calendars
from worker.domain.attendance import Span, Stay
from worker.operations import story
from worker.operations.attendance import corrections
from worker.operations.context import Context
from worker.operations.meetings import end_now, joining
from worker.operations.reports import report
from worker.operations.timetable import arrange, sittings
from worker.operations.timetable.sittings import Sitting
from worker.store.tables import Course, Event, Meeting, Occurrence
from worker.web import charts, page
from worker.web.forms import typed, whole
from worker.web.session import Anyone, Form, Now, Number, Surroundings, Teacher, Visitor

router = APIRouter()

Wanted = TypeVar("Wanted", bound=Select[Any, *tuple[Any, ...]])

#: Sittings on one page.
_PAGE = 100
_STATES = ("planned", "open", "live", "held", "missed", "cancelled")


@router.get("/sittings")
def listing(
    request: Request,
    visitor: Anyone,
    context: Surroundings,
    now: Now,
    course: str = "",
    since: str = "",
    until: str = "",
    state: str = "",
    skip: int = 0,
) -> Response:
    """Sittings between two days; the last week and the next, unless asked otherwise."""
    zone = context.settings.timezone
    start = calendars.day_begins(since, zone) if since else now - timedelta(days=7)
    end = calendars.day_ends(until, zone) if until else now + timedelta(days=7)
    with context.database.read() as session:
        found = seen_by(session, visitor, now, course=course or None, since=start, until=end, state=state or None)
    skip = max(0, skip)
    return page.render(
        request,
        "sittings",
        found=found[skip : skip + _PAGE],
        total=len(found),
        skip=skip,
        size=_PAGE,
        start=start,
        last=calendars.parse_date(until) if until else end,
        course=course,
        state=state,
        states=_STATES,
    )


def seen_by(
    session: Session,
    visitor: Visitor,
    now: datetime,
    *,
    course: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    state: str | None = None,
) -> list[Sitting]:
    """Sittings that start in ``[since, until)``, of courses that are the visitor's to see."""
    if course is not None:
        visitor.must_see(arrange.course(session, course))
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    wanted = _between(wanted, since, until)
    if course is not None:
        wanted = wanted.where(Course.code == course)
    if visitor.only_teacher is not None:
        wanted = wanted.where(Course.teacher_id == visitor.only_teacher)
    rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id).limit(5000)).all()
    found = sittings.described(session, [(row, of) for row, of in rows], now)
    return [each for each in found if state is None or each.state == state]


def _between(wanted: Wanted, since: datetime | None, until: datetime | None) -> Wanted:
    if since is not None:
        wanted = wanted.where(Occurrence.starts_at >= since)
    return wanted if until is None else wanted.where(Occurrence.starts_at < until)


def one(session: Session, visitor: Visitor, occurrence_id: int, now: datetime) -> Sitting:
    """A sitting that is the visitor's to see. Raises Unknown."""
    row = arrange.occurrence(session, occurrence_id)
    course = session.get_one(Course, row.course_id)
    visitor.must_see(course)
    return sittings.described(session, [(row, course)], now)[0]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the attendance of one sitting."""

    who: report.Person
    bars: tuple[charts.Bar, ...]


@router.get("/sittings/{number}")
def show(request: Request, number: Number, visitor: Anyone, context: Surroundings, now: Now) -> Response:
    """One sitting: planned against real, its story, who was there and when."""
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
        story_ = session.scalars(story_of(number)).all()
        runs = session.scalars(select(Meeting).where(Meeting.occurrence_id == number).order_by(Meeting.id)).all()
        changes = corrections.history(session, number)
    judged = next(report.judge(context, report.Wanted(occurrence=number), now), None)
    return page.render(
        request,
        "sitting",
        sitting=sitting,
        people=[] if judged is None else _lines(judged),
        dark=() if judged is None else charts.bars(judged.gaps, judged.window),
        story=story_,
        runs=runs,
        corrections=changes,
        statuses=corrections.STATUSES,
        formats=exports.offered(),
        may_change=visitor.changes(sitting.course),
        over=sitting.state in ("held", "missed", "cancelled"),
        now=now,
    )


def story_of(number: int) -> Select[Event]:
    """The facts about a sitting, in order; the first 500."""
    return select(Event).where(Event.occurrence_id == number).order_by(Event.at, Event.id).limit(500)


def _lines(judged: report.Judged) -> list[Line]:
    return [Line(who, charts.bars([Span(*_ends(stay)) for stay in who.stays], judged.window)) for who in judged.people]


def _ends(stay: Stay) -> tuple[datetime, datetime]:
    return stay.first_seen, stay.last_seen


# What people do to it: each checks that the course is theirs, calls one operation, and shows the sitting again.


def _act(
    context: Context, visitor: Visitor, number: int, now: datetime, done: str, operation: Callable[[Sitting], object]
) -> Response:
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
    visitor.must_change(sitting.course)
    with story.acting(visitor.name):
        operation(sitting)
    return page.redirect(f"/sittings/{number}", done=done)


def span_of(form: FormData, zone: str) -> tuple[datetime, datetime]:
    """``start``, a date and time of the course's zone in either calendar, and ``minutes``."""
    start = calendars.parse_instant(typed(form, "start"), zone)
    return start, start + timedelta(minutes=whole(form, "minutes"))


@router.post("/sittings/{number}/cancel")
def cancel(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """It will not take place."""
    reason = typed(form, "reason")
    return _act(context, visitor, number, now, "cancelled", lambda _: arrange.cancel(context, number, reason, now))


@router.post("/sittings/{number}/move")
def move(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Another time."""

    def operation(sitting: Sitting) -> None:
        start, end = span_of(form, sitting.course.timezone)
        arrange.move(context, number, start, end, now)

    return _act(context, visitor, number, now, "moved", operation)


@router.post("/sittings/{number}/extend")
def extend(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Let it run on."""
    minutes = whole(form, "minutes")
    return _act(context, visitor, number, now, "extended", lambda _: arrange.extend(context, number, minutes, now))


@router.post("/sittings/{number}/reopen")
def reopen(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Open it again."""
    return _act(context, visitor, number, now, "reopened", lambda _: arrange.reopen(context, number, now))


@router.post("/sittings/{number}/end")
def end(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """End it before its time."""
    return _act(context, visitor, number, now, "ended", lambda _: end_now.one(context, number, now))


@router.post("/sittings/{number}/correct")
def correct(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Another status for somebody, with a reason."""
    who, status, reason = typed(form, "user_id"), typed(form, "status", most=20), typed(form, "reason")

    def operation(_: Sitting) -> None:
        corrections.correct(context, number, who, status, reason=reason, by=visitor.name, now=now)

    return _act(context, visitor, number, now, "corrected", operation)


@router.post("/sittings/{number}/undo")
def undo(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Take the correction of somebody back."""
    who = typed(form, "user_id")

    def operation(_: Sitting) -> None:
        corrections.undo(context, number, who, by=visitor.name, now=now)

    return _act(context, visitor, number, now, "undone", operation)


@router.post("/sittings/{number}/enter")
def enter(request: Request, number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Into the room, as its moderator. The link is a credential: it stands in this one answer and nowhere else."""
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
    visitor.must_change(sitting.course)
    who = visitor.teacher_id or f"staff-{visitor.id}"
    link = joining.link(context, number, user_id=who, name=visitor.name, role="moderator", now=now)
    with story.acting(visitor.name), context.database.write() as session:
        story.tell(session, "entered", now, occurrence_id=number)
    return page.render(request, "entering", link=link)
