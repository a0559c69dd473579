"""The archive against what the servers have: every file that is wanted, whole, and nothing else."""

import hashlib
from pathlib import Path

from sqlalchemy import select

from tests.chaos.measures import MEDIA_SIZE
from worker.simulator.media import content
from worker.store.tables import File, Playback, Recording


def astray(context):
    """What is wrong with it: files that are wanted and not there, not whole, or not what was sent; what lies about."""
    with context.database.read() as session:
        shown = select(Playback.recording_id, Playback.format, Recording.record_id).join(Recording)
        shown = session.execute(shown.where(Recording.meeting_id.is_not(None))).all()
        kept = {(file.recording_id, file.format): file for file in session.scalars(select(File))}
    wrong = [
        f"{record} {form}: {why}" for number, form, record in shown if (why := _wrong(kept.get((number, form)), record))
    ]
    known = {Path(file.url.removeprefix("file://")) for file in kept.values() if file.url and file.state == "stored"}
    root = Path(context.settings.archive_url.removeprefix("file://"))
    return wrong + [f"{path.name} lies about" for path in root.rglob("*") if path.is_file() and path not in known]


def stored(context):
    """How many files are stored."""
    with context.database.read() as session:
        return len(session.scalars(select(File.recording_id).where(File.state == "stored")).all())


def _wrong(file, record_id):
    if file is None:
        return "nobody wants it"
    if file.format == "presentation":
        return "" if file.state == "no_file" else f"is {file.state}, not a page"
    if file.state != "stored":
        return f"is {file.state}: {file.error}"
    data = content(record_id, file.format, MEDIA_SIZE)
    path = Path(file.url.removeprefix("file://"))
    whole = path.exists() and path.read_bytes() == data and file.sha256 == hashlib.sha256(data).hexdigest()
    return "" if whole else "is not what the server has"
