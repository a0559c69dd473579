"""provision: a room for each class that is about to begin, and again for as long as its window lasts.

Two steps around one call. T1 chooses a server and inserts ``requested``; the server is asked to ``create``; T2 marks
the meeting ``open``. A crash at any point heals itself: the next tick repeats the identical call on the same server,
and gets the same meeting (protocol section 4.1, E14, E31). Only provision opens.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CursorResult, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import labels, placement
from worker.operations import rooms, story
from worker.operations.context import Context
from worker.store import due
from worker.store.tables import Course, Meeting, Occurrence, Participant, Server
from worker.store.vault import new_passwords

#: opened: a new room; reopened: a run we had given up was alive all along; late: it is not open, and the next tick
#: tries again; idle: nothing to do, somebody else was faster.
Outcome = Literal["opened", "reopened", "late", "idle"]

#: Creates at once within a batch: a server answers in about a tenth of a second.
_AT_ONCE = 8
#: Tries on one server before another one is taken, where there is another.
_TRIES = 2
#: People expected where neither the course nor its roster says.
_UNKNOWN_SIZE = 15


@dataclass(frozen=True, slots=True)
class _Request:
    """All that the call needs, read in T1, so that no transaction is open while the server thinks."""

    meeting: Meeting
    server: Server
    params: bbb.CreateParams


def sweep(context: Context, clock: Clock) -> list[Outcome]:
    """Open everything that is due, in this process."""
    with context.database.read() as session:
        ids = due.occurrences_to_open(session, clock())
    return some(context, ids, clock)


def some(context: Context, occurrence_ids: Sequence[int], clock: Clock) -> list[Outcome]:
    """Open these; each succeeds or fails alone."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda each: _guarded(context, each, clock), occurrence_ids))


def _guarded(context: Context, occurrence_id: int, clock: Clock) -> Outcome:
    try:
        return one(context, occurrence_id, clock())
    except Exception as error:  # a poisoned row is put aside and named, and the rest goes on
        with context.database.write() as session:
            detail = f"provision: {type(error).__name__}: {bbb.redact(str(error))}"
            story.tell_once(session, "poisoned", clock(), occurrence_id=occurrence_id, detail=detail)
        return "late"


def one(context: Context, occurrence_id: int, now: datetime) -> Outcome:
    """Open the room of one occurrence, if it is still due."""
    request = _prepare(context, occurrence_id, now)
    if request is None:
        return "idle"
    try:
        made = context.connect(request.server).create(request.params)
    except bbb.IdTaken:
        return _adopt(context, request, now)
    except bbb.Error as error:
        return _failed(context, request, error, now)
    return _opened(context, request, made.internal_id, made.create_time_ms, now)


# T1 ------------------------------------------------------------------------------------------------------------------


def _prepare(context: Context, occurrence_id: int, now: datetime) -> _Request | None:
    try:
        with context.database.write() as session:
            return _request(context, session, occurrence_id, now)
    except IntegrityError:  # uq_meetings_live: another worker inserted its request between our look and our insert
        return None


def _request(context: Context, session: Session, occurrence_id: int, now: datetime) -> _Request | None:
    wanted = due.to_open().where(Occurrence.id == occurrence_id, Occurrence.opens_at <= now, Occurrence.closes_at > now)
    if session.scalar(wanted) is None:
        return None
    occurrence = session.get_one(Occurrence, occurrence_id)
    course = session.get_one(Course, occurrence.course_id)
    found = _requested(session, occurrence_id, now) or _new(context, session, occurrence, course, now)
    if found is None:
        return None
    meeting, server = found
    meeting.attempts += 1
    passwords = context.vault.open_pair(meeting.passwords)
    return _Request(meeting, server, rooms.create_params(context.settings, course, occurrence, meeting, passwords))


def _requested(session: Session, occurrence_id: int, now: datetime) -> tuple[Meeting, Server] | None:
    """The request of an earlier tick, unless its server has failed too often and another one could do it."""
    live = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
    meeting = session.scalar(live)
    if meeting is None:
        return None
    server = session.get_one(Server, meeting.server_id)
    tired = meeting.attempts >= _TRIES or not server.healthy or not server.enabled
    if not tired or not any(each.server_id != server.id for each in candidates(session)):
        return meeting, server
    giving_up = update(Meeting).where(Meeting.id == meeting.id, Meeting.state == "requested")
    if _count(session.execute(giving_up.values(state="closed", closed_at=now, close_reason="abandoned"))):
        detail = server.last_error
        story.tell(session, "abandoned", now, occurrence_id=occurrence_id, server_id=server.id, detail=detail)
    return None  # and where another worker has just opened it, uq_meetings_live refuses a second one


def _new(
    context: Context, session: Session, occurrence: Occurrence, course: Course, now: datetime
) -> tuple[Meeting, Server] | None:
    given_up = set(session.scalars(_abandoned_on(occurrence.id)))
    able = candidates(session, alone=True)
    fresh = [each for each in able if each.server_id not in given_up]
    server_id = placement.choose(fresh or able, _expected(session, course))
    if server_id is None:
        detail = "no server is enabled and healthy: see `meetingz server list`"
        story.tell_once(session, "no_server", now, occurrence_id=occurrence.id, detail=detail)
        return None
    meeting = Meeting(
        occurrence_id=occurrence.id,
        server_id=server_id,
        external_id=rooms.external_id(rooms.installation_token(session), occurrence.id),
        passwords=_passwords(context, session, occurrence.id),
        state="requested",
        requested_at=now,
        attempts=0,
        recorded=course.record != "never",
    )
    session.add(meeting)
    story.tell(session, "requested", now, occurrence_id=occurrence.id, server_id=server_id)
    session.flush()
    return meeting, session.get_one(Server, server_id)


def _passwords(context: Context, session: Session, occurrence_id: int) -> bytes:
    """Those of an earlier run, so that a join link survives a room that was opened again; else new ones."""
    earlier = select(Meeting.passwords).where(Meeting.occurrence_id == occurrence_id).order_by(Meeting.id.desc())
    return session.scalar(earlier.limit(1)) or context.vault.lock_pair(*new_passwords())


def candidates(session: Session, *, alone: bool = False) -> list[placement.Candidate]:
    """The servers that may take a new meeting, with what is on them and what is expected to come.

    ``alone``: until this transaction ends nobody else chooses, or classes that open together choose the same server.
    """
    wanted = select(Server).where(Server.enabled, Server.healthy, ~Server.draining).order_by(Server.id)
    able = session.scalars(wanted.with_for_update(key_share=True) if alone else wanted).all()
    reserved = dict(session.execute(_reserved()).all())
    return [
        placement.Candidate(each.id, each.weight, each.capacity, each.people, int(reserved.get(each.id, 0)))
        for each in able
    ]


def _reserved() -> Select[int, int]:
    """Seats that rooms nobody has entered yet will need."""
    size = func.coalesce(Course.expected, _UNKNOWN_SIZE)
    return (
        select(Meeting.server_id, func.sum(size))
        .join(Occurrence, Meeting.occurrence_id == Occurrence.id)
        .join(Course, Occurrence.course_id == Course.id)
        .where(Meeting.closed_at.is_(None), Meeting.people == 0)
        .group_by(Meeting.server_id)
    )


def _abandoned_on(occurrence_id: int) -> Select[int]:
    return select(Meeting.server_id).where(Meeting.occurrence_id == occurrence_id, Meeting.close_reason == "abandoned")


def _expected(session: Session, course: Course) -> int:
    if course.expected is not None:
        return course.expected
    enrolled = session.scalar(select(func.count()).where(Participant.course_id == course.id))
    return enrolled or _UNKNOWN_SIZE


# T2 ------------------------------------------------------------------------------------------------------------------


def _opened(context: Context, request: _Request, internal_id: str, create_time: int, now: datetime) -> Outcome:
    meeting = request.meeting
    with context.database.write() as session:
        earlier = session.scalar(
            select(Meeting).where(Meeting.server_id == meeting.server_id, Meeting.internal_id == internal_id)
        )
        if earlier is not None and earlier.id != meeting.id:
            return _resurrect(session, earlier, meeting, now)
        opening = update(Meeting).where(Meeting.id == meeting.id, Meeting.state == "requested")
        values = {"state": "open", "internal_id": internal_id, "create_time": create_time, "opened_at": now}
        if not _count(session.execute(opening.values(**values))):
            return "idle"
        story.tell(session, "opened", now, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)
    return "opened"


def _resurrect(session: Session, earlier: Meeting, meeting: Meeting, now: datetime) -> Outcome:
    """The server answered with a run we believed gone: it lives, so its row does, and ours never was (E43)."""
    if earlier.closed_at is None or earlier.occurrence_id != meeting.occurrence_id:
        return "idle"
    session.execute(delete(Meeting).where(Meeting.id == meeting.id, Meeting.state == "requested"))
    session.flush()
    earlier.state, earlier.closed_at, earlier.close_reason = "open", None, None
    earlier.misses, earlier.missed_at = 0, None
    story.tell(session, "reopened", now, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)
    return "reopened"


def _adopt(context: Context, request: _Request, now: datetime) -> Outcome:
    """A meeting of this id lives with other passwords. It is taken over only when its labels are ours (E19)."""
    try:
        info = context.connect(request.server).meeting_info(request.meeting.external_id)
    except bbb.Error as error:
        return _failed(context, request, error, now)
    occurrence = str(request.meeting.occurrence_id)
    if not labels.are_ours(info.metadata, origin=context.settings.origin, occurrence=occurrence):
        return _failed(context, request, bbb.IdTaken("idNotUnique", "a meeting of this id is not ours"), now)
    with context.database.write() as session:
        mine = update(Meeting).where(Meeting.id == request.meeting.id, Meeting.state == "requested")
        if info.attendee_pw and info.moderator_pw:
            session.execute(mine.values(passwords=context.vault.lock_pair(info.attendee_pw, info.moderator_pw)))
    return _opened(context, request, info.internal_id, info.create_time_ms, now)


def _failed(context: Context, request: _Request, error: bbb.Error, now: datetime) -> Outcome:
    """The outcome is unknown or a refusal: the request stays, and the next tick repeats it or gives the server up."""
    with context.database.write() as session:
        detail = f"{request.server.name}: {bbb.redact(str(error))}"
        story.tell_once(session, "not_opened", now, occurrence_id=request.meeting.occurrence_id, detail=detail)
    return "late"


def _count(result: object) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
