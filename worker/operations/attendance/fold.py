"""Folding: an occurrence's observations -> stays and gaps, and settling an occurrence that is over.

Stays and gaps are derived: they are deleted and written again in one transaction, so a fold repeated gives the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from worker.clock import Clock
from worker.domain import attendance, unwatched
from worker.domain.attendance import Piece, Report, Run, Seen, Sighting, Span, Stay
from worker.operations import aside, story
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store import tables
from worker.store.locks import HELD
from worker.store.tables import Attendee, ExactStay, Meeting, Observation, Occurrence, Server
from worker.store.upsert import insert_new


def settle(context: Context, occurrence_ids: Iterable[int], clock: Clock) -> int:
    """Fold and settle these; each succeeds or fails alone. Returns how many were settled."""
    return sum(_settle_one(context, each, clock()) for each in occurrence_ids)


def _settle_one(context: Context, occurrence_id: int, now: datetime) -> bool:
    try:
        with context.database.write() as session:
            return _settle(session, context, occurrence_id, now)
    except Exception as error:
        aside.put(context, error, "settle", now, occurrence_id=occurrence_id)
        return False


def _settle(session: Session, context: Context, occurrence_id: int, now: datetime) -> bool:
    live = select(Meeting.id).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
    nothing_open = ~exists(live.where(Meeting.state != "requested"))
    # As it is now: since the bell was rung it may have been extended, or brought back.
    over = or_(Occurrence.closes_at <= now, Occurrence.cancelled_at.is_not(None))
    claim = update(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.settled_at.is_(None))
    if not session.execute(claim.where(nothing_open, over).values(settled_at=now)).rowcount:  # type: ignore[attr-defined]
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


def refold(
    context: Context, course: str | None, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[int, int]:
    """Fold settled occurrences again, with the present settings. Returns how many were, and how many can not be.

    Those whose observations are pruned keep the stays they have.
    """
    with context.database.read() as session:
        wanted = select(Occurrence.id, Occurrence.pruned_at).where(Occurrence.settled_at.is_not(None))
        if course is not None:
            wanted = wanted.where(Occurrence.course_id == arrange.course(session, course).id)
        if since is not None:
            wanted = wanted.where(Occurrence.starts_at >= since)
        if until is not None:
            wanted = wanted.where(Occurrence.starts_at < until)
        rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id)).all()
    folded = sum(_refold_one(context, number, now) for number, pruned_at in rows if pruned_at is None)
    with context.database.write() as session:
        story.tell(session, "refolded", now, detail=f"{folded} occurrences, of {course or 'all courses'}")
    return folded, len(rows) - folded


def _refold_one(context: Context, occurrence_id: int, now: datetime) -> bool:
    with context.database.write() as session:
        occurrence = session.get(Occurrence, occurrence_id, with_for_update=HELD)
        if occurrence is None or occurrence.pruned_at is not None:
            return False
        write(session, context, occurrence, now)
        return True


def write(session: Session, context: Context, occurrence: Occurrence, now: datetime) -> list[Stay]:
    """Fold one occurrence and keep the result in its tables. The caller holds its row: folds come one after another."""
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
        "source": stay.source,
    }


def folded(session: Session, context: Context, occurrence: Occurrence, now: datetime) -> tuple[list[Stay], list[Span]]:
    """The stays and the gaps of one occurrence, as far as it has come at ``now``."""
    runs = load(session, occurrence.id)
    tolerance = timedelta(seconds=context.settings.tolerance_seconds)
    until = min(now, occurrence.closes_at)
    taught = min(until, occurrence.ends_at, occurrence.finished_at or until)
    shut = unwatched.shut(runs, tolerance, Span(occurrence.starts_at, taught))
    gaps = attendance.merge([*unwatched.gaps(runs, tolerance, until), *shut])
    return attendance.fold(runs, tolerance, context.bots), gaps


def load(session: Session, occurrence_id: int) -> list[Run]:
    """The runs of an occurrence with what was seen in each."""
    wanted = (
        select(Meeting, Server.leave_latency_seconds)
        .join(Server, Meeting.server_id == Server.id)
        .where(Meeting.occurrence_id == occurrence_id, Meeting.opened_at.is_not(None))
    )
    rows = session.execute(wanted.order_by(Meeting.opened_at, Meeting.id)).all()
    ids = [meeting.id for meeting, _ in rows]
    sightings, told = _sightings(session, ids), _told(session, ids)
    return [_run(meeting, latency, sightings[meeting.id], told[meeting.id]) for meeting, latency in rows]


def _run(meeting: Meeting, latency: float, sightings: Sequence[Sighting], told: Sequence[Piece]) -> Run:
    assert meeting.opened_at is not None
    report = None
    if meeting.exact_from is not None and meeting.exact_until is not None:
        report = Report(Span(meeting.exact_from, meeting.exact_until), tuple(told))
    lasting = timedelta(seconds=latency)
    return Run(meeting.opened_at, tuple(sightings), _gone(meeting), lasting, report, _was_replaced(meeting))


def _was_replaced(meeting: Meeting) -> bool:
    """Not where a poll had found no meeting at all before."""
    return meeting.close_reason == "replaced" and meeting.missed_at == meeting.closed_at


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


def _told(session: Session, meeting_ids: Sequence[int]) -> dict[int, list[Piece]]:
    """What servers reported by themselves after these meetings."""
    found: dict[int, list[Piece]] = defaultdict(list)
    wanted = select(ExactStay).where(ExactStay.meeting_id.in_(meeting_ids))
    for row in session.scalars(wanted.order_by(ExactStay.meeting_id, ExactStay.attendee_key, ExactStay.first_at)):
        user_id = "" if row.attendee_key.startswith("?") else row.attendee_key
        seen = Seen(user_id, row.full_name, row.role)
        found[row.meeting_id].append(Piece(row.first_at, row.last_at, seen, "exact"))
    return found
