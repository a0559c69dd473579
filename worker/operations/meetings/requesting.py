"""The first step of provision: a server for each class of a batch, and a row that says it has been asked for.

All of it in one transaction that holds the servers' rows: whoever chooses next sees what was chosen here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from worker.domain import placement
from worker.domain.placement import Demand
from worker.operations import story
from worker.operations.context import Context
from worker.operations.installation import identity
from worker.operations.meetings import rooms, seating
from worker.operations.meetings.creating import Request
from worker.store import due
from worker.store.tables import Course, Meeting, Occurrence, Server
from worker.store.vault import new_passwords

#: Tries on one server before another one is taken, where there is another.
_TRIES = 2

_Rows = Mapping[int, tuple[Occurrence, Course]]


def request_all(context: Context, session: Session, occurrence_ids: Sequence[int], now: datetime) -> list[Request]:
    """A request for each of these that still wants a room. Writes ``requested`` rows; asks nobody yet."""
    servers = seating.able(session, alone=True)
    rows = _still_due(session, occurrence_ids, now)
    runs = _runs(session, rows)
    asked = _go_on(session, rows, runs, {each.id for each in servers}, now)
    wanted = [each for each in rows if each not in asked and not (runs[each] and runs[each][-1].closed_at is None)]
    asked |= _new(context, session, {each: rows[each] for each in wanted}, runs, servers, now)
    session.flush()
    on = {each: session.get_one(Server, each) for each in {meeting.server_id for meeting in asked.values()}}
    return [Request(meeting, on[meeting.server_id], rows[each][1], rows[each][0]) for each, meeting in asked.items()]


def _still_due(session: Session, occurrence_ids: Sequence[int], now: datetime) -> dict[int, tuple[Occurrence, Course]]:
    """Looked at again, now that nobody else chooses: another worker may have been faster."""
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    wanted = wanted.where(Occurrence.id.in_(occurrence_ids), Occurrence.opens_at <= now, Occurrence.closes_at > now)
    wanted = wanted.where(or_(due.wants_room(), due.wants_another()))
    return {occurrence.id: (occurrence, course) for occurrence, course in session.execute(wanted)}


def _runs(session: Session, rows: _Rows) -> dict[int, list[Meeting]]:
    """Every run of each so far, the oldest first, but the live one last: it may be an old one that was revived."""
    runs: dict[int, list[Meeting]] = defaultdict(list)
    wanted = select(Meeting).where(Meeting.occurrence_id.in_(rows))
    for meeting in session.scalars(wanted.order_by(Meeting.closed_at.is_(None), Meeting.id)):
        runs[meeting.occurrence_id].append(meeting)
    return runs


def _go_on(
    session: Session, rows: _Rows, runs: Mapping[int, list[Meeting]], able: set[int], now: datetime
) -> dict[int, Meeting]:
    """The requests of earlier ticks that are repeated; the others are given up, if another server can do it."""
    kept = {}
    for each in rows:
        live = next((run for run in runs[each] if run.closed_at is None), None)
        if live is None:
            continue
        elsewhere = able - {live.server_id}
        if elsewhere and _is_tired(session, live, able):
            _give_up(session, live, now)
        elif live.state == "requested":
            live.attempts += 1
            kept[each] = live
    session.flush()
    return kept


def _is_tired(session: Session, live: Meeting, able: set[int]) -> bool:
    """A request that is not answered here; or a room whose server is down, and not one that was opened just now: of two
    bells at once the second looks before the first has opened it, and goes on after that."""
    if live.state == "requested":
        return live.attempts >= _TRIES or live.server_id not in able
    return not session.get_one(Server, live.server_id).healthy


def _give_up(session: Session, meeting: Meeting, now: datetime) -> None:
    """Not where another worker has just opened it, or poll has seen somebody in it."""
    unused = Meeting.state.in_(("requested", "open")) if meeting.state == "open" else Meeting.state == "requested"
    giving_up = update(Meeting).where(Meeting.id == meeting.id, unused, Meeting.people == 0)
    values = {"state": "closed", "closed_at": now, "close_reason": "abandoned", "doubted_at": now}
    done = session.execute(giving_up.values(**values).execution_options(synchronize_session=False))
    session.refresh(meeting)
    if done.rowcount:  # type: ignore[attr-defined]
        server = session.get_one(Server, meeting.server_id)
        detail = f"{server.name}: {server.last_error or 'no meeting'}"
        story.tell(session, "abandoned", now, occurrence_id=meeting.occurrence_id, server_id=server.id, detail=detail)


def _new(
    context: Context,
    session: Session,
    rows: _Rows,
    runs: Mapping[int, list[Meeting]],
    servers: Sequence[Server],
    now: datetime,
) -> dict[int, Meeting]:
    """New runs, on the servers that placement chooses."""
    if not rows or not servers:
        for each in rows:
            detail = "no server is enabled and healthy: see `meetingz server list`"
            story.tell_once(session, "create_failed", now, occurrence_id=each, detail=detail)
        return {}
    chosen = _choose(context, session, rows, runs, servers, now)
    token = identity.token(session)
    made = {}
    for each, server_id in chosen.items():
        made[each] = _meeting(context, rows[each][1], runs[each], token, each, server_id, now)
        story.tell(session, "requested", now, occurrence_id=each, server_id=server_id)
    session.add_all(made.values())
    return made


def _choose(
    context: Context,
    session: Session,
    rows: _Rows,
    runs: Mapping[int, list[Meeting]],
    servers: Sequence[Server],
    now: datetime,
) -> dict[int, int]:
    seconds = context.settings.provision_period_seconds
    candidates = seating.candidates(session, servers, now - timedelta(seconds=seconds), seconds)
    until = max(occurrence.closes_at for occurrence, _ in rows.values())
    held = seating.held(session, now, until, rows)
    size = seating.sizes(session, [course for _, course in rows.values()], now)
    wanted = {each: _demand(rows[each], runs[each], size) for each in rows}
    given_up = {each: {run.server_id for run in runs[each] if run.close_reason == "abandoned"} for each in rows}
    return placement.spread(candidates, held, wanted, given_up)


def _demand(row: tuple[Occurrence, Course], runs: Sequence[Meeting], size: Mapping[int, int]) -> Demand:
    """A room that is opened again stays on its server: the server may know it still, and people may find it there."""
    occurrence, course = row
    before = runs[-1].server_id if runs else None
    pinned = course.server_id if course.server_id is not None else before
    return Demand(occurrence.starts_at, occurrence.closes_at, size[course.id], pinned_to=pinned)


def _meeting(
    context: Context,
    course: Course,
    runs: Sequence[Meeting],
    token: str,
    occurrence_id: int,
    server_id: int,
    now: datetime,
) -> Meeting:
    return Meeting(
        occurrence_id=occurrence_id,
        server_id=server_id,
        external_id=rooms.external_id(token, occurrence_id),
        # Those of an earlier run, so that a join link survives a room that was opened again; else new ones.
        passwords=runs[-1].passwords if runs else context.vault.lock_pair(*new_passwords()),
        state="requested",
        requested_at=now,
        attempts=1,
        recorded=course.record != "never",
    )
