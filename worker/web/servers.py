"""Servers: load, what is expected within the hour, health; taking no new classes, and checking."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request, Response

from worker.operations import seating, servers, story
from worker.operations.context import Context
from worker.web import page
from worker.web.session import Admin, Anyone, Forbidden, Form, Now, Surroundings

router = APIRouter()

ACTIONS: dict[str, Callable[[Context, str, datetime], None]] = {
    "drain": servers.drain,
    "enable": servers.enable,
    "disable": servers.disable,
}


@router.get("/servers")
def listing(request: Request, visitor: Anyone, context: Surroundings, now: Now) -> Response:
    """Every server; not for teachers."""
    if visitor.only_teacher is not None:
        raise Forbidden
    with context.database.read() as session:
        found, load = servers.everyone(session), seating.load(session, now)
    return page.render(request, "servers", found=found, load=load, now=now)


@router.post("/servers/{name}/{action}")
def act(name: str, action: str, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Drain, use, do not use, or ask what it can do."""
    with story.acting(visitor.name):
        if action == "check":
            servers.check(context, name, now)
        elif action in ACTIONS:
            ACTIONS[action](context, name, now)
        else:
            raise Forbidden
    return page.redirect("/servers", done="server")
