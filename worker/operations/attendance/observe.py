"""Writing what was seen: an unchanged poll moves ``last_at``, a change or a long gap begins a new run.

The run that goes on stands in a table of its own, small and close together; when it ends it is added to the others and
never touched again. What this process wrote last is remembered, so that the many meetings in which nothing changed cost
one statement and no question. The statement's row count is the verdict: where another process wrote in between,
everything is asked anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from worker.domain.attendance import Seen
from worker.operations.attendance import numbering
from worker.operations.attendance.numbering import Names
from worker.store.bulk import insert_many, put_many
from worker.store.tables import EndedObservation, OngoingObservation

_RUN = ("meeting_id", "first_at", "last_at", "polls", "attendees")
_GOING = (*_RUN, "people", "moderators")


class Sight(NamedTuple):
    """Who was in one meeting at one poll."""

    meeting_id: int
    people: tuple[Seen, ...]
    heads: int  #: distinct people, recorders left out
    moderators: int  #: of these


class Run(NamedTuple):
    """A row of the run that goes on."""

    meeting_id: int
    first_at: datetime
    last_at: datetime
    polls: int
    attendees: str


class Last(NamedTuple):
    """What this process wrote last of a meeting, and when."""

    people: tuple[Seen, ...]
    at: datetime


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
    """Record one poll of these meetings. The same poll recorded twice changes nothing."""
    same = {
        sight.meeting_id: last
        for sight in sights
        if (last := recent.last.get(sight.meeting_id)) is not None
        and last.people == sight.people
        and last.at < at <= last.at + tolerance
    }
    if _moved(session, same, at):
        recent.last.update({meeting_id: Last(last.people, at) for meeting_id, last in same.items()})
        sights = [sight for sight in sights if sight.meeting_id not in same]
    if sights:
        _write_changed(session, sights, at, tolerance, recent)


def count(session: Session, sights: Sequence[Sight], recent: Recent) -> None:
    """How many are in now, where nobody knows when "now" was: no observation."""
    recent.forget([sight.meeting_id for sight in sights])
    for meeting_id, _, heads, moderators in sights:
        going = update(OngoingObservation).where(OngoingObservation.meeting_id == meeting_id)
        session.execute(going.values(people=heads, moderators=moderators))


def finish(session: Session, meeting_id: int) -> None:
    """The meeting is closed: its last run has ended."""
    insert_many(session, EndedObservation, _RUN, list(_locked(session, [meeting_id]).values()))
    session.execute(delete(OngoingObservation).where(OngoingObservation.meeting_id == meeting_id))


def _moved(session: Session, same: Mapping[int, Last], at: datetime) -> bool:
    """Move ``last_at`` of these runs. Whether all of them were still as we left them."""
    moved = 0
    for was in {last.at for last in same.values()}:
        ids = [meeting_id for meeting_id, last in same.items() if last.at == was]
        ours = update(OngoingObservation).where(OngoingObservation.meeting_id.in_(ids))
        moving = ours.where(OngoingObservation.last_at == was).values(last_at=at, polls=OngoingObservation.polls + 1)
        result = session.execute(moving.execution_options(synchronize_session=False))
        moved += result.rowcount  # type: ignore[attr-defined]
    return moved == len(same)


def _write_changed(
    session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta, recent: Recent
) -> None:
    """Those in which something changed since our last look, and those that we have not looked at yet."""
    going = _locked(session, [sight.meeting_id for sight in sights])
    numbering.number(session, {sight.meeting_id: sight.people for sight in sights}, recent.names)
    ended: list[tuple[object, ...]] = []
    moved: list[tuple[object, ...]] = []
    for sight in sights:
        was = going.get(sight.meeting_id)
        seen = Run(sight.meeting_id, at, at, 1, _written(recent.names[sight.meeting_id], sight.people))
        if was is not None and was.first_at - tolerance <= at <= was.last_at:
            # Another poll, asked later, was faster; or it is this one, told twice. Its run stands.
            ended += [seen] if at < was.first_at else []
            recent.last.pop(sight.meeting_id, None)
            continue
        if was is not None and was.attendees == seen.attendees and was.last_at < at <= was.last_at + tolerance:
            seen = was._replace(last_at=at, polls=was.polls + 1)
        elif was is not None:
            ended.append(was)
        moved.append((*seen, sight.heads, sight.moderators))
        recent.last[sight.meeting_id] = Last(sight.people, at)
    fresh = [row for row in moved if row[0] not in going]
    if insert_many(session, OngoingObservation, _GOING, fresh) < len(fresh):
        # Another process began some of these while we looked: theirs are there now, and ours go after them.
        _write_changed(session, sights, at, tolerance, recent)
        return
    put_many(session, OngoingObservation, _GOING, [row for row in moved if row[0] in going])
    insert_many(session, EndedObservation, _RUN, ended)


def _locked(session: Session, meeting_ids: Sequence[int]) -> dict[int, Run]:
    """The runs that go on, ours until the end of the transaction."""
    columns = [getattr(OngoingObservation, name) for name in _RUN]
    rows = select(*columns).where(OngoingObservation.meeting_id.in_(meeting_ids))
    found = session.execute(rows.order_by(OngoingObservation.meeting_id).with_for_update())
    return {row[0]: Run._make(row) for row in found}


def _written(names: Names, people: tuple[Seen, ...]) -> str:
    """The attendees as numbers, smallest first; a person with two devices stands there twice."""
    return " ".join(map(str, sorted([names[seen] for seen in people])))
