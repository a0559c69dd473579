"""Users of the page: added, given another password, shut out and let in again; for administrators."""

from fastapi import APIRouter, Request, Response

from worker.errors import Conflict
from worker.operations import story
from worker.web import access, page
from worker.web.forms import key, left_open, secret, typed
from worker.web.session import Admin, Form, Now, Surroundings

router = APIRouter()


@router.get("/users")
def listing(request: Request, visitor: Admin, context: Surroundings) -> Response:
    """All of them."""
    with context.database.read() as session:
        found = access.everyone(session)
    return page.render(request, "users", found=found, roles=access.ROLES)


@router.post("/users")
def add(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """One more."""
    name, role, teacher = typed(form, "name", most=128), typed(form, "role"), left_open(form, "teacher_id") or None
    with story.acting(visitor.name):
        access.add(context, name, secret(form, "password"), role, now, teacher)
    return page.redirect("/users", done="user")


@router.post("/users/password")
def password(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Another password, for somebody who has forgotten theirs; all sessions of theirs end."""
    with story.acting(visitor.name):
        access.change_password(context, key(form, "user"), secret(form, "password"), now)
    return page.redirect("/users", done="user")


@router.post("/users/disable")
def disable(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """They may not come in any more. Not oneself: somebody must be left who can undo it."""
    if key(form, "user") == visitor.name:
        raise Conflict("this is you; another administrator can shut you out")
    with story.acting(visitor.name):
        access.disable(context, key(form, "user"), now)
    return page.redirect("/users", done="user")


@router.post("/users/enable")
def enable(visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """They may come in again."""
    with story.acting(visitor.name):
        access.enable(context, key(form, "user"), now)
    return page.redirect("/users", done="user")
