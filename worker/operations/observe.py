"""Writing what was seen: an unchanged poll moves ``last_at``, a change or a long gap begins a new row.

What this process wrote last is remembered, so that the many meetings in which nothing changed cost one statement and no
question. The statement's row count is the verdict: where another process wrote in between, everything is asked anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Table, bindparam, exists, func, select, text, tuple_, update
from sqlalchemy.orm import Session, aliased

from worker.domain.attendance import Seen
from worker.operations import numbering
from worker.operations.numbering import Names
from worker.store.bulk import insert_many
from worker.store.tables import Observation

_COLUMNS = ("meeting_id", "first_at", "last_at", "polls", "attendees")
_MOVE = """
    UPDATE observations AS o SET last_at = :at, polls = polls + 1
    FROM unnest(CAST(:meetings AS bigint[]), CAST(:firsts AS timestamptz[])) AS k (meeting_id, first_at)
    WHERE o.meeting_id = k.meeting_id AND o.first_at = k.first_at AND o.last_at = :was AND NOT EXISTS (
        SELECT 1 FROM observations n WHERE n.meeting_id = o.meeting_id AND n.first_at > o.first_at)
"""


class Sight(NamedTuple):
    """Who was in one meeting at one poll."""

    meeting_id: int
    people: tuple[Seen, ...]


class Last(NamedTuple):
    """The observation that this process wrote last of a meeting."""

    people: tuple[Seen, ...]
    attendees: str
    first_at: datetime
    last_at: datetime


class Recent:
    """What this process knows of the meetings of one server. Only a short cut, and never ahead of what is committed."""

    def __init__(self) -> None:
        self.last: dict[int, Last] = {}
        self.names: dict[int, Names] = {}

    def forget(self, meeting_ids: Sequence[int]) -> None:
        """After a transaction that failed, nothing of these is certain."""
        for meeting_id in meeting_ids:
            self.last.pop(meeting_id, None)
            self.names.pop(meeting_id, None)

    def keep_only(self, meeting_ids: Sequence[int]) -> None:
        """The others are closed."""
        self.forget(list(self.names.keys() - set(meeting_ids)))


def write(session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta, recent: Recent) -> None:
    """Record one poll of these meetings. The same poll recorded twice changes nothing; an older one is dropped."""
    same = {
        sight.meeting_id: last
        for sight in sights
        if (last := recent.last.get(sight.meeting_id)) is not None
        and last.people == sight.people
        and last.last_at < at <= last.last_at + tolerance
    }
    if _moved(session, same, at):
        recent.last.update({meeting_id: last._replace(last_at=at) for meeting_id, last in same.items()})
        sights = [sight for sight in sights if sight.meeting_id not in same]
    else:  # another process polled in between; what it numbered is numbered still
        recent.last = {key: last for key, last in recent.last.items() if key not in same}
    if sights:
        _write_changed(session, sights, at, tolerance, recent)


def _moved(session: Session, same: Mapping[int, Last], at: datetime) -> bool:
    """Move ``last_at`` of these observations. Whether all of them were still the newest, and as we left them."""
    moved = 0
    for was in {last.last_at for last in same.values()}:
        keys = [(meeting_id, last.first_at) for meeting_id, last in same.items() if last.last_at == was]
        moved += _move(session, keys, at, was)
    return moved == len(same)


def _move(session: Session, keys: Sequence[tuple[int, datetime]], at: datetime, was: datetime) -> int:
    """One statement for all of them: on PostgreSQL one array a column, which costs a fifth of a parameter a key."""
    if session.get_bind().dialect.name == "sqlite":
        return _move_each(session, keys, at, was)
    meetings, firsts = zip(*keys, strict=True)
    values = {"at": at, "was": was, "meetings": list(meetings), "firsts": list(firsts)}
    return session.connection().execute(text(_MOVE), values).rowcount


def _move_each(session: Session, keys: Sequence[tuple[int, datetime]], at: datetime, was: datetime) -> int:
    rows, newer = Observation.__table__, aliased(Observation)
    assert isinstance(rows, Table)
    outdated = exists(
        select(newer.meeting_id).where(newer.meeting_id == rows.c.meeting_id, newer.first_at > rows.c.first_at)
    )
    each = update(rows).where(rows.c.meeting_id == bindparam("key"), rows.c.first_at == bindparam("first"))
    each = each.where(rows.c.last_at == was, ~outdated).values(last_at=at, polls=rows.c.polls + 1)
    return session.connection().execute(each, [{"key": key, "first": first} for key, first in keys]).rowcount


def _write_changed(
    session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta, recent: Recent
) -> None:
    """Those in which something changed since our last look, and those that we have not looked at yet."""
    unknown = [sight.meeting_id for sight in sights if sight.meeting_id not in recent.last]
    latest = {**recent.last, **_latest(session, unknown, at)}
    numbering.number(session, {sight.meeting_id: sight.people for sight in sights}, recent.names)
    same, new = [], []
    for meeting_id, people in sights:
        attendees, last = _written(recent.names[meeting_id], people), latest.get(meeting_id)
        if last is not None and last.last_at >= at:
            recent.last.pop(meeting_id, None)
        elif last is not None and last.attendees == attendees and at - last.last_at <= tolerance:
            same.append((meeting_id, last.first_at))
            recent.last[meeting_id] = Last(people, attendees, last.first_at, at)
        else:
            new.append((meeting_id, at, at, 1, attendees))
            recent.last[meeting_id] = Last(people, attendees, at, at)
    insert_many(session, Observation, _COLUMNS, new)
    if same:
        moved = update(Observation).where(tuple_(Observation.meeting_id, Observation.first_at).in_(same))
        values = {"last_at": at, "polls": Observation.polls + 1}
        moved = moved.where(Observation.last_at < at).values(**values)
        session.execute(moved.execution_options(synchronize_session=False))


def _latest(session: Session, meeting_ids: Sequence[int], at: datetime) -> dict[int, Last]:
    """The newest that began by then: one from a clock that was ahead for a moment must not hide what comes after."""
    if not meeting_ids:
        return {}
    newest = select(Observation.meeting_id, func.max(Observation.first_at)).where(
        Observation.meeting_id.in_(meeting_ids), Observation.first_at <= at
    )
    pairs = newest.group_by(Observation.meeting_id)
    found = session.scalars(select(Observation).where(tuple_(Observation.meeting_id, Observation.first_at).in_(pairs)))
    return {each.meeting_id: Last((), each.attendees, each.first_at, each.last_at) for each in found}


def _written(names: Names, people: tuple[Seen, ...]) -> str:
    """The attendees as numbers, smallest first; a person with two devices stands there twice."""
    return " ".join(map(str, sorted([names[seen] for seen in people])))
