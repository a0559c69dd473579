"""Recordings as people ask for them."""

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.operations import arrange
from worker.store.tables import Course, Meeting, Occurrence, Playback, Recording


def listed(session: Session, course: str | None = None) -> list[dict[str, Any]]:
    """Every recording, oldest first; ``course`` and ``occurrence`` are None where it fits no meeting of ours."""
    wanted = (
        select(Recording, Course, Occurrence.id)
        .outerjoin(Meeting, Recording.meeting_id == Meeting.id)
        .outerjoin(Occurrence, Meeting.occurrence_id == Occurrence.id)
        .outerjoin(Course, Occurrence.course_id == Course.id)
    )
    if course is not None:
        wanted = wanted.where(Course.id == arrange.course(session, course).id)
    rows = session.execute(wanted.order_by(Recording.started_at, Recording.id)).all()
    formats = _formats(session)
    return [_facts(recording, of, occurrence, formats[recording.id]) for recording, of, occurrence in rows]


def _formats(session: Session) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in session.scalars(select(Playback).order_by(Playback.recording_id, Playback.format)):
        facts = {"url": row.url, "length_minutes": row.length_minutes, "size_bytes": row.size_bytes}
        found[row.recording_id][row.format] = facts
    return found


def _facts(row: Recording, course: Course | None, occurrence: int | None, formats: dict[str, Any]) -> dict[str, Any]:
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
        "files": [],
    }
