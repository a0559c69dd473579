"""Coming in and going out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Form as Field

from worker.operations import story
from worker.operations.context import Context
from worker.store.tables import User
from worker.web import access, page, session, throttle
from worker.web.forms import secret
from worker.web.session import Anyone, Form, Now, Surroundings

router = APIRouter()


@router.get("/login")
def ask(request: Request, next: str = "/") -> Response:
    """The form."""
    return page.render(request, "login", trouble=None, user_name="", next=_local(next))


@router.post("/login")
def enter(
    request: Request,
    context: Surroundings,
    now: Now,
    name: Annotated[str, Field(max_length=128)] = "",
    password: Annotated[str, Field(max_length=256)] = "",
    next: Annotated[str, Field(max_length=2000)] = "/",
) -> Response:
    """Check name and password. Too many failures make the next try wait, right or wrong."""
    address = _address(request)
    if wait := throttle.tried(context, name, address, now):
        answer = _again(request, 429, "login_wait", name, next, minutes=-(-wait // 60))
        answer.headers["Retry-After"] = str(wait)
        return answer
    user = access.verified(context, name, password)
    if user is None:
        return _again(request, 401, "login_wrong", name, next)
    throttle.succeeded(context, name, address)
    return _signed_in(request, context, user, now, _local(next))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _again(request: Request, status: int, why: str, name: str, next: str, **facts: int) -> Response:
    trouble = page.reader_of(request).say(why, **facts)
    return page.render(request, "login", status=status, trouble=trouble, user_name=name, next=_local(next))


def _signed_in(request: Request, context: Context, user: User, now: datetime, next: str) -> Response:
    with story.acting(user.name), context.database.write() as rows:
        story.tell(rows, "signed_in", now)
    answer = page.redirect(next)
    _set_cookie(request, answer, session.sealed(context, user, now))
    return answer


def _set_cookie(request: Request, answer: Response, text: str) -> None:
    secure = request.url.scheme == "https"
    seconds = int(session.LIFE.total_seconds())
    answer.set_cookie(session.COOKIE, text, max_age=seconds, httponly=True, samesite="lax", secure=secure)


@router.post("/logout")
def leave(visitor: Anyone, form: Form, context: Surroundings) -> Response:
    """Every session of theirs ends, on every machine."""
    with context.database.write() as rows:
        rows.get_one(User, visitor.id).generation += 1
    answer = page.redirect("/login")
    answer.delete_cookie(session.COOKIE)
    return answer


@router.get("/password")
def ask_password(request: Request, visitor: Anyone) -> Response:
    """The form for another password."""
    return page.render(request, "password")


@router.post("/password")
def change_password(request: Request, visitor: Anyone, form: Form, context: Surroundings, now: Now) -> Response:
    """Another password, after the present one; all other sessions of theirs end."""
    address, reader = _address(request), page.reader_of(request)
    if throttle.tried(context, visitor.name, address, now) or not access.verified(
        context, visitor.name, secret(form, "old")
    ):
        return page.trouble(request, 422, reader.say("password_wrong"))
    throttle.succeeded(context, visitor.name, address)
    with story.acting(visitor.name):
        access.change_password(context, visitor.name, secret(form, "new"), now)
    with context.database.read() as rows:
        user = rows.get_one(User, visitor.id)
    answer = page.redirect("/", done="password")
    _set_cookie(request, answer, session.sealed(context, user, now))
    return answer


def _local(next: str) -> str:
    """A path of ours and nothing else: no other host, not even by way of a backslash."""
    plain = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isprintable()
    return next if plain else "/"
