"""Recordings as people ask for them: those that were found, and classes that none was found of."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.domain.ledger import State, of_recordings
from worker.operations.recordings import ledger
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.store.tables import Course, File, Meeting, Occurrence, Playback, Recording

#: States of classes without any recording.
_WITHOUT = ("awaited", "missing", "not_expected")


def listed(session: Session, course: str | None = None) -> list[dict[str, Any]]:
    """Every recording, oldest first; ``course`` and ``occurrence`` are None where it fits no meeting of ours."""
    return [facts for _, facts in _found(session, course)]


def accounted(
    session: Session, settings: Settings, now: datetime, state: State, course: str | None = None
) -> list[dict[str, Any]]:
    """Those in one state of the ledger. Classes without a recording have no ``record_id``, and may have a ``cause``."""
    if state not in _WITHOUT:
        return [facts for found, facts in _found(session, course) if found == state]
    number = None if course is None else arrange.course(session, course).id
    entries = ledger.entries(session, settings, now, number)
    return [_absent(each) for each in entries if each.state == state]


def _found(session: Session, course: str | None) -> Iterable[tuple[State, dict[str, Any]]]:
    wanted = (
        select(Recording, Course, Occurrence.id)
        .outerjoin(Meeting, Recording.meeting_id == Meeting.id)
        .outerjoin(Occurrence, Meeting.occurrence_id == Occurrence.id)
        .outerjoin(Course, Occurrence.course_id == Course.id)
    )
    if course is not None:
        wanted = wanted.where(Course.id == arrange.course(session, course).id)
    rows = session.execute(wanted.order_by(Recording.started_at, Recording.id)).all()
    formats, files = _formats(session), _files(session)
    for recording, of, occurrence in rows:
        state: State = of_recordings({recording.state}) if occurrence is not None else "stray"
        yield state, _facts(recording, of, occurrence, formats[recording.id], files[recording.id])


def _formats(session: Session) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in session.scalars(select(Playback).order_by(Playback.recording_id, Playback.format)):
        facts = {"url": row.url, "length_minutes": row.length_minutes, "size_bytes": row.size_bytes}
        found[row.recording_id][row.format] = facts
    return found


def _files(session: Session) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in session.scalars(select(File).order_by(File.recording_id, File.format)):
        stored = row.stored_at and row.stored_at.isoformat()
        facts: dict[str, Any] = {
            "format": row.format,
            "state": row.state,
            "url": row.url if row.state == "stored" else None,
        }
        facts |= {"size_bytes": row.size_bytes, "sha256": row.sha256, "stored_at": stored, "error": row.error}
        found[row.recording_id].append(facts)
    return found


def _facts(
    row: Recording, course: Course | None, occurrence: int | None, formats: dict[str, Any], files: list[dict[str, Any]]
) -> dict[str, Any]:
    zone = ZoneInfo(course.timezone) if course else ZoneInfo("UTC")
    return {
        "record_id": row.record_id,
        "course": course.code if course else None,
        "occurrence": occurrence,
        "state": row.state,
        "published": row.published,
        "started_at": row.started_at and row.started_at.astimezone(zone).isoformat(),
        "ended_at": row.ended_at and row.ended_at.astimezone(zone).isoformat(),
        "formats": formats,
        "labels": row.labels,
        "files": files,
        "matched_by": row.matched_by,
    }


def _absent(entry: ledger.Entry) -> dict[str, Any]:
    zone = ZoneInfo(entry.course.timezone)
    return {
        "record_id": None,
        "course": entry.course.code,
        "occurrence": entry.occurrence.id,
        "state": entry.state,
        "published": False,
        "started_at": entry.occurrence.starts_at.astimezone(zone).isoformat(),
        "ended_at": entry.occurrence.closes_at.astimezone(zone).isoformat(),
        "formats": {},
        "labels": {},
        "files": [],
        "matched_by": None,
        "cause": entry.cause,
    }
