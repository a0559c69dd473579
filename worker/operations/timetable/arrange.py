"""arrange: people change the timetable. Every change is one transaction, and an event tells it."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from worker.domain import lifecycle
from worker.domain.calendars import LAST_YEAR, local_text
from worker.domain.text import match_key
from worker.errors import Conflict, InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import leads
from worker.store.locks import HELD
from worker.store.tables import Course, Meeting, Occurrence

#: Why what lay ahead of an archived course was cancelled. It comes back with the course.
ARCHIVED = "course archived"
#: An extra sitting that was cancelled takes place after all.
AGAIN = "again, after it was cancelled"


def course(session: Session, code: str) -> Course:
    """The course of this code, in any spelling of its letters and digits. Raises Unknown."""
    found = session.scalar(select(Course).where(Course.code == code))
    return _alike(session, code) if found is None else found


def _alike(session: Session, code: str) -> Course:
    key = match_key(code)
    near = [(id, known) for id, known in session.execute(select(Course.id, Course.code)) if match_key(known) == key]
    if len(near) > 1:
        raise Unknown(f"{code!r} could be any of {', '.join(repr(known) for _, known in near)}; write it exactly")
    if not near:
        raise Unknown(f"there is no course {code!r}; `meetingz course list` shows all")
    return session.get_one(Course, near[0][0])


def occurrence(session: Session, occurrence_id: int) -> Occurrence:
    """The occurrence of this number. Raises Unknown."""
    found = session.get(Occurrence, occurrence_id)
    if found is None:
        raise Unknown(f"there is no occurrence {occurrence_id}; `meetingz occurrence list` shows all")
    return found


def _held(session: Session, occurrence_id: int) -> Occurrence:
    """The same, and nobody else changes or settles it until the transaction's end."""
    found = occurrence(session, occurrence_id)
    session.refresh(found, with_for_update=HELD)
    return found


def archive(context: Context, code: str, now: datetime) -> None:
    """Take a course out of the timetable: what lies ahead is cancelled, what was stays."""
    with context.database.write() as session:
        archive_in(session, code, now)


def archive_in(session: Session, code: str, now: datetime) -> None:
    """The same within a transaction of the caller's."""
    found = course(session, code)
    if found.archived_at is not None:
        raise Conflict(f"the course {code!r} is archived already")
    found.archived_at = now
    own = (Occurrence.course_id == found.id, Occurrence.starts_at > now)
    ahead = update(Occurrence).where(*own, Occurrence.cancelled_at.is_(None))
    session.execute(ahead.values(cancelled_at=now, cancel_reason=ARCHIVED))
    archived = select(Occurrence.id, Occurrence.cancel_reason).where(*own, Occurrence.cancelled_at == now)
    story.tell_each(session, "cancelled", now, archived.where(Occurrence.cancel_reason == ARCHIVED))
    story.tell(session, "archived", now, detail=found.code)


def add(context: Context, code: str, start: datetime, end: datetime, now: datetime) -> int:
    """An extra sitting. Returns its number. One that was cancelled at this very start is brought back.

    Raises Conflict where the course has an extra one there that was not, or had it there first and moved it: files know
    a sitting by that time, so it is never given to another one.
    """
    with context.database.write() as session:
        found = course(session, code)
        _check_span(start, end, now, found.timezone)
        if found.archived_at is not None:
            raise Conflict(f"the course {code!r} is archived")
        row = _extra(session, found, start)
        known = row.id is not None
        if known and row.cancelled_at is None:
            raise Conflict(_taken(row, found))
        row.starts_at, row.ends_at, row.extended_until = start, end, None
        row.opens_at, row.closes_at = lifecycle.window(start, end, None, leads.lead_of(context.settings, found))
        row.planned_at = now
        row.cancelled_at = row.cancel_reason = row.holiday_id = row.finished_at = row.settled_at = None
        session.add(row)
        session.flush()
        _let_in(session, row)
        story.tell(session, "added", now, occurrence_id=row.id, detail=AGAIN if known else None)
        return row.id


def _extra(session: Session, found: Course, start: datetime) -> Occurrence:
    """The extra sitting of a course that was first put there; a new one where there is none."""
    same = select(Occurrence).where(Occurrence.course_id == found.id, Occurrence.original_start == start)
    row = session.scalar(same.where(Occurrence.slot_id.is_(None)).with_for_update())
    return Occurrence(course_id=found.id, original_start=start) if row is None else row


def _taken(row: Occurrence, found: Course) -> str:
    first, now = (local_text(each, found.timezone) for each in (row.original_start, row.starts_at))
    if first == now:
        return f"{found.code!r} has an extra sitting at {now} already"
    return f"occurrence {row.id} was first put at {first} and moved to {now}; move it back, or write another minute"


def cancel(context: Context, occurrence_id: int, reason: str, now: datetime) -> None:
    """It will not take place. A room that is open already is ended by the next sweep of ``end``."""
    with context.database.write() as session:
        found = _held(session, occurrence_id)
        _still_ahead(found, now, "cancelled")
        found.cancelled_at, found.cancel_reason = now, reason
        story.tell(session, "cancelled", now, occurrence_id=found.id, detail=reason)


def move(context: Context, occurrence_id: int, start: datetime, end: datetime, now: datetime) -> None:
    """Another time for one sitting; ``original_start`` remembers the first. Not once its room is open."""
    with context.database.write() as session:
        found = _held(session, occurrence_id)
        _check_span(start, end, now, session.get_one(Course, found.course_id).timezone)
        _still_ahead(found, now, "moved")
        if _has_live_meeting(session, found.id):
            raise Conflict(f"occurrence {found.id} has its room open already: extend it, or cancel it and add another")
        before = found.starts_at
        found.starts_at, found.ends_at, found.extended_until, found.finished_at = start, end, None, None
        _retime(context, session, found)
        detail = f"from {before.isoformat()} to {start.isoformat()}"
        story.tell(session, "moved", now, occurrence_id=found.id, detail=detail)


def extend(context: Context, occurrence_id: int, minutes: float, now: datetime) -> datetime:
    """Let it run on: ``minutes`` beyond its present end. Returns the new end."""
    if not 0 < minutes <= 24 * 60:
        raise InputError(f"{minutes:g} minutes cannot be added; write 1 to 1440")
    with context.database.write() as session:
        found = _held(session, occurrence_id)
        if found.cancelled_at is not None or found.settled_at is not None:
            raise Conflict(f"occurrence {found.id} is over or cancelled; add an extra sitting instead")
        found.extended_until = found.closes_at + timedelta(minutes=minutes)
        _retime(context, session, found)
        _let_in(session, found)
        story.tell(session, "extended", now, occurrence_id=found.id, detail=f"until {found.closes_at.isoformat()}")
        return found.closes_at


def reopen(context: Context, occurrence_id: int, now: datetime) -> None:
    """Let a sitting that was ended from inside be opened again until its window closes."""
    with context.database.write() as session:
        found = _held(session, occurrence_id)
        if found.cancelled_at is not None or found.closes_at <= now:
            raise Conflict(f"occurrence {found.id} is over or cancelled; add an extra sitting instead")
        found.finished_at = found.settled_at = None
        _let_in(session, found)
        story.tell(session, "reopen_asked", now, occurrence_id=found.id)


def _retime(context: Context, session: Session, found: Occurrence) -> None:
    lead = leads.lead_of(context.settings, session.get_one(Course, found.course_id))
    found.opens_at, found.closes_at = lifecycle.window(found.starts_at, found.ends_at, found.extended_until, lead)


def _let_in(session: Session, found: Occurrence) -> None:
    """A room that was asked to end and is still there is wanted again. That it was asked is kept: it may yet go."""
    asked = update(Meeting).where(Meeting.occurrence_id == found.id, Meeting.state == "ending")
    session.execute(asked.values(state="open"))


def _has_live_meeting(session: Session, occurrence_id: int) -> bool:
    live = select(Meeting.id).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
    return session.scalar(live) is not None


def _still_ahead(found: Occurrence, now: datetime, done: str) -> None:
    if found.cancelled_at is not None:
        raise Conflict(f"occurrence {found.id} is cancelled already")
    if found.settled_at is not None or found.closes_at <= now:
        raise Conflict(f"occurrence {found.id} is over and cannot be {done}")


def _check_span(start: datetime, end: datetime, now: datetime, timezone: str) -> None:
    if end.year > LAST_YEAR:  # local time ends with the year 9999: nothing that lists such a class could be written
        raise InputError(f"the year {end.year} is too far away; write one up to {LAST_YEAR}")
    if end <= start:
        problem = f"the end {local_text(end, timezone)} is not after the start {local_text(start, timezone)}"
        raise InputError(f"{problem}; mend one of the two")
    if end - start > timedelta(hours=24):
        raise InputError("a sitting of more than 24 hours is not possible; mend the start or the end")
    if end <= now:
        raise InputError(f"the end {local_text(end, timezone)} has passed already; write a time to come")
