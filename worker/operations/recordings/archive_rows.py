"""What becomes of a file in the archive: its row is claimed, set back, given up or marked as stored."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.domain import ladder
from worker.operations import story
from worker.operations.context import Context
from worker.store.tables import File, Meeting, Recording

#: stored: it is in the archive; more: time was up, go on; later: it failed, and is tried again; failed: for good;
#: no_file: a page for people; idle: nothing to do, or somebody else does it.
Outcome = Literal["stored", "more", "later", "failed", "no_file", "idle"]

#: Tries before a file is given up; with the ladder's waits that is about a day.
_TRIES = 12
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=4)
#: What a file that waits for room says; ``watch`` raises an alarm where one does.
NO_ROOM = "no room in the archive"
#: How long a claim holds without a sign of life, and how long while the store takes a file, which gives none.
_LEASE, _STORING = timedelta(minutes=2), timedelta(minutes=10)


class Key(NamedTuple):
    """A file: a format of a recording."""

    recording_id: int
    format: str


class Kept(NamedTuple):
    url: str
    size: int
    sha256: str
    etag: str | None


def is_file(key: Key) -> ColumnElement[bool]:
    """The row of this file."""
    return (File.recording_id == key.recording_id) & (File.format == key.format)


def claim(context: Context, key: Key, now: datetime) -> bool:
    """Whether the file is ours to fetch, for two minutes: see `hold`."""
    mine = update(File).where(is_file(key), File.state.in_(("wanted", "fetching")), File.due_at <= now)
    with context.database.write() as session:
        return bool(session.execute(mine.values(state="fetching", due_at=now + _LEASE)).rowcount)  # type: ignore[attr-defined]


def hold(context: Context, key: Key, now: datetime, *, storing: bool = False) -> None:
    """It is still being fetched, or goes to the store now: nobody else takes it for a while."""
    ours = update(File).where(is_file(key), File.state == "fetching")
    with context.database.write() as session:
        session.execute(ours.values(due_at=now + (_STORING if storing else _LEASE)))


def set_columns(context: Context, key: Key, **values: object) -> None:
    """Set columns of a file that is not stored yet."""
    with context.database.write() as session:
        session.execute(update(File).where(is_file(key), File.state != "stored").values(**values))


def paused(context: Context, key: Key, now: datetime) -> Outcome:
    """Its time is up: it goes on at the next turn."""
    set_columns(context, key, state="wanted", due_at=now)
    return "more"


def no_file(context: Context, key: Key, why: str) -> Outcome:
    """The format is a page for people, not a file."""
    set_columns(context, key, state="no_file", due_at=None, error=why[:500])
    return "no_file"


def failed(context: Context, key: Key, why: str, now: datetime, *, final: bool) -> Outcome:
    """It failed: tried again by the ladder, or given up."""
    text = bbb.redact(why)[:500]
    with context.database.write() as session:
        file = session.get_one(File, key)
        file.tries, file.error = file.tries + 1, text
        over = final or file.tries >= _TRIES
        file.state = "failed" if over else "wanted"
        file.due_at = None if over else now + ladder.wait(file.tries - 1, _FIRST, _LONGEST)
        if over:
            detail = f"{key.format}: {text}"
            story.tell(session, "download_failed", now, occurrence_id=_occurrence(session, key), detail=detail)
    return "failed" if over else "later"


def no_room(context: Context, key: Key, why: str, now: datetime) -> Outcome:
    """The archive is full: however long that lasts, the file is not given up."""
    set_columns(context, key, state="wanted", due_at=now + _FIRST, error=f"{NO_ROOM}: {why}"[:500])
    return "later"


def found_at(context: Context, key: Key, kept: Kept) -> None:
    """Note where it is about to be, and what it is: whoever goes on after a crash looks there first."""
    set_columns(context, key, **_columns(kept))


def stored(context: Context, key: Key, kept: Kept, now: datetime) -> Outcome:
    """It is in the archive, whole."""
    with context.database.write() as session:
        mine = update(File).where(is_file(key), File.state != "stored")
        session.execute(mine.values(state="stored", stored_at=now, due_at=None, error=None, **_columns(kept)))
        detail = f"{key.format}: {kept.size} bytes, sha256 {kept.sha256[:12]}"
        story.tell(session, "archived_file", now, occurrence_id=_occurrence(session, key), detail=detail)
    return "stored"


def _occurrence(session: Session, key: Key) -> int | None:
    placed = select(Meeting.occurrence_id).join(Recording, Recording.meeting_id == Meeting.id)
    return session.scalar(placed.where(Recording.id == key.recording_id))


def _columns(kept: Kept) -> dict[str, object]:
    etag = kept.etag and kept.etag[:256]
    return {"url": kept.url, "size_bytes": kept.size, "sha256": kept.sha256, "etag": etag}
