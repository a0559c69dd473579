"""Now: who is on, on which server, the line over the day, what starts next, alarms, and whether the loops run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from worker.operations import pulse
from worker.operations.context import Context
from worker.operations.installation import alarms as operations_alarms
from worker.operations.installation import doctor
from worker.store.tables import Alarm, Course, LoadPoint, Meeting, Occurrence, Pulse, Server
from worker.web import charts, page
from worker.web.session import Anyone, Now, Surroundings, Visitor

router = APIRouter()

Wanted = TypeVar("Wanted", bound=Select[Any, *tuple[Any, ...]])

#: How old what a page shows may be, seconds. The polls behind it come every half a minute.
_FRESH, _FRESH_LINE = 2.0, 30.0
#: Classes and alarms on the page at most; the list of sittings has all.
_MOST_OPEN, _MOST_NEXT, _MOST_ALARMS = 60, 12, 10


@dataclass(frozen=True, slots=True)
class Open:
    """An open room."""

    occurrence_id: int
    course_id: int
    code: str
    title: str
    teacher: str | None
    server: str
    people: int
    moderators: int
    starts_at: datetime
    closes_at: datetime
    timezone: str


#: The columns of :class:`Open`.
_OPEN: tuple[Any, ...] = (
    Occurrence.id,
    Course.id,
    Course.code,
    Course.title,
    Course.teacher_name,
    Server.name,
    Meeting.people,
    Meeting.moderators,
    Occurrence.starts_at,
    Occurrence.closes_at,
    Course.timezone,
)


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop's pulse."""

    name: str
    ok: bool
    age: timedelta | None
    error: str | None


def open_rooms(session: Session, teacher: str | None = None) -> list[Open]:
    """Every open room, the fullest first."""
    wanted = (
        select(*_OPEN)
        .select_from(Meeting)
        .join(Occurrence, Meeting.occurrence_id == Occurrence.id)
        .join(Course, Occurrence.course_id == Course.id)
        .join(Server, Meeting.server_id == Server.id)
        .where(Meeting.closed_at.is_(None), Meeting.state != "requested")
        .order_by(Meeting.people.desc(), Occurrence.starts_at, Occurrence.id)
    )
    return [Open(*row) for row in session.execute(_of(wanted, teacher)).all()]


def coming(session: Session, now: datetime, teacher: str | None = None) -> Sequence[Row[Occurrence, Course]]:
    """What starts next, within a day."""
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    soon = and_(Occurrence.starts_at > now, Occurrence.starts_at < now + timedelta(days=1))
    wanted = wanted.where(soon, Occurrence.cancelled_at.is_(None)).order_by(Occurrence.starts_at, Occurrence.id)
    return session.execute(_of(wanted, teacher).limit(_MOST_NEXT)).all()


def _of(wanted: Wanted, teacher: str | None) -> Wanted:
    return wanted if teacher is None else wanted.where(Course.teacher_id == teacher)


def alarms(session: Session, teacher: str | None = None) -> list[Alarm]:
    """The alarms that stand, the newest first; a teacher sees those of their own classes."""
    standing = operations_alarms.standing(session)
    if teacher is not None:
        own = set(session.scalars(_occurrences_of(teacher, [each.occurrence_id for each in standing])))
        standing = [each for each in standing if each.occurrence_id in own]
    return list(standing[:_MOST_ALARMS])


def _occurrences_of(teacher: str, ids: list[int | None]) -> Select[int]:
    wanted = select(Occurrence.id).join(Course, Occurrence.course_id == Course.id)
    return wanted.where(Course.teacher_id == teacher, Occurrence.id.in_(ids))


def loops(context: Context, session: Session, now: datetime) -> list[Loop]:
    """The pulse of each loop, as the doctor judges it."""
    rows = {row.loop: row for row in session.scalars(select(Pulse))}
    judged = doctor.pulses(context, session, now)
    return [_loop(name, rows.get(name), found.ok, now) for name, found in zip(pulse.LOOPS, judged, strict=False)]


def _loop(name: str, row: Pulse | None, ok: bool, now: datetime) -> Loop:
    if row is None or row.ended_at is None:
        return Loop(name, ok, None, None if row is None else row.error)
    failed = row.failed_at is not None and row.failed_at > row.ended_at
    return Loop(name, ok, now - row.ended_at, row.error if failed else None)


def line_of_today(context: Context, session: Session, now: datetime) -> charts.Line | None:
    """People on all servers, minute by minute, since midnight of the installation's zone."""
    zone = ZoneInfo(context.settings.timezone)
    start = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = select(LoadPoint.minute, func.sum(LoadPoint.people)).where(LoadPoint.minute >= start)
    rows = session.execute(wanted.group_by(LoadPoint.minute).order_by(LoadPoint.minute)).all()
    return charts.line([(minute, int(people)) for minute, people in rows], start, start + timedelta(days=1), now)


def totals(session: Session, teacher: str | None = None) -> dict[str, int]:
    """People, meetings and moderators of ours, online now."""
    rooms = open_rooms(session, teacher)
    people, moderators = sum(each.people for each in rooms), sum(each.moderators for each in rooms)
    return {"people": people, "meetings": len(rooms), "moderators": moderators}


def _facts(context: Context, now: datetime, teacher: str | None) -> dict[str, Any]:
    with context.database.read() as session:
        rooms = open_rooms(session, teacher)
        return {
            "now": now,
            "rooms": rooms[:_MOST_OPEN],
            "left_out": max(0, len(rooms) - _MOST_OPEN),
            "people": sum(each.people for each in rooms),
            "moderators": sum(each.moderators for each in rooms),
            "meetings": len(rooms),
            "servers": [] if teacher else session.scalars(select(Server).order_by(Server.name)).all(),
            "coming": coming(session, now, teacher),
            "alarms": alarms(session, teacher),
            "loops": loops(context, session, now),
        }


def _live(request: Request, context: Context, visitor: Visitor, now: datetime) -> str:
    """The living part of the page, as all see it who may see the same. What a loop failed of is for administrators."""
    shared, teacher, reader = request.app.state.shared, visitor.only_teacher, page.reader_of(request)
    line = None
    if teacher is None:
        line = shared.get("line", _FRESH_LINE, now, lambda: _line(context, now))
    facts = shared.get(("now", teacher), _FRESH, now, lambda: _facts(context, now, teacher))
    facts = {"line": line, "charts": charts, "tells_errors": visitor.is_admin, **facts}
    key = ("text", teacher, visitor.is_admin, reader.language)
    text: str = shared.get(key, _FRESH, now, lambda: page.fragment("now_live", reader, **facts))
    return text


def _line(context: Context, now: datetime) -> charts.Line | None:
    with context.database.read() as session:
        return line_of_today(context, session, now)


@router.get("/")
def show(request: Request, visitor: Anyone, context: Surroundings, now: Now) -> HTMLResponse:
    """The page that stays open all day."""
    return page.render(request, "now", live=_live(request, context, visitor, now))


@router.get("/now/live")
def live(request: Request, visitor: Anyone, context: Surroundings, now: Now) -> HTMLResponse:
    """What of it changes; asked for every few seconds."""
    return HTMLResponse(_live(request, context, visitor, now))
