"""Writing what was seen: an unchanged poll moves ``last_at``, a change or a long gap begins a new row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

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


def write(session: Session, sights: Sequence[Sight], at: datetime, tolerance: timedelta) -> None:
    """Record one poll of these meetings. The same poll recorded twice changes nothing; an older one is dropped."""
    latest = _latest(session, [sight.meeting_id for sight in sights])
    names = _numbers(session, sights)
    same, new = [], []
    for sight in sights:
        attendees, last = _written(names, sight), latest.get(sight.meeting_id)
        if last is not None and last.last_at >= at:
            continue
        if last is not None and last.attendees == attendees and at - last.last_at <= tolerance:
            same.append((sight.meeting_id, last.first_at))
        else:
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


def _latest(session: Session, meeting_ids: Sequence[int]) -> dict[int, Observation]:
    newest = select(Observation.meeting_id, func.max(Observation.first_at)).where(
        Observation.meeting_id.in_(meeting_ids)
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
