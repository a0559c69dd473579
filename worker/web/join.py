"""The join page: greets, counts down, and lets in by a button. A preview of the address leaves no ghost in the room."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from worker.errors import Conflict, InputError
from worker.operations import story
from worker.operations.context import Context
from worker.operations.meetings import joining
from worker.operations.meetings.joining import Ticket
from worker.operations.timetable import arrange
from worker.store.tables import Participant
from worker.web import entrance as entrances
from worker.web import page
from worker.web.entrance import Entrance
from worker.web.session import Now, Number, Surroundings, Teacher, context_of
from worker.web.sittings import one

router = APIRouter()


def address(request: Request, occurrence_id: int, user_id: str, name: str, role: str, now: datetime) -> str:
    """The address of this page for one person and sitting, as people reach us."""
    context = context_of(request)
    base = (context.settings.public_url or str(request.base_url)).rstrip("/")
    ticket = joining.ticket(context, occurrence_id, user_id=user_id, name=name, role=role, now=now)
    return f"{base}/join/{ticket}"


def _known(context: Context, text: str, now: datetime) -> tuple[Ticket, Entrance] | None:
    """Who comes, and to which door; None where the ticket is not ours or too old."""
    try:
        ticket = joining.redeem(context, text, now)
        with context.database.read() as session:
            return ticket, entrances.of(session, ticket.occurrence_id, now)
    except InputError:
        return None


@router.get("/join/{ticket}")
def greet(request: Request, ticket: str, context: Surroundings, now: Now) -> Response:
    """Who it is for, which class, and the button when it can be pressed. Opens nothing by itself."""
    known = _known(context, ticket, now)
    if known is None:
        return page.trouble(request, 404, page.reader_of(request).say("join_invalid"))
    return page.render(request, "join", full_name=known[0].name, **_facts(ticket, known, now))


@router.get("/join/{ticket}/door")
def door(request: Request, ticket: str, context: Surroundings, now: Now) -> Response:
    """The part of the page that changes while somebody waits."""
    known = _known(context, ticket, now)
    if known is None:
        return Response(status_code=404)
    reader = page.reader_of(request)
    return HTMLResponse(page.fragment("join_door", reader, **_facts(ticket, known, now)))


def _facts(ticket: str, known: tuple[Ticket, Entrance], now: datetime) -> dict[str, Any]:
    """What the door shows."""
    return {"ticket": ticket, "entrance": known[1], "is_moderator": known[0].role == "moderator", "now": now}


@router.post("/join/{ticket}")
def enter(request: Request, ticket: str, context: Surroundings, now: Now) -> Response:
    """Into the room; back to the page while there is none.

    A moderator who comes while the class should be on, and finds it ended, has it opened again.
    """
    known = _known(context, ticket, now)
    if known is None:
        return page.trouble(request, 404, page.reader_of(request).say("join_invalid"))
    who, entrance = known
    if entrance.door == "ended" and who.role == "moderator":
        with story.acting(who.user_id):
            arrange.reopen(context, who.occurrence_id, now)
    try:
        link = joining.link(context, who.occurrence_id, user_id=who.user_id, name=who.name, role=who.role, now=now)
    except Conflict:
        return page.redirect(f"/join/{ticket}")
    return page.render(request, "entering", link=link)


@router.get("/sittings/{number}/links")
def links(request: Request, number: Number, visitor: Teacher, context: Surroundings, now: Now) -> Response:
    """The personal address of everybody on the roster. Each is a credential: whoever has it is that person."""
    with context.database.read() as session:
        sitting = one(session, visitor, number, now)
        visitor.must_change(sitting.course)
        roster = select(Participant).where(Participant.course_id == sitting.course.id)
        people = session.scalars(roster.order_by(Participant.role, Participant.full_name)).all()
    found = [(each, address(request, number, each.user_id, each.full_name, each.role, now)) for each in people]
    return page.render(request, "links", sitting=sitting, found=found)
