"""Who is asking: the sealed cookie of a person or the token of a program, and what they may see and change."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import Field
from starlette.datastructures import FormData

from worker.clock import Clock
from worker.errors import SettingsError, Unknown
from worker.operations.context import Context
from worker.store.tables import Course, User
from worker.web import access

COOKIE = "meetingz"
#: From one sign-in to the next at the latest: a working day.
LIFE = timedelta(hours=14)
_RANKS = {"viewer": 0, "teacher": 1, "admin": 2}


class NotSignedIn(Exception):
    """Nobody we know."""


class Forbidden(Exception):
    """Somebody we know, who may not do this."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user who is asking something now."""

    id: int
    name: str
    role: str
    teacher_id: str | None
    csrf: str = ""
    scopes: frozenset[str] = field(default=frozenset(access.SCOPES))

    @property
    def only_teacher(self) -> str | None:
        """The teacher whose courses alone they see; None: all courses."""
        return self.teacher_id if self.role == "teacher" else None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    def sees(self, course: Course) -> bool:
        """Whether the course is theirs to look at."""
        return self.role != "teacher" or (course.teacher_id is not None and course.teacher_id == self.teacher_id)

    def changes(self, course: Course) -> bool:
        """Whether they may change its sittings."""
        return self.is_admin or (self.role == "teacher" and self.sees(course))

    def must_see(self, course: Course) -> None:
        """Raise Unknown for a foreign course: not even its being there is told."""
        if not self.sees(course):
            raise Unknown("not found")

    def must_change(self, course: Course) -> None:
        """Raise Unknown for a foreign course, Forbidden for one that they only see."""
        self.must_see(course)
        if not self.changes(course):
            raise Forbidden


def context_of(request: Request) -> Context:
    """The surroundings of this application."""
    found: Context = request.app.state.context
    return found


def now_of(request: Request) -> datetime:
    """The present, by the application's clock."""
    clock: Clock = request.app.state.clock
    return clock()


#: The number of a row, in an address: what does not fit in its column is no number of ours.
Number = Annotated[int, Field(ge=1, lt=2**31)]
Surroundings = Annotated[Context, Depends(context_of)]
Now = Annotated[datetime, Depends(now_of)]


def sealed(context: Context, user: User, now: datetime) -> str:
    """The cookie of a new session, with a new form token: nothing of an earlier one lives on."""
    facts = {"for": "session", "user": user.id, "generation": user.generation, "at": now.timestamp()}
    return context.vault.lock(json.dumps(facts | {"csrf": secrets.token_urlsafe(16)})).decode()


def opened(context: Context, cookie: str | None, now: datetime) -> Visitor | None:
    """The visitor of a cookie; None where it is not ours, too old, or from before they signed out."""
    facts = _facts(context, cookie)
    if facts is None or not 0 <= now.timestamp() - facts["at"] + 60 <= LIFE.total_seconds() + 60:
        return None
    with context.database.read() as session:
        user = session.get(User, facts["user"])
    if user is None or user.disabled_at is not None or user.generation != facts["generation"]:
        return None
    return Visitor(user.id, user.name, user.role, user.teacher_id, facts["csrf"])


def _facts(context: Context, cookie: str | None) -> dict[str, Any] | None:
    if not cookie or len(cookie) > 2000:
        return None
    try:
        facts: dict[str, Any] = json.loads(context.vault.open(cookie.encode()))
    except (SettingsError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.get("for") == "session" else None


def current(request: Request, context: Surroundings, now: Now) -> Visitor:
    """Whoever is signed in. Raises NotSignedIn."""
    visitor = opened(context, request.cookies.get(COOKIE), now)
    if visitor is None:
        raise NotSignedIn
    request.state.visitor = visitor
    return visitor


def needs(role: str) -> Callable[[Visitor], Visitor]:
    """A dependency: at least this role."""

    def check(visitor: Annotated[Visitor, Depends(current)]) -> Visitor:
        if _RANKS[visitor.role] < _RANKS[role]:
            raise Forbidden
        return visitor

    return check


Anyone = Annotated[Visitor, Depends(needs("viewer"))]
Teacher = Annotated[Visitor, Depends(needs("teacher"))]
Admin = Annotated[Visitor, Depends(needs("admin"))]


async def _form(request: Request, visitor: Annotated[Visitor, Depends(current)]) -> AsyncIterator[FormData]:
    async with request.form(max_files=1, max_fields=100) as form:
        token = form.get("csrf")
        if not isinstance(token, str) or not secrets.compare_digest(token.encode(), visitor.csrf.encode()):
            raise Forbidden
        request.state.form = form
        yield form


#: A form that was sent from one of our own pages, by the session that page was made for.
Form = Annotated[FormData, Depends(_form)]


def scoped(scope: str) -> Callable[[Request, Context, datetime], Visitor]:
    """A dependency of the API: a bearer token with this scope."""

    def check(request: Request, context: Surroundings, now: Now) -> Visitor:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            raise NotSignedIn
        with context.database.read() as session:
            found = access.holder(session, text.strip(), now)
        if found is None:
            raise NotSignedIn
        user, scopes = found
        if scope not in scopes:
            raise Forbidden
        return Visitor(user.id, user.name, user.role, user.teacher_id, scopes=scopes)

    return check
