"""poll: who is in each open meeting, and which meetings are gone. Only poll closes what was open.

An answer is an observation. ``notFound``, several times in a row, is the end of a meeting. Anything else (no answer, a
web page, half an answer) says nothing about the meeting: its time is unknown, neither present nor absent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.operations import aside, story
from worker.operations.attendance import gone, observe
from worker.operations.attendance.look import Open, Room, View, look
from worker.operations.attendance.observe import Sight
from worker.operations.context import Context
from worker.operations.installation import health
from worker.operations.meetings import strays
from worker.operations.reports import report_totals
from worker.store import due
from worker.store.tables import Meeting, Observation, Server
from worker.store.upsert import in_batches

#: Meetings a transaction.
_BATCH = 200


def sweep(context: Context, clock: Clock) -> int:
    """Poll every server, in this process. Returns how many answered."""
    with context.database.read() as session:
        servers = due.servers_to_poll(session)
    return sum(one(context, server_id, clock) for server_id in servers)


def claim(context: Context, server_id: int, now: datetime) -> bool:
    """Whether this bell is to be followed: not where the server was polled less than half a period ago."""
    half = timedelta(seconds=context.settings.poll_period_seconds / 2)
    early = or_(Server.polled_at.is_(None), Server.polled_at <= now - half, Server.polled_at > now)
    with context.database.write() as session:
        result = session.execute(update(Server).where(Server.id == server_id, early).values(polled_at=now))
        return bool(result.rowcount)  # type: ignore[attr-defined]


def one(context: Context, server_id: int, clock: Clock) -> bool:
    """Poll one server. Returns whether it answered; a failure is written, not raised."""
    asked_at = clock()
    with context.database.read() as session:
        server = session.get(Server, server_id)
        if server is None:
            return False
        ours = _open_meetings(session, server_id)
    try:
        view = look(context.connect(server), server_id, server.bulk_poll, ours, context.memory)
    except bbb.Error as error:
        with context.database.write() as session:
            health.failed(session, context.settings, session.get_one(Server, server_id), error, clock())
        return False
    # A process that was stopped and woken asks now what it decided to ask then: who is in now was not in then.
    answered_at = clock()
    view.late = answered_at - asked_at > timedelta(seconds=context.settings.tolerance_seconds)
    at = answered_at if view.late else asked_at
    view.oldest = min((each.opened_at for each in ours if each.id in view.rooms and each.opened_at), default=None)
    context.recent[server_id].keep_only([meeting.id for meeting in ours])
    for batch in in_batches(ours, _BATCH):
        _record(context, batch, view, at)
    _note_server(context, server_id, view, ours, at)
    return True


def _open_meetings(session: Session, server_id: int) -> Sequence[Open]:
    columns = [getattr(Meeting, name) for name in Open._fields]
    live = select(*columns).where(Meeting.server_id == server_id, Meeting.closed_at.is_(None))
    return [Open._make(row) for row in session.execute(live.where(Meeting.state != "requested").order_by(Meeting.id))]


def _record(context: Context, meetings: Sequence[Open], view: View, at: datetime) -> None:
    """One transaction for a batch; where it fails, one for each, so that a poisoned row is named and put aside."""
    try:
        with context.database.write() as session:
            _record_all(session, context, meetings, view, at)
    except Exception as error:
        aside.stop_if_told(error)
        context.recent[meetings[0].server_id].forget([meeting.id for meeting in meetings])
        if len(meetings) > 1:
            for meeting in meetings:
                _record(context, [meeting], view, at)
            return
        aside.put(context, error, "poll", at, occurrence_id=meetings[0].occurrence_id)


def _record_all(session: Session, context: Context, meetings: Sequence[Open], view: View, at: datetime) -> None:
    rooms = [(meeting, view.rooms[meeting.id]) for meeting in meetings if meeting.id in view.rooms]
    same = [(meeting, room) for meeting, room in rooms if room.internal_id == meeting.internal_id]
    tolerance = timedelta(seconds=context.settings.tolerance_seconds)
    sights = [Sight(meeting.id, room.people, room.heads, room.moderators) for meeting, room in same]
    recent = context.recent[meetings[0].server_id]
    if view.late:
        observe.count(session, sights, recent)
    else:
        observe.write(session, sights, at, tolerance, recent)
        _tell_first(session, same, at)
    _note_found(session, same)
    for meeting, room in rooms:
        if room.internal_id != meeting.internal_id:
            gone.close(session, meeting, "replaced", at)  # provision asks again, and gets the run that took its place
    for meeting in meetings:
        if meeting.id in view.missing:
            gone.miss(session, context, meeting, view, at)


def _note_found(session: Session, same: Sequence[tuple[Open, Room]]) -> None:
    """They are there, so they are not missed; the server's flag is noted. Written only where it changes something."""
    noted = [
        {"meeting": meeting.id, "flag": room.recording}
        for meeting, room in same
        if meeting.misses or meeting.recording != room.recording
    ]
    if noted:
        meetings = Meeting.__table__
        assert isinstance(meetings, Table)
        found = update(meetings).where(meetings.c.id == bindparam("meeting"), meetings.c.closed_at.is_(None))
        session.execute(found.values(misses=0, missed_at=None, recording=bindparam("flag")), noted)


def _tell_first(session: Session, same: Sequence[tuple[Open, Room]], at: datetime) -> None:
    for meeting, room in same:
        if room.heads and not meeting.people and not _seen_before(session, meeting.id, at):
            story.tell(session, "first_seen", at, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)


def _seen_before(session: Session, meeting_id: int, at: datetime) -> bool:
    earlier = select(Observation.meeting_id).where(Observation.meeting_id == meeting_id, Observation.attendees != "")
    return session.scalar(earlier.where(Observation.first_at < at).limit(1)) is not None


def _note_server(context: Context, server_id: int, view: View, ours: Sequence[Open], at: datetime) -> None:
    with context.database.write() as session:
        server = session.get_one(Server, server_id)
        health.answered(session, context.settings, server, at)
        server.bulk_poll = view.bulk
        shown = view.everything if view.everything is not None else tuple(view.rooms.values())
        server.meetings = len(shown)
        server.people = sum(room.heads for room in shown)
        # The series of totals is of our own classes, whoever else is on the server.
        heads = sum(room.heads for room in view.rooms.values())
        owned = {meeting.external_id for meeting in ours}
        strays.note(session, server_id, [room for room in shown if room.external_id not in owned], at)
        report_totals.note(session, server_id, at, meetings=len(view.rooms), people=heads)
