"""The pulse of each loop: claimed at its start, signed off at its end. A dead beat is seen, a second one harmless."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from worker.clock import Clock
from worker.operations import aside
from worker.operations.context import Context
from worker.store.tables import Pulse
from worker.store.upsert import insert_new

Loop = Literal["plan", "provision", "poll", "end", "harvest"]
LOOPS: tuple[Loop, ...] = get_args(Loop)


def period(context: Context, loop: Loop) -> timedelta:
    """How often a loop is rung."""
    return timedelta(seconds=getattr(context.settings, f"{loop}_period_seconds"))


def patience(context: Context, loop: Loop) -> timedelta:
    """A loop that has not ended a sweep for this long is late."""
    return 3 * period(context, loop) + timedelta(seconds=30)


def claim(context: Context, loop: Loop, now: datetime) -> bool:
    """Whether this sweep is to be done: not where another began less than half a period ago (two beats, two bells)."""
    return take(context, loop, now, rest=period(context, loop) / 2)


def take(context: Context, what: str, now: datetime, *, rest: timedelta) -> bool:
    """Whether this is ours to do now: not where another began it less than ``rest`` ago. Many may ask at once.

    What was begun in a time to come was begun before a clock was set back.
    """
    with context.database.write() as session:
        if insert_new(session, Pulse, [{"loop": what, "started_at": now}]):
            return True
        free = or_(Pulse.started_at <= now - rest, Pulse.started_at > now)
        taken = session.execute(update(Pulse).where(Pulse.loop == what, free).values(started_at=now))
        return bool(taken.rowcount)  # type: ignore[attr-defined]


@contextmanager
def sweep(context: Context, loop: Loop, clock: Clock) -> Iterator[None]:
    """Sign off a sweep: its end, or its error, is written whatever happens."""
    try:
        yield
    except Exception as error:
        with context.database.write() as session:
            _put(session, loop, clock(), aside.said(error)[:500])
        raise
    with context.database.write() as session:
        _put(session, loop, clock(), None)


def _put(session: Session, loop: Loop, now: datetime, error: str | None) -> None:
    insert_new(session, Pulse, [{"loop": loop, "started_at": now}])
    values = {"ended_at": now} if error is None else {"failed_at": now, "error": error}
    session.execute(update(Pulse).where(Pulse.loop == loop).values(**values))
