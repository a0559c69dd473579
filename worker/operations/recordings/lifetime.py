"""lifetime: how long recordings and archived files are kept, by course. What outlives that is deleted."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select, update

from worker import bbb
from worker.clock import Clock
from worker.errors import InputError
from worker.operations import story
from worker.operations.context import Context
from worker.operations.recordings import care
from worker.operations.recordings.care import Done
from worker.operations.recordings.storing import Store
from worker.operations.timetable import arrange
from worker.store.tables import Course, File, Meeting, Occurrence, Recording

#: A deletion that did not take is asked for again after this long.
_AGAIN = timedelta(hours=1)
#: Recordings that one sweep takes up.
_A_SWEEP = 200
_MOST_DAYS = 36_500

Kept = TypeVar("Kept")


def sweep(context: Context, clock: Clock) -> list[Done]:
    """Delete what a course keeps no longer, there and here, and ask again for what should be gone."""
    now = clock()
    outcomes = care.delete(context, _outlived(context, now), clock)
    return outcomes + _clear_archive(context, now)


def _outlived(context: Context, now: datetime) -> list[Recording]:
    """On their servers longer than their course keeps them there; and those whose deletion did not take."""
    kept = select(Recording, Course.keep_server_days).join(Meeting, Recording.meeting_id == Meeting.id)
    kept = kept.join(Occurrence, Meeting.occurrence_id == Occurrence.id).join(Course)
    kept = kept.where(Course.keep_server_days.is_not(None), Recording.deleted_at.is_(None))
    kept = kept.where(Recording.ready_at.is_not(None), Recording.delete_requested_at.is_(None), _is_old(now))
    again = select(Recording).where(Recording.deleted_at.is_(None), Recording.delete_requested_at <= now - _AGAIN)
    with context.database.read() as session:
        old = [row for row, days in session.execute(kept) if _age(row, now) >= timedelta(days=days or 0)]
        return [*_some(old), *_some(session.scalars(again).all())]


def _some(rows: Sequence[Kept]) -> Sequence[Kept]:
    """So many of them, and others at each sweep: what cannot be deleted yet keeps nothing else from it."""
    return random.sample(rows, min(len(rows), _A_SWEEP))


def _age(row: Recording, now: datetime) -> timedelta:
    return now - (row.ended_at or row.started_at or row.found_at)


def _is_old(now: datetime) -> ColumnElement[bool]:
    """At least a day, the least that can be set: the rest need not be looked at."""
    age = func.coalesce(Recording.ended_at, Recording.started_at, Recording.found_at)
    return age <= now - timedelta(days=1)


def _clear_archive(context: Context, now: datetime) -> list[Done]:
    kept = select(File, Recording, Course.keep_archive_days).join(Recording, File.recording_id == Recording.id)
    kept = kept.join(Meeting, Recording.meeting_id == Meeting.id).join(Occurrence).join(Course)
    kept = kept.where(Course.keep_archive_days.is_not(None), File.state == "stored", _is_old(now))
    with context.database.read() as session:
        found = session.execute(kept).all()
    old = [(file, row) for file, row, days in found if _age(row, now) >= timedelta(days=days or 0)]
    return [_forget(context, file, row, now) for file, row in _some(old)]


def _forget(context: Context, file: File, row: Recording, now: datetime) -> Done:
    """Delete an archived file, then say so; a crash between the two finds it gone, which is no error."""
    try:
        if file.url:
            Store(context.settings).remove(file.url)
    except Exception as error:  # whatever the storage library raises: the next sweep tries again
        return Done(row.record_id, False, f"{file.format}: {type(error).__name__}: {bbb.redact(str(error))}")
    mine = update(File).where(File.recording_id == file.recording_id, File.format == file.format)
    with context.database.write() as session:
        session.execute(mine.where(File.state == "stored").values(state="deleted", due_at=None))
        occurrence = session.scalar(select(Meeting.occurrence_id).where(Meeting.id == row.meeting_id))
        detail = f"{row.record_id}: {file.format}"
        story.tell(session, "archived_file_deleted", now, occurrence_id=occurrence, detail=detail)
    return Done(row.record_id, True)


def policy(context: Context, code: str, changes: Mapping[str, object], now: datetime) -> Course:
    """How the recordings of a course are kept: ``download``, ``recording_formats``, ``keep_..._days``."""
    with context.database.write() as session:
        row = arrange.course(session, code)
        for name, value in changes.items():
            if isinstance(value, int) and not isinstance(value, bool) and not 1 <= value <= _MOST_DAYS:
                raise InputError(f"{name}: {value} days are not possible; write 1 to {_MOST_DAYS}, or 'ever'")
            setattr(row, name, value)
        if changes:
            told = ", ".join(f"{name} {value}" for name, value in changes.items())
            story.tell(session, "recording_policy", now, detail=f"{code}: {told}")
        return row
