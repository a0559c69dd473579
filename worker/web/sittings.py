"""Sittings: the list, one with its story and attendance, and what people do to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from worker.domain import attendance, calendars
from worker.domain.attendance import Span, Stay
from worker.errors import InputError
from worker.operations import arrange, fold, joining, report, sittings, story
from worker.operations.context import Context
from worker.operations.sittings import Sitting
from worker.store import tables
from worker.store.tables import Course, Event, Meeting, Occurrence
from worker.web import charts, page
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
    start = calendars.parse_instant(f"{since} 00:00", zone) if since else now - timedelta(days=7)
    end = calendars.parse_instant(f"{until} 00:00", zone) + timedelta(days=1) if until else now + timedelta(days=7)
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
        end=end - timedelta(days=1) if until else end,
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
class Person:
    """A line of the attendance of one sitting."""

    row: report.Row
    bars: tuple[charts.Bar, ...]


@router.get("/sittings/{number}")
def show(request: Request, number: Number, visitor: Anyone, context: Surroundings, now: Now) -> Response:
    """One sitting: planned against real, its story, who was there and when."""
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
        stays, gaps = stays_of(session, context, sitting.occurrence, now)
        story_ = session.scalars(story_of(number)).all()
        runs = session.scalars(select(Meeting).where(Meeting.occurrence_id == number).order_by(Meeting.id)).all()
        corrections = session.scalars(_corrections(number)).all()
    window = Span(sitting.occurrence.starts_at, sitting.occurrence.ends_at)
    return page.render(
        request,
        "sitting",
        sitting=sitting,
        people=_people(context, sitting, stays, window, now),
        dark=charts.bars(gaps, window),
        story=story_,
        runs=runs,
        corrections=corrections,
        may_change=visitor.changes(sitting.course),
        can_end=False,
        over=sitting.state in ("held", "missed", "cancelled"),
        now=now,
    )


def story_of(number: int) -> Select[Event]:
    """The facts about a sitting, in order; the first 500."""
    return select(Event).where(Event.occurrence_id == number).order_by(Event.at, Event.id).limit(500)


def _corrections(number: int) -> Select[tables.Correction]:
    wanted = select(tables.Correction).where(tables.Correction.occurrence_id == number)
    return wanted.order_by(tables.Correction.at.desc(), tables.Correction.id.desc())


def stays_of(
    session: Session, context: Context, occurrence: Occurrence, now: datetime
) -> tuple[list[Stay], list[Span]]:
    """Stays and gaps: as kept, or as far as they have come."""
    if occurrence.settled_at is None:
        return fold.folded(session, context, occurrence, now)
    kept = session.scalars(select(tables.Stay).where(tables.Stay.occurrence_id == occurrence.id))
    stays = [Stay(row.attendee_key, row.full_name, row.role, row.first_seen, row.last_seen) for row in kept]
    dark = session.scalars(select(tables.Gap).where(tables.Gap.occurrence_id == occurrence.id))
    return stays, [Span(row.first_at, row.last_at) for row in dark]


def attendance_of(context: Context, sitting: Sitting, now: datetime) -> list[report.Row]:
    """The rows of the attendance report for one sitting."""
    start = sitting.occurrence.starts_at
    wanted = report.Wanted(sitting.course.code, start, start + timedelta(microseconds=1))
    rows = report.attendance_rows(context, wanted, now)
    return [row for row in rows if row["occurrence"] == sitting.occurrence.id]


def _people(context: Context, sitting: Sitting, stays: list[Stay], window: Span, now: datetime) -> list[Person]:
    by_key: dict[str, list[Span]] = {}
    for stay in stays:
        by_key.setdefault(stay.key, []).append(Span(stay.first_seen, stay.last_seen))
    return [
        Person(row, charts.bars(attendance.merge(by_key.get(_key(row), [])), window))
        for row in attendance_of(context, sitting, now)
    ]


def _key(row: report.Row) -> str:
    return str(row["user_id"]) if row["user_id"] is not None else f"?{row['full_name']}"


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


def typed(form: FormData, name: str, *, most: int = 500) -> str:
    """A line of text from a form. Raises InputError where it is empty or too long."""
    given = form.get(name)
    text = given.strip() if isinstance(given, str) else ""
    if not 0 < len(text) <= most:
        raise InputError(f"{name}: write 1 to {most} characters")
    return text


def span_of(form: FormData, zone: str) -> tuple[datetime, datetime]:
    """``start``, a date and time of the course's zone in either calendar, and ``minutes``."""
    start = calendars.parse_instant(typed(form, "start"), zone)
    return start, start + timedelta(minutes=minutes_of(form))


def minutes_of(form: FormData) -> float:
    """``minutes``, in any digits. Raises InputError."""
    text = typed(form, "minutes", most=10)
    try:
        return float(int(text))
    except ValueError:
        raise InputError(f"minutes: {text!r} is not a whole number") from None


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
    minutes = minutes_of(form)
    return _act(context, visitor, number, now, "extended", lambda _: arrange.extend(context, number, minutes, now))


@router.post("/sittings/{number}/reopen")
def reopen(number: Number, visitor: Teacher, form: Form, context: Surroundings, now: Now) -> Response:
    """Open it again."""
    return _act(context, visitor, number, now, "reopened", lambda _: arrange.reopen(context, number, now))


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
