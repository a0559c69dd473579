"""archive: files of recordings brought home, one row a file, by policy of the course or on request.

``want`` writes down what a course's policy asks for, ``order`` what somebody asks for; ``one`` fetches a file for a
while, claimed by a conditional update with a lease; what is not whole then is gone on with at the next turn. A file
is ``stored`` once it is whole, its digest taken, and the store has shown it in its size.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from worker.clock import Clock
from worker.domain import archive_names, ladder, reach
from worker.operations import aside
from worker.operations.context import Context
from worker.operations.recordings import archive_rows, fetching
from worker.operations.recordings.archive_rows import Kept, Key, Outcome
from worker.operations.recordings.fetching import Job, Limits, NoFile, Trouble
from worker.operations.recordings.part import Busy, NoRoom, Note, Part, is_full
from worker.operations.recordings.storing import Store
from worker.store.tables import Course, File, Meeting, Occurrence, Playback, Recording, Server
from worker.store.upsert import insert_new

Progress = Callable[[int, int | None], None]

_AT_ONCE = 500
#: How often a download that goes on says so: four times before its claim would be over.
_SIGN = timedelta(seconds=30)


# What is wanted ------------------------------------------------------------------------------------------------------


def want(context: Context, now: datetime) -> int:
    """Write down the files that courses want and nobody has written down. Returns how many were new."""
    with context.database.write() as session:
        sets = session.scalars(select(Course.recording_formats).where(Course.download).distinct()).all()
        rows = [_wanted(key, now) for own in sets for key in _missing(session, context, own)]
        return insert_new(session, File, rows)


def _missing(session: Session, context: Context, own: str | None) -> list[Key]:
    """Of all courses with this set of formats: what is published, and wanted, and not written down."""
    missing = (
        select(Playback.recording_id, Playback.format)
        .join(Recording, Recording.id == Playback.recording_id)
        .join(Meeting, Meeting.id == Recording.meeting_id)
        .join(Occurrence, Occurrence.id == Meeting.occurrence_id)
        .join(Course, Course.id == Occurrence.course_id)
        .outerjoin(File, (File.recording_id == Playback.recording_id) & (File.format == Playback.format))
        .where(Course.download, Course.recording_formats.is_not_distinct_from(own), File.recording_id.is_(None))
        .where(Recording.deleted_at.is_(None), Recording.state == "published")
    )
    if wanted := ladder.formats_in(context.settings.recording_formats if own is None else own):
        missing = missing.where(Playback.format.in_(wanted))
    return [Key(*row) for row in session.execute(missing.order_by(Playback.recording_id).limit(_AT_ONCE))]


def _wanted(key: Key, now: datetime) -> dict[str, object]:
    return {"recording_id": key.recording_id, "format": key.format, "state": "wanted", "due_at": now, "tries": 0}


def order(context: Context, recording_ids: Iterable[int], formats: frozenset[str], now: datetime) -> list[Key]:
    """Want these now, whatever was tried before; empty ``formats``: all. Returns those not stored already."""
    chosen = select(Playback.recording_id, Playback.format).where(Playback.recording_id.in_(list(recording_ids)))
    if formats:
        chosen = chosen.where(Playback.format.in_(formats))
    with context.database.write() as session:
        rows = session.execute(chosen.order_by(Playback.recording_id, Playback.format)).all()
        keys = [Key(*row) for row in rows]
        insert_new(session, File, [_wanted(key, now) for key in keys])
        return [key for key in keys if _rearmed(session, key, now)]


def _rearmed(session: Session, key: Key, now: datetime) -> bool:
    again = update(File).where(archive_rows.is_file(key), File.state.not_in(("stored", "no_file")))
    values = {"state": "wanted", "due_at": now, "tries": 0, "error": None}
    return bool(session.execute(again.values(**values)).rowcount)  # type: ignore[attr-defined]


def due(session: Session, now: datetime) -> list[Key]:
    """Files to fetch now, the longest due first; one whose claim has run out is due again."""
    wanted = select(File.recording_id, File.format).where(File.state.in_(("wanted", "fetching")), File.due_at <= now)
    return [Key(*row) for row in session.execute(wanted.order_by(File.due_at, File.recording_id).limit(_AT_ONCE))]


# Fetching ------------------------------------------------------------------------------------------------------------


def sweep(context: Context, clock: Clock) -> list[Outcome]:
    """One turn: a few files at once, and no more than that whoever else is at it."""
    now = clock()
    want(context, now)
    with context.database.read() as session:
        busy = select(func.count()).where(File.state == "fetching", File.due_at > now)
        free = context.settings.download_at_once - (session.scalar(busy) or 0)
        keys = due(session, now)[: max(0, free)]
    until = now + timedelta(seconds=context.settings.download_slice_seconds)
    if not keys:
        return []
    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(lambda key: one(context, key, clock, until=until), keys))


def download(
    context: Context, keys: Sequence[Key], clock: Clock, progress: Callable[[Key], Progress]
) -> dict[Key, Outcome]:
    """Fetch these to their end, a few at once: for somebody who waits."""

    def to_the_end(key: Key) -> Outcome:
        show = progress(key)
        while True:
            until = clock() + timedelta(seconds=context.settings.download_slice_seconds)
            outcome = one(context, key, clock, until=until, progress=show)
            if outcome != "more":
                return outcome

    with ThreadPoolExecutor(context.settings.download_at_once) as pool:
        return dict(zip(keys, pool.map(to_the_end, keys), strict=True))


def _silent(_had: int, _total: int | None) -> None:
    pass


def one(
    context: Context, key: Key, clock: Clock, *, until: datetime | None = None, progress: Progress = _silent
) -> Outcome:
    """Fetch one file for a while, if it is still wanted."""
    now = clock()
    if not archive_rows.claim(context, key, now):
        return "idle"
    store = Store(context.settings)
    with context.database.read() as session:
        source = _source(session, key)
    if source is None:
        return archive_rows.failed(context, key, "the server does not show it any more", clock(), final=True)
    part = Part(store.parts / archive_names.part_name(*key))
    try:
        with part.held():
            if (kept := _kept_before(context, key, store, part)) is not None:
                return archive_rows.stored(context, key, kept, clock())
            told = _holding(context, key, clock, progress)
            job = Job(source.url, _reach(context, source.server), part, _limits(context), told)
            note = _fetched(job, clock, until)
            if note is None:
                return archive_rows.paused(context, key, clock())
            archive_rows.hold(context, key, clock(), storing=True)
            return archive_rows.stored(context, key, _keep(context, key, store, part, note, source), clock())
    except Busy:
        return "idle"
    except NoFile as page:
        return archive_rows.no_file(context, key, str(page))
    except reach.Forbidden as refused:
        return archive_rows.failed(context, key, str(refused), clock(), final=True)
    except NoRoom as full:
        return archive_rows.no_room(context, key, str(full), clock())
    except Trouble as trouble:
        return archive_rows.failed(context, key, str(trouble), clock(), final=trouble.final)
    except Exception as error:  # a storage library's own errors, or a poisoned row: named, and the rest goes on
        if is_full(error):
            return archive_rows.no_room(context, key, str(getattr(error, "strerror", error)), clock())
        return archive_rows.failed(context, key, aside.said(error), clock(), final=False)


def _holding(context: Context, key: Key, clock: Clock, progress: Progress) -> Progress:
    """Progress that, every now and then, says that the file is still ours."""
    said = clock()

    def tell(had: int, total: int | None) -> None:
        nonlocal said
        progress(had, total)
        if (now := clock()) - said >= _SIGN:
            said = now
            archive_rows.hold(context, key, now)

    return tell


def _fetched(job: Job, clock: Clock, until: datetime | None) -> Note | None:
    """Of a page for people nothing is left here, not even a lock."""
    try:
        return fetching.fetch(job, clock, until)
    except NoFile:
        job.part.forget()
        raise


class _Source(NamedTuple):
    url: str
    server: Server
    started_at: datetime | None
    course: tuple[int, str] | None


def _source(session: Session, key: Key) -> _Source | None:
    found = (
        select(Playback.url, Server, Recording.started_at, Course)
        .join(Recording, Recording.id == Playback.recording_id)
        .join(Server, Server.id == Recording.server_id)
        .outerjoin(Meeting, Meeting.id == Recording.meeting_id)
        .outerjoin(Occurrence, Occurrence.id == Meeting.occurrence_id)
        .outerjoin(Course, Course.id == Occurrence.course_id)
        .where(Playback.recording_id == key.recording_id, Playback.format == key.format)
    )
    row = session.execute(found).one_or_none()
    if row is None:
        return None
    url, server, started_at, course = row
    return _Source(url, server, started_at, (course.id, course.code) if course else None)


def _reach(context: Context, server: Server) -> reach.Reach:
    return reach.Reach(reach.taken_apart(server.api_url), reach.hosts_in(context.settings.playback_hosts))


def _limits(context: Context) -> Limits:
    given = context.settings
    return Limits(
        given.connect_timeout_seconds,
        given.read_timeout_seconds,
        given.download_limit_bytes,
        given.download_reserve_bytes,
    )


def _keep(context: Context, key: Key, store: Store, part: Part, note: Note, source: _Source) -> Kept:
    """Take the digest, write down what it will be, and bring it in: a crash after that finds it there."""
    ending = archive_names.extension(note.content_type, note.path)
    name = archive_names.file_name(source.course, key.recording_id, source.started_at, key.format, ending)
    kept = Kept(store.address(name), part.size, part.digest(), note.validator)
    archive_rows.found_at(context, key, kept)
    store.put(part.path, name)
    part.forget()
    return kept


def _kept_before(context: Context, key: Key, store: Store, part: Part) -> Kept | None:
    """What a turn that died had brought in, but not said so."""
    with context.database.read() as session:
        file = session.get_one(File, key)
    if part.size or file.url is None or file.sha256 is None or not store.has(file.url, file.size_bytes):
        return None
    part.forget()
    return Kept(file.url, file.size_bytes or 0, file.sha256, file.etag)
