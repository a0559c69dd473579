"""Folding: an occurrence's observations -> stays and gaps, and settling an occurrence that is over.

Stays and gaps are derived: they are deleted and written again in one transaction, so a fold repeated gives the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import attendance
from worker.domain.attendance import Run, Seen, Sighting, Span, Stay
from worker.operations import story
from worker.operations.context import Context
from worker.store import tables
from worker.store.tables import Attendee, Meeting, Observation, Occurrence
from worker.store.upsert import insert_new


def settle(context: Context, occurrence_ids: Iterable[int], clock: Clock) -> int:
    """Fold and settle these; each succeeds or fails alone. Returns how many were settled."""
    return sum(_settle_one(context, each, clock()) for each in occurrence_ids)


def _settle_one(context: Context, occurrence_id: int, now: datetime) -> bool:
    try:
        with context.database.write() as session:
            return _settle(session, context, occurrence_id, now)
    except Exception as error:  # a poisoned row is put aside and named, and the rest goes on
        with context.database.write() as session:
            detail = f"settle: {type(error).__name__}: {bbb.redact(str(error))}"
            story.tell_once(session, "poisoned", now, occurrence_id=occurrence_id, detail=detail)
        return False


def _settle(session: Session, context: Context, occurrence_id: int, now: datetime) -> bool:
    live = select(Meeting.id).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
    nothing_open = ~exists(live.where(Meeting.state != "requested"))
    claim = update(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.settled_at.is_(None), nothing_open)
    if not session.execute(claim.values(settled_at=now)).rowcount:  # type: ignore[attr-defined]
        return False
    _give_up_requests(session, occurrence_id, now)
    occurrence = session.get_one(Occurrence, occurrence_id)
    stays = write(session, context, occurrence, now)
    if occurrence.cancelled_at is None:
        story.tell(session, "held" if stays else "missed", now, occurrence_id=occurrence_id)
    return True


def _give_up_requests(session: Session, occurrence_id: int, now: datetime) -> None:
    """A room that was asked for until the end and never opened: nobody will ask for it again."""
    asked = update(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.state == "requested")
    session.execute(asked.values(state="closed", closed_at=now, close_reason="abandoned"))


def write(session: Session, context: Context, occurrence: Occurrence, now: datetime) -> list[Stay]:
    """Fold one occurrence and keep the result in its tables."""
    stays, gaps = folded(session, context, occurrence, now)
    for table in (tables.Stay, tables.Gap):
        session.execute(delete(table).where(table.occurrence_id == occurrence.id))
    insert_new(session, tables.Stay, [_stay_row(occurrence.id, stay) for stay in stays])
    rows = [{"occurrence_id": occurrence.id, "first_at": gap.start, "last_at": gap.end} for gap in gaps]
    insert_new(session, tables.Gap, rows)
    return stays


def _stay_row(occurrence_id: int, stay: Stay) -> dict[str, object]:
    return {
        "occurrence_id": occurrence_id,
        "attendee_key": stay.key,
        "first_seen": stay.first_seen,
        "last_seen": stay.last_seen,
        "full_name": stay.full_name,
        "role": stay.role,
    }


def folded(session: Session, context: Context, occurrence: Occurrence, now: datetime) -> tuple[list[Stay], list[Span]]:
    """The stays and the gaps of one occurrence, as far as it has come at ``now``."""
    runs = load(session, occurrence.id)
    tolerance = timedelta(seconds=context.settings.tolerance_seconds)
    until = min(now, occurrence.closes_at)
    if not runs:  # no room ever opened: nobody can be blamed for not having been in it
        return [], attendance.clip([Span(occurrence.starts_at, until)], Span(occurrence.starts_at, occurrence.ends_at))
    return attendance.fold(runs, tolerance, context.bots), attendance.gaps(runs, tolerance, until)


def load(session: Session, occurrence_id: int) -> list[Run]:
    """The runs of an occurrence with what was seen in each."""
    wanted = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.opened_at.is_not(None))
    meetings = session.scalars(wanted.order_by(Meeting.opened_at, Meeting.id)).all()
    ids = [meeting.id for meeting in meetings]
    sightings = _sightings(session, ids)
    return [Run(each.opened_at, tuple(sightings[each.id]), _gone(each)) for each in meetings if each.opened_at]


def _gone(meeting: Meeting) -> datetime | None:
    return None if meeting.closed_at is None else meeting.missed_at or meeting.closed_at


def _sightings(session: Session, meeting_ids: Sequence[int]) -> dict[int, list[Sighting]]:
    columns = (Attendee.meeting_id, Attendee.number, Attendee.user_id, Attendee.full_name, Attendee.role)
    rows = session.execute(select(*columns).where(Attendee.meeting_id.in_(meeting_ids)))
    who = {(meeting, str(number)): Seen(user, name, role) for meeting, number, user, name, role in rows}
    found: dict[int, list[Sighting]] = defaultdict(list)
    wanted = select(Observation).where(Observation.meeting_id.in_(meeting_ids))
    for row in session.scalars(wanted.order_by(Observation.meeting_id, Observation.first_at)):
        people = tuple(who[row.meeting_id, number] for number in row.attendees.split())
        found[row.meeting_id].append(Sighting(row.first_at, row.last_at, people))
    return found
