"""harvest: the recordings of a server. What is waited for is asked for by its id; the rest is found by a slow pass.

A run that closed is put on a back-off ladder and asked for with others, so many ids a request, until every format that
is wanted is there, or its deadline has passed: then it is missing, and an alarm says so. The slow pass
(`full_harvest`) finds what nobody waits for any more. A callback is only a hint: ``poke`` makes the next question come
sooner.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import ladder
from worker.operations.context import Context
from worker.operations.recordings import full_harvest, keeping, ledger, past_sessions
from worker.store import due
from worker.store.tables import Course, Meeting, Occurrence, Playback, Recording, Server
from worker.store.upsert import in_batches

#: Ids a request: so many fit into the longest address that every server takes (E74).
CHUNK = 25
#: By these a server says that it has no such call (E90); its past sessions are asked for instead.
_NO_SUCH_CALL = (bbb.Unsupported, bbb.ChecksumRefused, bbb.Garbled)


def sweep(context: Context, clock: Clock) -> int:
    """Harvest every server, in this process. Returns how many recordings were seen."""
    with context.database.read() as session:
        servers = due.servers_to_harvest(session)
    return sum(one(context, server_id, clock) for server_id in servers)


def one(context: Context, server_id: int, clock: Clock) -> int:
    """Harvest one server: what is due on the ladder, then a part of the slow pass. Trouble is noted, not raised."""
    now = clock()
    with context.database.read() as session:
        server = session.get(Server, server_id)
    if server is None:
        return 0
    _enrol(context, server_id, now)
    try:
        seen = _asked(context, server, clock)
    except bbb.Error as error:
        _note(context, server_id, now, f"recordings: {bbb.redact(str(error))}")
        _unreached(context, server_id, now)
        return 0
    _note(context, server_id, now, None)
    return seen


def poke(context: Context, some_id: str, now: datetime) -> bool:
    """Somebody says that a recording is ready: ask at the next tick. Whether there is such a run of ours.

    ``some_id`` is a record id or a meeting id. It is only a hint: whoever sends it learns and changes nothing else.
    """
    ours = _named(some_id)
    hinted = update(Meeting).where(ours, Meeting.recorded, Meeting.closed_at.is_not(None))
    sooner = or_(Meeting.recording_due_at.is_(None), Meeting.recording_due_at > now)
    with context.database.write() as session:
        known = session.scalar(select(Meeting.id).where(ours).limit(1)) is not None
        session.execute(hinted.where(sooner).values(recording_due_at=now))
    return known


def hurry(context: Context, now: datetime) -> None:
    """Somebody asks by hand: what is waited for is due now, and so is the slow pass; neither waits for its turn."""
    with context.database.read() as session:
        servers = due.servers_to_harvest(session)
    for server_id in servers:
        _enrol(context, server_id, now)
    with context.database.write() as session:
        session.execute(update(Meeting).where(Meeting.recording_due_at > now).values(recording_due_at=now))
        idle = update(Server).where(Server.id.in_(servers), Server.full_harvest_offset.is_(None))
        session.execute(idle.values(full_harvest_at=None))


def _named(some_id: str) -> ColumnElement[bool]:
    """By either id, in a way that an index can serve: a meeting's own id ends with the number of its occurrence."""
    by_internal = and_(Meeting.server_id.in_(select(Server.id)), Meeting.internal_id == some_id)
    number = some_id.rpartition("-")[2]
    if not (number.isascii() and number.isdecimal() and len(number) < 12):
        return by_internal
    return or_(by_internal, and_(Meeting.occurrence_id == int(number), Meeting.external_id == some_id))


def _enrol(context: Context, server_id: int, now: datetime) -> None:
    """Put runs that have closed on the ladder's first rung."""
    first = keeping.ladder_of(context).first
    new = select(Meeting.id, Meeting.closed_at).where(
        Meeting.server_id == server_id,
        Meeting.recorded,
        Meeting.recording_tries == 0,
        Meeting.recording_due_at.is_(None),
        Meeting.closed_at.is_not(None),
        Meeting.opened_at.is_not(None),
    )
    with context.database.write() as session:
        for number, closed_at in session.execute(new.order_by(Meeting.id)).all():
            assert closed_at is not None
            mine = update(Meeting).where(Meeting.id == number, Meeting.recording_due_at.is_(None))
            session.execute(mine.values(recording_due_at=max(now, closed_at + first)))


# What is waited for --------------------------------------------------------------------------------------------------


def _due(session: Session, server_id: int, now: datetime) -> Sequence[Meeting]:
    wanted = select(Meeting).where(
        Meeting.server_id == server_id,
        Meeting.recording_due_at <= now,
        Meeting.closed_at.is_not(None),
        Meeting.internal_id.is_not(None),
    )
    return session.scalars(wanted.order_by(Meeting.id)).all()


def _asked(context: Context, server: Server, clock: Clock) -> int:
    """By ids and by label; where the server is not known to list recordings and says it cannot, its past sessions."""
    now = clock()
    with context.database.read() as session:
        meetings = _due(session, server.id, now)
        deleting = full_harvest.being_deleted(session, server.id)
    if not full_harvest.lists(context, server, now):
        return _from_sessions(context, server, meetings, now)
    try:
        seen = len(found := _by_ids(context, server, meetings, deleting, now))
        seen += full_harvest.turn(context, server, clock, besides=found)
    except _NO_SUCH_CALL:
        if full_harvest.able(server):
            raise
        seen = _from_sessions(context, server, meetings, now)
        full_harvest.note_able(context, server, False, now)
        return seen
    full_harvest.note_able(context, server, True, now)
    return seen


def _by_ids(
    context: Context, server: Server, meetings: Sequence[Meeting], deleting: Sequence[str], now: datetime
) -> set[str]:
    waited = {each.internal_id: each for each in meetings if each.internal_id}
    seen: set[str] = set()
    for ids in in_batches(list(dict.fromkeys([*waited, *deleting])), CHUNK):
        found = full_harvest.ask(context, server, ids, now)
        full_harvest.mark_gone(
            context, server.id, [each for each in ids if each in deleting and each not in found], now
        )
        _climb(context, server, [waited[each] for each in ids if each in waited], now)
        seen |= found
    return seen


def _from_sessions(context: Context, server: Server, meetings: Sequence[Meeting], now: datetime) -> int:
    if not meetings:
        return 0
    found = past_sessions.ask(context, context.connect(server), meetings)
    for batch in in_batches(found, CHUNK):
        keeping.keep_all(context, server.id, batch, now, "session")
    for some in in_batches(meetings, CHUNK):
        _climb(context, server, some, now)
    return len(found)


# The ladder ----------------------------------------------------------------------------------------------------------


def _climb(context: Context, server: Server, meetings: Sequence[Meeting], now: datetime) -> None:
    """These were asked for, and answered: off the ladder, or one rung on."""
    with context.database.write() as session:
        for meeting in meetings:
            _step(session, context, server, meeting, now)


def _step(session: Session, context: Context, server: Server, meeting: Meeting, now: datetime) -> None:
    """One rung. A poke that came meanwhile is not overwritten."""
    found = select(Recording).where(Recording.meeting_id == meeting.id, Recording.server_id == server.id)
    recording = session.scalar(found.order_by(Recording.matched_by, Recording.id).limit(1))
    again = _again(session, context, meeting, recording, now)
    fresh = recording is not None and now in (recording.found_at, recording.published_at) and again is not None
    tries = 0 if fresh else meeting.recording_tries + 1
    same = update(Meeting).where(Meeting.id == meeting.id, Meeting.recording_due_at == meeting.recording_due_at)
    values = {"recording_due_at": again, "recording_tries": tries}
    if session.execute(same.values(**values)).rowcount and again is None:  # type: ignore[attr-defined]
        ledger.alarm(session, context, meeting, now, reached=True)


def _again(
    session: Session, context: Context, meeting: Meeting, recording: Recording | None, now: datetime
) -> datetime | None:
    rungs = keeping.ladder_of(context)
    published_at = recording.published_at if recording else None
    if recording is not None and published_at is not None:
        course = session.scalar(select(Course).join(Occurrence).where(Occurrence.id == meeting.occurrence_id))
        wanted, formats = keeping.wanted_formats(context, course), _formats(session, recording.id)
        late = ladder.is_late(rungs, published_at, now)
        if recording.deleted_at is not None or ladder.is_settled(wanted, formats, published_at, late):
            return None
    assert meeting.closed_at is not None
    fresh = recording is not None and now in (recording.found_at, recording.published_at)
    tries = 0 if fresh else meeting.recording_tries
    return ladder.next_try(rungs, tries, meeting.closed_at, published_at, now)


def _formats(session: Session, recording_id: int) -> frozenset[str]:
    return frozenset(session.scalars(select(Playback.format).where(Playback.recording_id == recording_id)))


# Trouble -------------------------------------------------------------------------------------------------------------


def _note(context: Context, server_id: int, now: datetime, trouble: str | None) -> None:
    with context.database.write() as session:
        server = session.get_one(Server, server_id)
        features = {key: value for key, value in (server.features or {}).items() if key != "harvest"}
        server.features = {**features, "harvest": trouble[:300]} if trouble else features
        if trouble is None:
            server.harvested_at = now


def _unreached(context: Context, server_id: int, now: datetime) -> None:
    """Whoever is waited for past the deadline is told of, though nothing is known: the ladder goes on."""
    deadline = keeping.ladder_of(context).deadline
    with context.database.write() as session:
        for meeting in _due(session, server_id, now):
            if meeting.closed_at is not None and meeting.closed_at + deadline <= now:
                ledger.alarm(session, context, meeting, now, reached=False)
