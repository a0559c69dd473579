"""harvest: the recordings of a server, found by our origin label, placed by their internal id.

``recordID`` equals ``internalMeetingID`` (protocol section 4.7, E71): that is the true key, the label only the search
term, and the answer is filtered again here, since servers differ in how they combine filters (E76). A recording that
fits no meeting of ours is kept and shown.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import labels
from worker.operations import story
from worker.operations.context import Context
from worker.store import due
from worker.store.tables import Meeting, Playback, Recording, Server
from worker.store.upsert import put


def sweep(context: Context, clock: Clock) -> int:
    """Harvest every server, in this process. Returns how many recordings were seen."""
    with context.database.read() as session:
        servers = due.servers_to_harvest(session)
    return sum(one(context, server_id, clock) for server_id in servers)


def one(context: Context, server_id: int, clock: Clock) -> int:
    """Harvest one server. A server that cannot list recordings is noted, not an error (E90)."""
    now = clock()
    with context.database.read() as session:
        server = session.get(Server, server_id)
    if server is None:
        return 0
    try:
        found = context.connect(server).recordings(meta={labels.ORIGIN: context.settings.origin}, states=("any",))
    except bbb.Error as error:
        _note(context, server_id, now, f"recordings: {bbb.redact(str(error))}")
        return 0
    ours = [each for each in found if each.metadata.get(labels.ORIGIN) == context.settings.origin]
    for recording in ours:
        with context.database.write() as session:
            _keep(session, server_id, recording, now)
    _note(context, server_id, now, None)
    return len(ours)


def _note(context: Context, server_id: int, now: datetime, trouble: str | None) -> None:
    with context.database.write() as session:
        server = session.get_one(Server, server_id)
        features = {key: value for key, value in (server.features or {}).items() if key != "harvest"}
        server.features = {**features, "harvest": trouble[:300]} if trouble else features
        if trouble is None:
            server.harvested_at = now


def _keep(session: Session, server_id: int, found: bbb.Recording, now: datetime) -> None:
    known = session.scalar(
        select(Recording).where(Recording.server_id == server_id, Recording.record_id == found.record_id)
    )
    meeting = session.scalar(
        select(Meeting).where(Meeting.server_id == server_id, Meeting.internal_id == found.record_id)
    )
    put(session, Recording, _row(server_id, found, meeting, known, now), ("server_id", "record_id"))
    session.expire_all()
    row = session.scalars(
        select(Recording).where(Recording.server_id == server_id, Recording.record_id == found.record_id)
    ).one()
    _keep_playbacks(session, row.id, found.playbacks)
    if known is None:
        occurrence = meeting.occurrence_id if meeting else None
        story.tell(session, "recorded", now, occurrence_id=occurrence, server_id=server_id, detail=found.record_id)


def _row(
    server_id: int, found: bbb.Recording, meeting: Meeting | None, known: Recording | None, now: datetime
) -> dict[str, object]:
    return {
        "server_id": server_id,
        "record_id": found.record_id[:128],
        "meeting_id": meeting.id if meeting else None,
        "name": found.metadata.get("meetingName", found.name)[:512],
        "state": (found.state or ("published" if found.published else "unpublished"))[:16],
        "published": found.published,
        "started_at": _instant(found.start_time_ms),
        "ended_at": _instant(found.end_time_ms),
        "size_bytes": found.size_bytes,
        "labels": dict(found.metadata),
        "found_at": known.found_at if known else now,
        "seen_at": now,
    }


def _keep_playbacks(session: Session, recording_id: int, playbacks: Sequence[bbb.Playback]) -> None:
    """Formats come one by one (E78), and may be withdrawn: what the server shows is what we show."""
    shown = {each.format[:32]: each for each in playbacks}
    gone = delete(Playback).where(Playback.recording_id == recording_id, Playback.format.not_in(list(shown)))
    session.execute(gone)
    for name, each in shown.items():
        row = {"recording_id": recording_id, "format": name, "url": each.url[:2048]}
        sizes = {"length_minutes": each.length_minutes, "size_bytes": each.size_bytes}
        put(session, Playback, {**row, **sizes}, ("recording_id", "format"))


def _instant(milliseconds: int) -> datetime | None:
    """0 on the wire means: not known yet (E79)."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
