"""care: recordings published, hidden, labelled, captioned and deleted there.

Deleting is asked for, then seen: a recording is deleted here only once its server no longer shows it, and it is never
asked for before every file that is wanted of it is in the archive, looked at there once more. Each server's answer is
its own: what one refuses does not stop the others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import labels
from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.recordings import full_harvest, keeping
from worker.operations.recordings.storing import Store
from worker.operations.timetable import arrange
from worker.store.tables import Course, File, Meeting, Occurrence, Playback, Recording, Server
from worker.store.upsert import in_batches

Action = Literal["publish", "unpublish", "update", "delete"]
_CHUNK = 25
#: A deletion that did not take is asked for again after this long.
_AGAIN = timedelta(hours=1)
#: Recordings that one sweep of retention takes up.
_A_SWEEP = 200


class Done(NamedTuple):
    """What became of one recording; ``why`` where it was not done."""

    record_id: str
    done: bool
    why: str = ""


def chosen(session: Session, ids: Sequence[str], course: str | None = None) -> list[Recording]:
    """These recordings, or all of a course, that are not deleted. Raises Unknown for an id that is not there."""
    wanted = select(Recording).where(Recording.deleted_at.is_(None))
    if course is not None:
        number = arrange.course(session, course).id
        wanted = wanted.join(Meeting).join(Occurrence).where(Occurrence.course_id == number)
    if ids:
        wanted = wanted.where(Recording.record_id.in_(list(ids)))
    if not ids and course is None:
        raise InputError("name recordings by their ids, or a course with --course")
    rows = list(session.scalars(wanted.order_by(Recording.started_at, Recording.id)))
    missing = [each for each in ids if each not in {row.record_id for row in rows}]
    if missing:
        raise Unknown(f"there is no recording {missing[0]!r}; `meetingz recordings list` shows all")
    return rows


# There ---------------------------------------------------------------------------------------------------------------


def publish(context: Context, rows: Sequence[Recording], shown: bool, clock: Clock) -> list[Done]:
    """Show or hide; what the server says afterwards is kept."""
    kind: Action = "publish" if shown else "unpublish"
    return _each_server(context, rows, clock, kind, lambda client, ids: client.publish_recordings(ids, shown))


def update_labels(context: Context, rows: Sequence[Recording], changes: Mapping[str, str], clock: Clock) -> list[Done]:
    """Set labels; an empty value removes one (E87). Raises InputError for a name that would not survive the wire."""
    for name in changes:
        if name != name.lower() or not name.replace("-", "").isalnum() or not name[0].isalpha() or not name.isascii():
            raise InputError(f"the label {name!r} cannot be written; use small letters, digits and dashes (E25)")
        if name in (labels.ORIGIN, labels.COURSE, labels.OCCURRENCE, labels.START):
            raise InputError(f"the label {name!r} is how a recording is known again; it is not changed")
    return _each_server(context, rows, clock, "update", lambda client, ids: client.update_recordings(ids, changes))


def _each_server(
    context: Context,
    rows: Sequence[Recording],
    clock: Clock,
    action: Action,
    call: Callable[[bbb.Client, Sequence[str]], None],
) -> list[Done]:
    """Call, look again, and tell; so many ids at a time."""
    outcomes: list[Done] = []
    for server, some in _portions(context, rows):
        ids = [row.record_id for row in some]
        try:
            call(context.connect(server), ids)
            found = full_harvest.ask(context, server, ids, clock())
        except bbb.Error as error:
            outcomes += [Done(each, False, f"{server.name}: {bbb.redact(str(error))}") for each in ids]
            continue
        outcomes += [Done(each, each in found, "" if each in found else "the server knows it no more") for each in ids]
        _tell(context, action, [row for row in some if row.record_id in found], clock())
    return outcomes


def _portions(context: Context, rows: Sequence[Recording]) -> Iterable[tuple[Server, Sequence[Recording]]]:
    by_server: dict[int, list[Recording]] = defaultdict(list)
    for row in rows:
        by_server[row.server_id].append(row)
    for number, own in by_server.items():
        with context.database.read() as session:
            server = session.get_one(Server, number)
        for some in in_batches(own, _CHUNK):
            yield server, some


def _tell(context: Context, action: str, rows: Sequence[Recording], now: datetime) -> None:
    with context.database.write() as session:
        for row in rows:
            occurrence = session.scalar(select(Meeting.occurrence_id).where(Meeting.id == row.meeting_id))
            kind = f"recording_{action}"
            story.tell(session, kind, now, occurrence_id=occurrence, server_id=row.server_id, detail=row.record_id)


# Deleting ------------------------------------------------------------------------------------------------------------


def delete(context: Context, rows: Sequence[Recording], clock: Clock) -> list[Done]:
    """Ask for deletion and look whether it was done; what lives on is asked for again by the sweep."""
    refused = {row.record_id: why for row in rows if (why := _not_safe(context, row))}
    fine = [row for row in rows if row.record_id not in refused]
    outcomes = [Done(each, False, why) for each, why in refused.items()]
    for server, some in _portions(context, fine):
        outcomes += _delete_on(context, server, [row.record_id for row in some], clock)
    return outcomes


def _not_safe(context: Context, row: Recording) -> str:
    """Why a recording must not be deleted there yet: a file of it is wanted, and is not safely here."""
    with context.database.read() as session:
        course = session.scalar(_course_of(row))
        files = {file.format: file for file in session.scalars(select(File).where(File.recording_id == row.id))}
        formats = session.scalars(select(Playback.format).where(Playback.recording_id == row.id)).all()
    wanted = {form for form in formats if course is not None and course.download and _is_wanted(context, course, form)}
    for name in sorted(wanted - set(files)):
        return f"its {name} is to be downloaded first"
    store = Store(context.settings)
    for name, file in sorted(files.items()):
        if file.state in ("wanted", "fetching", "failed"):
            return f"its {name} is to be downloaded first; it is {file.state}"
        if file.state == "stored" and not (file.url and store.has(file.url, file.size_bytes)):
            return f"its {name} is not in the archive any more, or not whole"
    return ""


def _is_wanted(context: Context, course: Course, form: str) -> bool:
    wanted = keeping.wanted_formats(context, course)
    return not wanted or form in wanted


def _course_of(row: Recording) -> Select[Course]:
    return select(Course).join(Occurrence).join(Meeting).where(Meeting.id == row.meeting_id)


def _delete_on(context: Context, server: Server, ids: Sequence[str], clock: Clock) -> list[Done]:
    _note_request(context, server, ids, clock())
    try:
        context.connect(server).delete_recordings(ids)
        full_harvest.mark_gone(context, server.id, _not_shown(context, server, ids, clock()), clock())
    except bbb.Error as error:
        return [Done(each, False, f"{server.name}: {bbb.redact(str(error))}; it is asked for again") for each in ids]
    with context.database.read() as session:
        gone = select(Recording.record_id).where(Recording.server_id == server.id, Recording.record_id.in_(ids))
        deleted = set(session.scalars(gone.where(Recording.deleted_at.is_not(None))))
    late = "the server still shows it; it is asked for again"
    return [Done(each, each in deleted, "" if each in deleted else late) for each in ids]


def _not_shown(context: Context, server: Server, ids: Sequence[str], now: datetime) -> list[str]:
    found = full_harvest.ask(context, server, ids, now)
    return [each for each in ids if each not in found]


def _note_request(context: Context, server: Server, ids: Sequence[str], now: datetime) -> None:
    """The wish is written down, and told, before it is sent: a crash forgets neither."""
    mine = select(Recording).where(Recording.server_id == server.id, Recording.record_id.in_(ids))
    with context.database.write() as session:
        for row in session.scalars(mine.order_by(Recording.id)):
            if row.delete_requested_at is None:
                occurrence = session.scalar(select(Meeting.occurrence_id).where(Meeting.id == row.meeting_id))
                story.tell(
                    session,
                    "recording_delete",
                    now,
                    occurrence_id=occurrence,
                    server_id=server.id,
                    detail=row.record_id,
                )
            row.delete_requested_at = now


# Captions ------------------------------------------------------------------------------------------------------------


def captions(context: Context, record_id: str) -> list[bbb.TextTrack]:
    """The captions of one recording, as its server lists them. Raises Unknown, bbb.Error."""
    row, server = _one(context, record_id)
    return context.connect(server).text_tracks(row.record_id)


def add_captions(
    context: Context, record_id: str, name: str, data: bytes, lang: str, label: str, kind: str, now: datetime
) -> None:
    """Hand captions in: done there minutes later, and listed only then. Raises InputError, Unknown, bbb.Error."""
    if b"-->" not in data:
        raise InputError(f"{name}: no captions in it; WebVTT or SRT is wanted (servers lose anything else in silence)")
    row, server = _one(context, record_id)
    context.connect(server).put_text_track(row.record_id, kind, lang, label, name, data)
    _tell(context, "captions", [row], now)


def _one(context: Context, record_id: str) -> tuple[Recording, Server]:
    with context.database.read() as session:
        (row,) = chosen(session, [record_id])[:1]
        return row, session.get_one(Server, row.server_id)
