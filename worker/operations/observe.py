"""Writing what was seen: an unchanged poll moves ``last_at``, a change or a long gap begins a new row.

What this process wrote last is remembered, so that the many meetings in which nothing changed cost one statement and no
question. The statement's row count is the verdict: where another process wrote in between, everything is asked anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import exists, func, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from worker.domain.attendance import Seen
from worker.store.tables import Attendee, Observation
from worker.store.upsert import insert_new

#: The columns of our tables; what is longer is cut, so that one strange name never stops a sweep.
_ID, _NAME, _ROLE = 256, 512, 16
_NUMBERINGS = 5


class Sight(NamedTuple):
    """Who was in one meeting at one poll."""

    meeting_id: int
    people: tuple[Seen, ...]


class Last(NamedTuple):
    """The observation that this process wrote last of a meeting."""

    people: tuple[Seen, ...]
    first_at: datetime
    last_at: datetime


#: By meeting.
Recent = dict[int, Last]


def write(session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta, recent: Recent) -> None:
    """Record one poll of these meetings. The same poll recorded twice changes nothing; an older one is dropped."""
    same = {
        sight.meeting_id: last
        for sight in sights
        if (last := recent.get(sight.meeting_id)) is not None
        and last.people == sight.people
        and last.last_at < at <= last.last_at + tolerance
    }
    if _still_there(session, same, at):
        recent.update({meeting_id: last._replace(last_at=at) for meeting_id, last in same.items()})
        sights = [sight for sight in sights if sight.meeting_id not in same]
    if sights:
        _write_anew(session, sights, at, tolerance, recent)


def _still_there(session: Session, same: Mapping[int, Last], at: datetime) -> bool:
    """Move ``last_at`` of these observations. Whether all of them were still the newest, and as we left them."""
    moved = 0
    for last_at in {last.last_at for last in same.values()}:
        keys = [(meeting_id, last.first_at) for meeting_id, last in same.items() if last.last_at == last_at]
        moved += _move(session, keys, at, last_at)
    return moved == len(same)


def _move(session: Session, keys: Sequence[tuple[int, datetime]], at: datetime, last_at: datetime) -> int:
    newer = aliased(Observation)
    outdated = exists(
        select(newer.meeting_id).where(
            newer.meeting_id == Observation.meeting_id, newer.first_at > Observation.first_at
        )
    )
    rows = update(Observation).where(tuple_(Observation.meeting_id, Observation.first_at).in_(keys))
    rows = rows.where(Observation.last_at == last_at, ~outdated).values(last_at=at, polls=Observation.polls + 1)
    moved: int = session.execute(rows.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    return moved


def _write_anew(session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta, recent: Recent) -> None:
    latest = _latest(session, [sight.meeting_id for sight in sights], at)
    names = _numbers(session, sights)
    same, new = [], []
    for sight in sights:
        attendees, last = _written(names, sight), latest.get(sight.meeting_id)
        if last is not None and last.last_at >= at:
            recent.pop(sight.meeting_id, None)
            continue
        if last is not None and last.attendees == attendees and at - last.last_at <= tolerance:
            same.append((sight.meeting_id, last.first_at))
            recent[sight.meeting_id] = Last(sight.people, last.first_at, at)
        else:
            recent[sight.meeting_id] = Last(sight.people, at, at)
            new.append(
                {"meeting_id": sight.meeting_id, "first_at": at, "last_at": at, "polls": 1, "attendees": attendees}
            )
    insert_new(session, Observation, new)
    if same:
        moved = update(Observation).where(tuple_(Observation.meeting_id, Observation.first_at).in_(same))
        moved = moved.where(Observation.last_at < at)
        session.execute(
            moved.values(last_at=at, polls=Observation.polls + 1).execution_options(synchronize_session=False)
        )


def _latest(session: Session, meeting_ids: Sequence[int], at: datetime) -> dict[int, Observation]:
    """The newest that began by then: one from a clock that was ahead for a moment must not hide what comes after."""
    newest = select(Observation.meeting_id, func.max(Observation.first_at)).where(
        Observation.meeting_id.in_(meeting_ids), Observation.first_at <= at
    )
    pairs = newest.group_by(Observation.meeting_id)
    found = session.scalars(select(Observation).where(tuple_(Observation.meeting_id, Observation.first_at).in_(pairs)))
    return {each.meeting_id: each for each in found}


def _written(names: Mapping[tuple[int, Seen], int], sight: Sight) -> str:
    """The attendees of a sight as numbers, smallest first; a person with two devices stands there twice."""
    return " ".join(str(number) for number in sorted(names[sight.meeting_id, _cut(seen)] for seen in sight.people))


def _numbers(session: Session, sights: Sequence[Sight]) -> dict[tuple[int, Seen], int]:
    """The number of every attendee of these sights; who has none yet gets one."""
    ids = [sight.meeting_id for sight in sights if sight.people]
    known = _known(session, ids)
    # Another poll may have taken our numbers for its own newcomers: its rows hold, and ours are numbered after them.
    for _ in range(_NUMBERINGS):
        if not (fresh := _unnumbered(known, sights)):
            break
        insert_new(session, Attendee, fresh)
        known = _known(session, ids)
    return known


def _known(session: Session, meeting_ids: Sequence[int]) -> dict[tuple[int, Seen], int]:
    columns = (Attendee.meeting_id, Attendee.number, Attendee.user_id, Attendee.full_name, Attendee.role)
    rows = session.execute(select(*columns).where(Attendee.meeting_id.in_(meeting_ids)))
    return {(meeting, Seen(user, name, role)): number for meeting, number, user, name, role in rows}


def _unnumbered(known: Mapping[tuple[int, Seen], int], sights: Iterable[Sight]) -> list[dict[str, object]]:
    next_number: dict[int, int] = {}
    for (meeting_id, _), number in known.items():
        next_number[meeting_id] = max(next_number.get(meeting_id, 1), number + 1)
    fresh: dict[tuple[int, Seen], int] = {}
    for sight in sights:
        for seen in sorted({_cut(each) for each in sight.people}, key=lambda each: (each.user_id, each.full_name)):
            if (sight.meeting_id, seen) not in known:
                number = next_number.get(sight.meeting_id, 1)
                next_number[sight.meeting_id] = number + 1
                fresh[sight.meeting_id, seen] = number
    return [_row(meeting, number, seen) for (meeting, seen), number in fresh.items()]


def _row(meeting_id: int, number: int, seen: Seen) -> dict[str, object]:
    who = {"user_id": seen.user_id, "full_name": seen.full_name, "role": seen.role}
    return {"meeting_id": meeting_id, "number": number, **who}


def _cut(seen: Seen) -> Seen:
    """As it fits the table. NUL is no character of XML, and PostgreSQL takes none."""
    return Seen(seen.user_id[:_ID].replace("\0", ""), seen.full_name[:_NAME].replace("\0", ""), seen.role[:_ROLE])
