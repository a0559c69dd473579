"""Keeping what a server shows of its recordings: rows inserted, placed and brought up to date, a batch a transaction.

``recordID`` equals ``internalMeetingID`` (protocol section 4.7, E71): that is the true key. A recording of a run we
never knew is placed by the occurrence that its labels and its meeting's id name; one that fits nothing is kept and
shown as a stray.
"""

import html
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from worker import bbb
from worker.domain import labels, ladder
from worker.operations import aside, story
from worker.operations.context import Context
from worker.store.tables import Course, Meeting, Occurrence, Playback, Recording
from worker.store.upsert import insert_new

_PLAYED = ("published", "unpublished")


class Place(NamedTuple):
    """Where a recording belongs, and by what that was found out."""

    meeting_id: int
    occurrence_id: int
    by: str


def keep_all(context: Context, server_id: int, found: Sequence[bbb.Recording], now: datetime, by: str = "id") -> None:
    """Keep a batch; where that fails, each by itself, so that a poisoned one is named and put aside."""
    try:
        with context.database.write() as session:
            keep(session, context, server_id, found, now, by)
    except Exception as error:
        if not aside.is_own_fault(error):
            raise  # nothing of it is kept, so nothing of it is known: the next sweep asks again
        if len(found) == 1:
            aside.put(context, error, "recording", now, server_id=server_id)
            return
        for each in found:
            keep_all(context, server_id, [each], now, by)


def keep(
    session: Session, context: Context, server_id: int, found: Sequence[bbb.Recording], now: datetime, by: str = "id"
) -> None:
    """Insert what is new, change what has changed. ``by`` says how the caller knows whose they are."""
    places = _places(session, server_id, found, by)
    known = set(session.scalars(_ids(server_id, found)))
    fresh = [_new(server_id, each, now) for each in found if each.record_id not in known]
    insert_new(session, Recording, fresh)
    rows = _rows(session, server_id, found)
    formats = _keep_playbacks(session, {rows[each.record_id].id: each for each in found})
    for each in found:
        row, place = rows[each.record_id], places.get(each.record_id)
        _update(session, row, each, place, now)
        if each.record_id not in known:
            occurrence = place.occurrence_id if place else None
            story.tell(session, "recorded", now, occurrence_id=occurrence, server_id=server_id, detail=each.record_id)
        if row.ready_at is None and row.published_at is not None and row.meeting_id is not None:
            _judge(session, context, row, formats[row.id], now)


def _ids(server_id: int, found: Sequence[bbb.Recording]) -> Select[str]:
    ids = [each.record_id for each in found]
    return select(Recording.record_id).where(Recording.server_id == server_id, Recording.record_id.in_(ids))


def _rows(session: Session, server_id: int, found: Sequence[bbb.Recording]) -> dict[str, Recording]:
    ids = [each.record_id for each in found]
    wanted = select(Recording).where(Recording.server_id == server_id, Recording.record_id.in_(ids))
    return {row.record_id: row for row in session.scalars(wanted)}


def _new(server_id: int, found: bbb.Recording, now: datetime) -> dict[str, object]:
    row = {"server_id": server_id, "record_id": found.record_id, "name": "", "state": "", "published": False}
    return {**row, "labels": {}, "found_at": now, "seen_at": now}


def _update(session: Session, row: Recording, found: bbb.Recording, place: Place | None, now: datetime) -> None:
    before = row.deleted_at
    row.state, row.published, row.seen_at = found.state[:16], found.published, now
    row.started_at = _instant(found.start_time_ms) or row.started_at
    row.ended_at = _instant(found.end_time_ms) or row.ended_at
    row.deleted_at = (before or now) if found.state == "deleted" else None
    if place is not None:
        row.meeting_id, row.matched_by = place.meeting_id, place.by
    if row.deleted_at is not None:  # some servers forget the labels of what they delete; we do not
        if before is None:
            tell_deleted(session, row, now)
        return
    row.name, row.size_bytes, row.labels = _name(found), found.size_bytes or None, dict(found.metadata)
    if row.published_at is None and found.state in _PLAYED and found.playbacks:
        row.published_at = now


def tell_deleted(session: Session, row: Recording, now: datetime) -> None:
    """It is gone there: by our wish, or by somebody else's."""
    kind = "recording_gone" if row.delete_requested_at is None else "recording_deleted"
    occurrence = _occurrence_of(session, row.meeting_id)
    story.tell(session, kind, now, occurrence_id=occurrence, server_id=row.server_id, detail=row.record_id)


def _occurrence_of(session: Session, meeting_id: int | None) -> int | None:
    return session.scalar(select(Meeting.occurrence_id).where(Meeting.id == meeting_id))


def _name(found: bbb.Recording) -> str:
    """The name as it was given; where the server does not repeat it among the labels, it is escaped twice (E88)."""
    return (found.metadata.get("meetingName") or html.unescape(found.name))[:512]


def _instant(milliseconds: int) -> datetime | None:
    """0 on the wire means: not known yet (E79). A number that is no time at all is none."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


# Places --------------------------------------------------------------------------------------------------------------


def _places(session: Session, server_id: int, found: Sequence[bbb.Recording], by: str) -> dict[str, Place]:
    ids = [each.record_id for each in found]
    wanted = select(Meeting.internal_id, Meeting.id, Meeting.occurrence_id)
    rows = session.execute(wanted.where(Meeting.server_id == server_id, Meeting.internal_id.in_(ids)))
    places = {internal: Place(meeting, occurrence, by) for internal, meeting, occurrence in rows if internal}
    left = [each for each in found if each.record_id not in places]
    return places | _by_labels(session, left)


def _by_labels(session: Session, found: Sequence[bbb.Recording]) -> dict[str, Place]:
    """By the occurrence in our label, whose rooms must have been called as this one was."""
    named = {each.record_id: int(text) for each in found if (text := _occurrence_label(each))}
    runs: dict[tuple[int, str], int] = {}
    wanted = select(Meeting.occurrence_id, Meeting.external_id, Meeting.id).where(
        Meeting.occurrence_id.in_(named.values())
    )
    for occurrence, external, meeting in session.execute(wanted.order_by(Meeting.id)) if named else ():
        runs[occurrence, external] = meeting
    keys = {each.record_id: (named[each.record_id], each.meeting_id) for each in found if each.record_id in named}
    return {record: Place(runs[key], key[0], "label") for record, key in keys.items() if key in runs}


def _occurrence_label(found: bbb.Recording) -> str:
    text = found.metadata.get(labels.OCCURRENCE, "")
    return text if text.isascii() and text.isdecimal() and len(text) < 18 else ""


# Formats -------------------------------------------------------------------------------------------------------------


def _keep_playbacks(session: Session, found: dict[int, bbb.Recording]) -> dict[int, frozenset[str]]:
    """Formats come one by one (E78), and may be withdrawn: what the server shows is what we show."""
    known: dict[int, dict[str, Playback]] = defaultdict(dict)
    for row in session.scalars(select(Playback).where(Playback.recording_id.in_(found))):
        known[row.recording_id][row.format] = row
    fresh = []
    for number, recording in found.items():
        shown = {each.format[:32]: each for each in recording.playbacks if each.format}
        fresh += [_playback(number, name, shown[name]) for name in shown if name not in known[number]]
        _change(session, known[number], shown)
    insert_new(session, Playback, fresh)
    return {number: frozenset(each.format[:32] for each in item.playbacks) for number, item in found.items()}


def _change(session: Session, known: dict[str, Playback], shown: dict[str, bbb.Playback]) -> None:
    for name, row in known.items():
        if name not in shown:
            mine = delete(Playback).where(Playback.recording_id == row.recording_id, Playback.format == name)
            session.execute(mine)
            continue
        for column, value in _playback(row.recording_id, name, shown[name]).items():
            setattr(row, column, value)


def _playback(recording_id: int, name: str, each: bbb.Playback) -> dict[str, object]:
    row = {"recording_id": recording_id, "format": name, "url": each.url[:2048]}
    return {**row, "length_minutes": each.length_minutes, "size_bytes": each.size_bytes or None}


# Readiness -----------------------------------------------------------------------------------------------------------


def wanted_formats(context: Context, course: Course | None) -> frozenset[str]:
    """Which formats of a course's recordings are waited for."""
    own = course.recording_formats if course else None
    return ladder.formats_in(context.settings.recording_formats if own is None else own)


def ladder_of(context: Context) -> ladder.Ladder:
    """The ladder in force. Whoever harvests more often than the first rung's wait wants to know sooner."""
    settings = context.settings
    names = ("recording_first", "recording_longest", "recording_deadline", "recording_formats")
    first, *others = (timedelta(seconds=getattr(settings, f"{name}_seconds")) for name in names)
    return ladder.Ladder(min(first, timedelta(seconds=settings.harvest_period_seconds)), *others)


def _judge(session: Session, context: Context, row: Recording, formats: frozenset[str], now: datetime) -> None:
    """What people wait for is there: told once."""
    place = session.execute(
        select(Course, Occurrence.id)
        .join(Occurrence, Occurrence.course_id == Course.id)
        .join(Meeting, Meeting.occurrence_id == Occurrence.id)
        .where(Meeting.id == row.meeting_id)
    ).one_or_none()
    wanted = wanted_formats(context, place[0] if place else None)
    late = ladder.is_late(ladder_of(context), row.published_at, now)
    if ladder.is_ready(wanted, formats, row.published_at, late):
        row.ready_at = now
        lacking = f"without {', '.join(sorted(wanted - formats))}" if wanted - formats else None
        detail = f"{row.record_id}: {', '.join(sorted(formats))}" + (f", {lacking}" if lacking else "")
        occurrence = place[1] if place else None
        story.tell(session, "recording_ready", now, occurrence_id=occurrence, server_id=row.server_id, detail=detail)
