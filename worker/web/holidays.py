"""Holidays: days without classes. An estimated one waits until an administrator confirms it."""

from fastapi import APIRouter, Request, Response

from worker.domain import calendars
from worker.domain.holidays import Holiday
from worker.operations import story
from worker.operations.timetable import holidays
from worker.web import page
from worker.web.forms import left_open, typed
from worker.web.session import Admin, Anyone, Form, Now, Number, Surroundings

router = APIRouter()


@router.get("/holidays")
def listing(request: Request, visitor: Anyone, context: Surroundings) -> Response:
    """All of them, with how many classes each cancels."""
    with context.database.read() as session:
        found = holidays.listed(session)
    return page.render(request, "holidays", found=found)


@router.post("/holidays")
def add(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """One more; what is planned on its days is cancelled."""
    first = calendars.parse_date(typed(form, "first"))
    until = left_open(form, "until")
    day = Holiday(first, typed(form, "title", most=256), until=calendars.parse_date(until) if until else None)
    with story.acting(visitor.name):
        holidays.add(context, day, now)
    return page.redirect("/holidays", done="holiday")


@router.post("/holidays/{number}/confirm")
def confirm(number: Number, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """The estimate is right."""
    with story.acting(visitor.name):
        holidays.confirm(context, number, now)
    return page.redirect("/holidays", done="holiday")


@router.post("/holidays/{number}/remove")
def remove(number: Number, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """There are classes after all."""
    with story.acting(visitor.name):
        holidays.remove(context, number, now)
    return page.redirect("/holidays", done="holiday")
