"""The story of each occurrence and server: a row a fact, in the transaction that made it true, and a log line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from sqlalchemy import Select, event, insert, literal, select
from sqlalchemy.orm import Session

from worker import logs
from worker.operations.installation import alarms
from worker.store.tables import Event

#: What somebody should look at; all others are the ordinary course of things.
ALARMS = alarms.WATCHED | alarms.HAPPENED

_actor: ContextVar[str | None] = ContextVar("actor", default=None)


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Everything told within the block was done by this person; outside of one, by the worker by itself."""
    token = _actor.set(name[:128])
    try:
        yield
    finally:
        _actor.reset(token)


def tell(
    session: Session,
    kind: str,
    at: datetime,
    *,
    occurrence_id: int | None = None,
    server_id: int | None = None,
    detail: str | None = None,
    cause: str | None = None,
) -> None:
    """Write one fact. It is logged only once the transaction is committed: a fact rolled back never was.

    An alarm is raised as well; while it stands, the same fact about the same cause is not told again.
    """
    text = detail[:1000] if detail else None
    about = {"occurrence_id": occurrence_id, "server_id": server_id}
    if kind in ALARMS and not alarms.raised(session, kind, _cause(**about, other=cause), at, text or kind, **about):
        return
    actor = _actor.get()
    session.add(Event(at=at, kind=kind, occurrence_id=occurrence_id, server_id=server_id, actor=actor, detail=text))
    level = "warning" if kind in ALARMS else "info"

    def committed(_session: Session) -> None:
        logs.event(kind, level=level, occurrence=occurrence_id, server=server_id, by=actor, detail=text)

    event.listen(session, "after_commit", committed, once=True)


def of(session: Session, occurrence_id: int) -> Sequence[Event]:
    """What was told of an occurrence, in order."""
    return session.scalars(select(Event).where(Event.occurrence_id == occurrence_id).order_by(Event.at, Event.id)).all()


def tell_each(session: Session, kind: str, at: datetime, facts: Select[int, str | None]) -> None:
    """One fact of many occurrences: ``facts`` selects their ids, and a detail of at most 1000 characters each."""
    ids, detail = facts.subquery().c
    rows = select(literal(at, Event.at.type), literal(kind), ids, literal(_actor.get(), Event.actor.type), detail)
    columns = ("at", "kind", "occurrence_id", "actor", "detail")
    session.execute(insert(Event).from_select(columns, rows))


def _cause(occurrence_id: int | None, server_id: int | None, other: str | None) -> str:
    """What an alarm is about: another one about the same is the same alarm."""
    if other is not None:
        return other[:128]
    return f"occurrence:{occurrence_id}" if occurrence_id is not None else f"server:{server_id}"


def tell_once(session: Session, kind: str, at: datetime, *, occurrence_id: int, detail: str) -> None:
    """A fact told once, not at each tick: nothing where the last of its kind says the same."""
    last = select(Event.detail).where(Event.occurrence_id == occurrence_id, Event.kind == kind)
    if session.scalar(last.order_by(Event.id.desc()).limit(1)) != detail[:1000]:
        tell(session, kind, at, occurrence_id=occurrence_id, detail=detail)
