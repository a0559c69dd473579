"""Guessing passwords is made slow: so many failures, then a wait. Counted in the database, for all processes."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, text
from sqlalchemy.orm import Session

from worker.operations.context import Context
from worker.store.tables import SignInFailure as Failure

_WINDOW = timedelta(minutes=15)
#: Failures within the window: of one name from one address, from one address, of one name from anywhere.
_PAIR, _ADDRESS, _NAME = 5, 30, 50


def tried(context: Context, name: str, address: str, now: datetime) -> int:
    """Seconds until a try is looked at; 0: now, and until ``succeeded`` it counts as a failure.

    Counted before it is looked at, so that many tries at once are not one.
    """
    who, where = _digest(name), _digest(address)
    with context.database.write() as session:
        _one_at_a_time(session)
        session.execute(delete(Failure).where(Failure.at <= now - _WINDOW))
        wait = max(
            _wait(session, now, _PAIR, Failure.name == who, Failure.address == where),
            _wait(session, now, _ADDRESS, Failure.address == where),
            _wait(session, now, _NAME, Failure.name == who),
        )
        if not wait:
            session.add(Failure(name=who, address=where, at=now))
    return wait


def succeeded(context: Context, name: str, address: str) -> None:
    """They have remembered: the failures of this name from this address are forgotten."""
    with context.database.write() as session:
        theirs = (Failure.name == _digest(name), Failure.address == _digest(address))
        session.execute(delete(Failure).where(*theirs))


def _one_at_a_time(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer by itself
        session.execute(text("LOCK TABLE sign_in_failures IN SHARE ROW EXCLUSIVE MODE"))


def _wait(session: Session, now: datetime, most: int, *which: ColumnElement[bool]) -> int:
    """Until the oldest of the last so many is out of the window."""
    oldest = session.scalar(select(Failure.at).where(*which).order_by(Failure.at.desc()).offset(most - 1).limit(1))
    return 0 if oldest is None else max(0, int((oldest + _WINDOW - now).total_seconds()) + 1)


def _digest(given: str) -> str:
    return hashlib.sha256(given.encode()).hexdigest()
