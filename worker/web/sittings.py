"""Sittings: the list, one with its story and attendance, and what people do to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from worker import exports
from worker.domain import calendars
from worker.domain.attendance import Span, Stay
from worker.domain.lifecycle import OccurrenceState
from worker.errors import InputError
from worker.operations import story
from worker.operations.attendance import corrections
from worker.operations.context import Context
from worker.operations.meetings import end_now, joining
from worker.operations.reports import report
from worker.operations.timetable import arrange, sittings
from worker.operations.timetable.sittings import Sitting
from worker.store.tables import Course, Event, Meeting, Occurrence
from worker.web import charts, page
from worker.web.forms import key, typed, whole
from worker.web.session import Anyone, Form, Now, Number, Surroundings, Teacher, Visitor

router = APIRouter()

#: Sittings on one page.
_PAGE = 100
_STATES: tuple[OccurrenceState, ...] = get_args(OccurrenceState)
#: Sittings of one answer to a program.
_MOST = 5000


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
    skip = max(0, min(skip, 10**6))
    with context.database.read() as session:
        wanted = _wanted(session, visitor, course or None, start, end)
        if state in _STATES:
            wanted = wanted.where(sittings.in_state(state, now))
        total = session.scalar(wanted.with_only_columns(func.count()).order_by(None)) or 0
        found = _described(session, wanted.offset(skip).limit(_PAGE), now)
    return page.render(
        request,
        "sittings",
        found=found,
        total=total,
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
) -> list[Sitting]:
    """Sittings that start in ``[since, until)``, of courses that are the visitor's to see.

    Raises InputError where there are more than one answer holds: a part would be taken for all.
    """
    found = _described(session, _wanted(session, visitor, course, since, until).limit(_MOST + 1), now)
    if len(found) > _MOST:
        raise InputError(f"these are more than {_MOST} classes; ask for fewer days at once, or for one course")
    return found


def _described(session: Session, wanted: Select[Occurrence, Course], now: datetime) -> list[Sitting]:
    return sittings.described(session, [(row, of) for row, of in session.execute(wanted)], now)


def _wanted(
    session: Session, visitor: Visitor, course: str | None, since: datetime | None, until: datetime | None
) -> Select[Occurrence, Course]:
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    if course is not None:
        found = arrange.course(session, course)
        visitor.must_see(found)
        wanted = wanted.where(Occurrence.course_id == found.id)
    if since is not None:
        wanted = wanted.where(Occurrence.starts_at >= since)
    if until is not None:
        wanted = wanted.where(Occurrence.starts_at < until)
    if visitor.only_teacher is not None:
        wanted = wanted.where(Course.teacher_id == visitor.only_teacher)
    return wanted.order_by(Occurrence.starts_at, Occurrence.id)


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
    start, minutes = calendars.parse_instant(typed(form, "start"), zone), whole(form, "minutes")
    if not 0 < minutes <= 24 * 60:
        raise InputError(f"minutes: {minutes} cannot be; write 1 to 1440")
    return start, start + timedelta(minutes=minutes)


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
    who, status, reason = key(form, "user_id"), typed(form, "status", most=20), typed(form, "reason")

    def operation(_: Sitting) -> None:
        corrections.correct(context, number, who, status, reason=reason, by=visitor.name, now=now)

    return _act(context, visitor, number, now, "corrected", operation)


@router.post("/sittings/{number}/undo")
def undo(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Take the correction of somebody back."""
    who = key(form, "user_id")

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
