"""Servers: load, what is expected within the hour, health; added, changed, drained, checked."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request, Response

from worker.bbb.signing import ALGORITHMS
from worker.operations import story
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.meetings import seating
from worker.web import page
from worker.web.forms import decimal, left_open, secret, typed, whole
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
    return page.render(request, "servers", found=found, load=load, now=now, checksums=ALGORITHMS)


@router.post("/servers")
def add(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """One more; its secret is stored encrypted, and never shown again."""
    capacity = whole(form, "capacity") or None if left_open(form, "capacity") else None
    with story.acting(visitor.name):
        servers.add(
            context,
            typed(form, "name", most=64),
            typed(form, "url"),
            secret(form, "secret").strip(),
            now,
            checksum=typed(form, "checksum", most=8),
            capacity=capacity,
            weight=decimal(form, "weight"),
        )
    return page.redirect("/servers", done="server_added")


@router.post("/servers/{name:path}/change")
def change(name: str, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Another address, secret or limit; what is left empty stays as it is, a capacity of 0 takes the limit away."""
    changes = servers.Changes(
        url=left_open(form, "url") or None,
        secret=secret(form, "secret").strip() or None,
        checksum=left_open(form, "checksum") or None,
        capacity=whole(form, "capacity") if left_open(form, "capacity") else None,
        weight=decimal(form, "weight") if left_open(form, "weight") else None,
    )
    with story.acting(visitor.name):
        servers.change(context, name, changes, now)
    return page.redirect("/servers", done="server")


@router.post("/servers/{name:path}/{action}")
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
