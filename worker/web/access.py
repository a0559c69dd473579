"""Who may come in: users with a password, programs with a token. Neither is kept in a form that could be read back."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore
from typing import Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from worker.errors import Conflict, InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.store.tables import Token, User

Role = Literal["viewer", "teacher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Scope = Literal["read", "timetable", "attendance", "recordings", "servers", "join"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

#: NIST SP 800-63B: length is what counts, and 8 is the least.
_SHORTEST, _LONGEST = 8, 256
_MOST_DAYS = 36_500
#: Each look at a password takes 64 MiB, by design: so many at once, or strangers at the door fill the machine.
_LOOKING = BoundedSemaphore(2)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # the library's defaults are those of RFC 9106


def add(context: Context, name: str, password: str, role: str, now: datetime, teacher_id: str | None = None) -> int:
    """A user. ``teacher_id`` says whose courses a teacher sees. Raises InputError or Conflict."""
    _check(name, role, teacher_id)
    digest = hashed(password)
    row = User(name=name, password_hash=digest, role=role, teacher_id=teacher_id, created_at=now)
    try:
        with context.database.write() as session:
            session.add(row)
            session.flush()
            story.tell(session, "user_added", now, detail=f"{name}, {role}")
    except IntegrityError:  # asked of the database, not before: another may add the same at this moment
        raise Conflict(f"there is a user {name!r} already") from None
    return row.id


def _check(name: str, role: str, teacher_id: str | None) -> None:
    if not name.strip() or name != name.strip() or len(name) > 128:
        raise InputError("a user's name has 1 to 128 characters and neither begins nor ends with a space")
    if role not in ROLES:
        raise InputError(f"the role {role!r} is not one of {', '.join(ROLES)}")
    if (role == "teacher") != bool(teacher_id):
        raise InputError("a teacher needs a teacher id, as the timetable names it; nobody else has one")


def hashed(password: str) -> str:
    """What is kept of a password. Raises InputError where it is too short."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InputError(f"a password has {_SHORTEST} to {_LONGEST} characters")
    with _LOOKING:
        return _hasher().hash(password)


def find(session: Session, name: str) -> User:
    """The user of this name. Raises Unknown."""
    found = session.scalar(select(User).where(User.name == name))
    if found is None:
        raise Unknown(f"there is no user {name!r}; `meetingz user list` shows all")
    return found


def everyone(session: Session) -> Sequence[User]:
    """All users, by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def change_password(context: Context, name: str, password: str, now: datetime) -> None:
    """Another password; every session of theirs ends."""
    digest = hashed(password)
    with context.database.write() as session:
        row = find(session, name)
        row.password_hash, row.generation = digest, row.generation + 1
        story.tell(session, "password_changed", now, detail=name)


def disable(context: Context, name: str, now: datetime) -> None:
    """They may not come in any more, nor their tokens; what they did stays told."""
    with context.database.write() as session:
        row = find(session, name)
        row.disabled_at, row.generation = now, row.generation + 1
        story.tell(session, "user_disabled", now, detail=name)


def enable(context: Context, name: str, now: datetime) -> None:
    """They may come in again."""
    with context.database.write() as session:
        row = find(session, name)
        row.disabled_at = None
        story.tell(session, "user_enabled", now, detail=name)


def verified(context: Context, name: str, password: str) -> User | None:
    """The user, if the password is theirs. It takes as long for a name that is not there."""
    with context.database.read() as session:
        row = session.scalar(select(User).where(User.name == name))
    known = row.password_hash if row is not None and row.disabled_at is None else _nobody()
    try:
        with _LOOKING:
            _hasher().verify(known, password[:_LONGEST])
    except (VerifyMismatchError, InvalidHashError):
        return None
    return row if row is not None and row.disabled_at is None else None


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def issue(
    context: Context, name: str, label: str, scopes: Sequence[str], now: datetime, days: float | None = None
) -> str:
    """A new API token of a user, shown this once. Raises InputError for a scope that is not one."""
    for scope in scopes:
        if scope not in SCOPES:
            raise InputError(f"the scope {scope!r} is not one of {', '.join(SCOPES)}")
    if not scopes:
        raise InputError(f"a token needs a scope: {', '.join(SCOPES)}")
    if days is not None and not 0 <= days <= _MOST_DAYS:
        raise InputError(f"a token cannot hold for {days:g} days; write 0 to {_MOST_DAYS}, or leave them out")
    text = "mtz_" + secrets.token_urlsafe(32)
    expires = None if days is None else now + timedelta(days=days)
    with context.database.write() as session:
        row = Token(user_id=find(session, name).id, label=label, digest=_digest(text), scopes=" ".join(scopes))
        row.created_at, row.expires_at = now, expires
        session.add(row)
        story.tell(session, "token_issued", now, detail=f"{name}: {label} ({row.scopes})")
    return text


def revoke(context: Context, name: str, label: str, now: datetime) -> int:
    """Tokens of this label end. Returns how many. Raises Unknown where there is none."""
    with context.database.write() as session:
        wanted = select(Token).where(Token.user_id == find(session, name).id, Token.label == label)
        rows = session.scalars(wanted.where(Token.revoked_at.is_(None))).all()
        if not rows:
            raise Unknown(f"{name!r} has no token {label!r}")
        for row in rows:
            row.revoked_at = now
        story.tell(session, "token_revoked", now, detail=f"{name}: {label}")
        return len(rows)


def holder(session: Session, text: str, now: datetime) -> tuple[User, frozenset[str]] | None:
    """Whose token this is, and what it may do."""
    wanted = select(User, Token).join(Token, Token.user_id == User.id).where(Token.digest == _digest(text))
    wanted = wanted.where(Token.revoked_at.is_(None), User.disabled_at.is_(None))
    for user, token in session.execute(wanted):
        if token.expires_at is None or token.expires_at > now:
            return user, frozenset(token.scopes.split())
    return None


def _digest(text: str) -> str:
    # A token is random and long: a plain digest cannot be guessed from, unlike that of a password.
    return hashlib.sha256(text.encode()).hexdigest()
