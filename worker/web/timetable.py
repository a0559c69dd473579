"""The timetable: one week, as a grid and as a list, beginning on the day on which weeks begin here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.domain import calendars
from worker.operations.timetable import arrange, sittings, week
from worker.operations.timetable.week import Entry
from worker.store.tables import Course, Occurrence
from worker.web import page
from worker.web.session import Anyone, Now, Surroundings

router = APIRouter()

#: Sittings of one day at most; more would not be read anyway.
_MOST = 150


@dataclass(frozen=True, slots=True)
class Day:
    """One column of the week."""

    day: week.Day
    is_today: bool
    entries: list[tuple[Entry, str]]  #: with their states
    left_out: int


@router.get("/timetable")
def show(
    request: Request,
    visitor: Anyone,
    context: Surroundings,
    now: Now,
    day: str = "",
    view: str = "grid",
    course: str = "",
) -> Response:
    """The week of a day; this one where none is named. Beyond the horizon the rules speak."""
    today = now.astimezone(ZoneInfo(context.settings.timezone)).date()
    asked = calendars.parse_date(day) if day else today
    with context.database.read() as session:
        if course:
            visitor.must_see(arrange.course(session, course))
        found = week.of(session, context, asked, now, course=course or None, teacher=visitor.only_teacher)
        days = [_day(session, each, each.date == today, now) for each in found]
    first = found[0].date
    return page.render(
        request,
        "timetable",
        days=days,
        first=first,
        before=first - timedelta(days=7),
        after=first + timedelta(days=7),
        view="list" if view == "list" else "grid",
        course=course,
        most=_MOST,
    )


def _day(session: Session, day: week.Day, is_today: bool, now: datetime) -> Day:
    shown = day.entries[:_MOST]
    states = _states(session, [entry.id for entry in shown if entry.id is not None], now)
    return Day(day, is_today, [(each, _state(each, states)) for each in shown], len(day.entries) - len(shown))


def _states(session: Session, ids: list[int], now: datetime) -> dict[int, str]:
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id).where(Occurrence.id.in_(ids))
    rows = [(occurrence, course) for occurrence, course in session.execute(wanted)]
    return {each.occurrence.id: each.state for each in sittings.described(session, rows, now)}


def _state(entry: Entry, states: dict[int, str]) -> str:
    if entry.id is None:
        return "planned" if entry.cancelled is None else "cancelled"
    return states.get(entry.id, "planned")
