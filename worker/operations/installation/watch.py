"""watch: what should be so, and is not. Raises alarms that hold, recovers those that hold no longer; each is said once.

It asks the tables and nobody else, so it can be asked at any time and twice over. The ``end`` loop rings it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from worker.domain import lifecycle
from worker.operations import pulse, story
from worker.operations.context import Context
from worker.operations.installation import alarms
from worker.operations.meetings import endings, seating, strays
from worker.operations.recordings import archive_rows
from worker.store import due
from worker.store.tables import Alarm, Course, Event, File, Meeting, Occurrence, Pulse, Server

#: What happened stays this long in sight.
_SEEN_FOR = timedelta(days=1)
#: Beyond its end and grace a meeting that should have ended is an alarm after this long, whoever could not be asked.
_OVERDUE = timedelta(minutes=5)
#: Looks at a run that nothing owns before that it is there is an alarm.
_ENOUGH = 10
_REASONS = ("create_failed", "abandoned", "poisoned")


class Trouble(NamedTuple):
    """An alarm that holds."""

    kind: str
    cause: str
    detail: str
    occurrence_id: int | None = None
    server_id: int | None = None


def sweep(context: Context, now: datetime) -> tuple[int, int]:
    """Bring the alarms to what holds now. Returns how many were raised, and how many recovered."""
    with context.database.read() as session:
        holding = {(each.kind, each.cause): each for check in CHECKS for each in check(context, session, now)}
        open_ = {(each.kind, each.cause): each for each in alarms.standing(session)}
    new = [each for key, each in holding.items() if key not in open_]
    over = [each for key, each in open_.items() if _is_over(each, key in holding, now)]
    if new or over:
        with context.database.write() as session:
            for trouble in new:
                _raise(session, trouble, now)
            for alarm in over:
                _recover(session, alarm, now)
    return len(new), len(over)


def _is_over(alarm: Alarm, holds: bool, now: datetime) -> bool:
    return not holds if alarm.kind in alarms.WATCHED else alarm.raised_at <= now - _SEEN_FOR


def _raise(session: Session, each: Trouble, now: datetime) -> None:
    kind, cause, detail, occurrence_id, server_id = each
    story.tell(session, kind, now, occurrence_id=occurrence_id, server_id=server_id, detail=detail, cause=cause)


def _recover(session: Session, alarm: Alarm, now: datetime) -> None:
    if alarms.recovered(session, alarm.id, now):
        detail = f"no longer: {alarm.kind}: {alarm.detail}"
        where, server_id = alarm.occurrence_id, alarm.server_id
        story.tell(session, "recovered", now, occurrence_id=where, server_id=server_id, detail=detail)


# What is looked at -------------------------------------------------------------------------------------------------


def _rooms(context: Context, session: Session, now: datetime) -> Iterator[Trouble]:
    """Rooms that are not open although their class begins soon, or has begun."""
    period = pulse.period(context, "provision")
    wanted = select(Occurrence).where(due.wants_room())
    for each in session.scalars(wanted.where(Occurrence.opens_at <= now, Occurrence.closes_at > now)):
        last = session.scalar(_opened_runs(each.id))
        late_at = lifecycle.late_at(each.opens_at, each.starts_at, each.planned_at, period)
        if last is not None:
            late_at = max(late_at, (last.closed_at or now) + 3 * period)
        if now >= late_at:
            kind = "room_expired" if last is not None else "not_opened"
            yield Trouble(kind, f"occurrence:{each.id}", _why(session, each.id), each.id)


def _opened_runs(occurrence_id: int) -> Select[Meeting]:
    wanted = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.opened_at.is_not(None))
    return wanted.order_by(Meeting.id.desc()).limit(1)


def _why(session: Session, occurrence_id: int) -> str:
    told = select(Event.detail).where(Event.occurrence_id == occurrence_id, Event.kind.in_(_REASONS))
    reason = session.scalar(told.order_by(Event.id.desc()).limit(1))
    return reason or "no server has been asked yet: do the loops run, and can a server take it? see `meetingz doctor`"


def _meetings(context: Context, session: Session, now: datetime) -> Iterator[Trouble]:
    """Meetings that should have ended, run on, or are not recorded."""
    live = select(Meeting, Occurrence, Course, Server.name).join(Occurrence, Meeting.occurrence_id == Occurrence.id)
    live = live.join(Course, Occurrence.course_id == Course.id).join(Server, Meeting.server_id == Server.id)
    live = live.where(Meeting.closed_at.is_(None), Meeting.state != "requested")
    silent = and_(Meeting.recorded, Meeting.recording.is_(False))
    asked = or_(Meeting.end_refused.is_not(None), Meeting.end_requests > 0)
    past = or_(Occurrence.closes_at <= now, Occurrence.cancelled_at.is_not(None))
    for meeting, occurrence, course, server in session.execute(live.where(or_(silent, asked, past))):
        for kind, detail in _wrong_with(context, meeting, occurrence, course, now):
            about = (f"occurrence:{occurrence.id}", f"on {server}: {detail}", occurrence.id, meeting.server_id)
            yield Trouble(kind, *about)


def _wrong_with(
    context: Context, meeting: Meeting, occurrence: Occurrence, course: Course, now: datetime
) -> Iterator[tuple[str, str]]:
    if meeting.recorded and meeting.recording is False:
        yield "not_recording", "it was asked to be recorded, and the server says that it is not"
    ending = endings.of(context.settings, occurrence, course)
    overran = occurrence.closes_at + endings.grace_of(context.settings, course) <= now
    if meeting.end_refused is not None:
        yield "not_ended", f"the server refused to end it: {meeting.end_refused}"
    elif meeting.end_requests >= context.settings.end_tries:
        yield "not_ended", f"asked {meeting.end_requests} times to end, and lives on"
    elif ending is not None and now >= ending.must + _OVERDUE:
        yield "not_ended", "it should have ended, and its server could not be asked"
    elif meeting.people and course.end_policy != "end" and overran and occurrence.cancelled_at is None:
        yield "overran", f"{meeting.people} people are in it beyond its end and grace"


def _strays(_context: Context, session: Session, now: datetime) -> Iterator[Trouble]:
    """Runs that nothing owns and that will not end."""
    wanted = select(Meeting, Server.name).join(Server, Meeting.server_id == Server.id)
    wanted = wanted.where(strays.is_looked_for(now))
    stuck = or_(
        and_(Meeting.end_refused.is_not(None), Meeting.end_refused != "notOurs"), Meeting.end_requests >= _ENOUGH
    )
    for meeting, server in session.execute(wanted.where(stuck)):
        detail = (
            f"on {server}: a second room of this class lives on; the server said {meeting.end_refused or 'nothing'}"
        )
        yield Trouble("not_ended", f"meeting:{meeting.id}", detail, meeting.occurrence_id, meeting.server_id)


def _servers(context: Context, session: Session, now: datetime) -> Iterator[Trouble]:
    for row in session.scalars(select(Server).where(Server.enabled, ~Server.healthy)):
        yield Trouble("server_down", f"server:{row.id}", f"{row.name}: {row.last_error}", server_id=row.id)
    if not seating.able(session) and due.rooms_to_open(session, now):
        yield Trouble(
            "no_server", "installation", "classes want rooms, and no server is enabled, healthy, not draining"
        )


def _loops(context: Context, session: Session, now: datetime) -> Iterator[Trouble]:
    """A loop that has run once, and then did not end a sweep for three periods."""
    for row in session.scalars(select(Pulse).where(Pulse.ended_at.is_not(None))):
        late = row.loop in pulse.LOOPS and row.ended_at and now - row.ended_at > pulse.patience(context, row.loop)
        if late:
            detail = f"{row.loop} has not ended a sweep since {row.ended_at:%Y-%m-%d %H:%M:%S} UTC"
            yield Trouble("beat_stopped", f"loop:{row.loop}", detail)


def _archive(_context: Context, session: Session, _now: datetime) -> Iterator[Trouble]:
    """Files that wait for room in the archive."""
    waiting = select(func.count(), func.min(File.error)).where(File.state.in_(("wanted", "fetching")))
    count, why = session.execute(waiting.where(File.error.startswith(archive_rows.NO_ROOM))).one()
    if count:
        yield Trouble("archive_full", "archive", f"{count} files wait: {why}; make room, and they come by themselves")


CHECKS: tuple[Callable[[Context, Session, datetime], Iterator[Trouble]], ...] = (
    _rooms,
    _meetings,
    _strays,
    _servers,
    _loops,
    _archive,
)
