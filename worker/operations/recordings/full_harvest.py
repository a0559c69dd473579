"""The slow pass: every recording with our label, page by page, in small turns that keep their place in the database.

A server lists all its recordings from disk at each call (protocol section 4.7): the pass is rare, and never without a
label unless somebody asks for that. What it should have shown and did not is asked for by id before it is believed
gone. A killed pass goes on at its page.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import labels
from worker.operations.context import Context
from worker.operations.recordings import keeping
from worker.store import due
from worker.store.tables import Meeting, Recording, Server
from worker.store.upsert import in_batches

_PAGE = 100
_CHUNK = 25
#: A turn ends after this long, and the next one goes on.
_TURN = timedelta(seconds=60)
_ANY = ("any",)


def lists(context: Context, server: Server, now: datetime) -> bool:
    """Whether this server is to be asked for its list; one that had none is asked again when the slow pass is due."""
    return able(server) is not False or _is_due(context, server, now)


def able(server: Server) -> bool | None:
    """Whether it was found to list recordings; None: not known."""
    return {"True": True, "False": False}.get((server.features or {}).get("recordings", ""))


def note_able(context: Context, server: Server, listed: bool, now: datetime) -> None:
    """Remember whether the server lists recordings; where not, the slow pass is over before it began."""
    if able(server) is listed and listed:
        return
    with context.database.write() as session:
        row = session.get_one(Server, server.id)
        row.features = {**(row.features or {}), "recordings": str(listed)}
        if not listed:
            row.full_harvest_at, row.full_harvest_offset = now, None


def _is_due(context: Context, server: Server, now: datetime) -> bool:
    old = timedelta(seconds=context.settings.harvest_full_seconds)
    return server.full_harvest_at is None or server.full_harvest_at + old <= now


def ask(context: Context, server: Server, ids: Sequence[str], now: datetime) -> set[str]:
    """Ask for these, and keep what there is. Returns the ids found. Raises bbb.Error."""
    found = context.connect(server).recordings(record_ids=ids, states=_ANY) if ids else []
    if found:
        keeping.keep_all(context, server.id, found, now)
    return {each.record_id for each in found}


def being_deleted(session: Session, server_id: int) -> Sequence[str]:
    """Recordings whose deletion was asked for and not seen yet."""
    wanted = select(Recording.record_id).where(Recording.server_id == server_id, Recording.deleted_at.is_(None))
    return session.scalars(wanted.where(Recording.delete_requested_at.is_not(None)).order_by(Recording.id)).all()


def mark_gone(context: Context, server_id: int, ids: Iterable[str], now: datetime) -> None:
    """The server answered, and does not know these any more."""
    with context.database.write() as session:
        wanted = select(Recording).where(Recording.server_id == server_id, Recording.record_id.in_(list(ids)))
        for row in session.scalars(wanted.where(Recording.deleted_at.is_(None)).order_by(Recording.id)):
            row.deleted_at, row.state = now, "deleted"
            keeping.tell_deleted(session, row, now)


def turn(context: Context, server: Server, clock: Clock, *, besides: AbstractSet[str] = frozenset()) -> int:
    """Go through some pages, if the pass is due. Returns how many were seen ``besides``. Raises bbb.Error."""
    began = _claim(context, server.id, clock())
    seen, until, before = 0, clock() + _TURN, frozenset[str]()
    while began is not None:
        since, offset = began
        page = _page(context, server, offset, False)
        ids = frozenset(each.record_id for each in page.recordings)
        seen += len(_keep(context, server.id, page.recordings, clock(), False) - besides - before)
        last = _is_last(page, offset, repeated=bool(ids) and ids == before)
        if last:
            _look_for_missing(context, server, since, clock())
        began = _advance(context, server.id, since, offset, None if last else offset + _PAGE)
        before = ids
        if clock() >= until:
            break
    return seen


def everything(context: Context, clock: Clock) -> int:
    """All pages of all servers without a label, for somebody who asks for it: finds what has lost its label.

    Returns how many of all those are ours. Raises bbb.Error.
    """
    with context.database.read() as session:
        servers = [session.get_one(Server, number) for number in due.servers_to_harvest(session)]
    return sum(_whole(context, server, clock) for server in servers if able(server) is not False)


def _whole(context: Context, server: Server, clock: Clock) -> int:
    seen, offset, before = 0, 0, frozenset[str]()
    while True:
        page = _page(context, server, offset, True)
        ids = frozenset(each.record_id for each in page.recordings)
        seen += len(_keep(context, server.id, page.recordings, clock(), True))
        if _is_last(page, offset, repeated=bool(ids) and ids == before):
            return seen
        before, offset = ids, offset + _PAGE


def _claim(context: Context, server_id: int, now: datetime) -> tuple[datetime, int] | None:
    """Where to go on: a pass in progress, or a new one where the last is old enough."""
    with context.database.write() as session:
        row = session.get_one(Server, server_id, with_for_update=True)
        if row.full_harvest_offset is None:
            if not _is_due(context, row, now):
                return None
            row.full_harvest_at, row.full_harvest_offset = now, 0
        assert row.full_harvest_at is not None
        return row.full_harvest_at, row.full_harvest_offset


def _advance(
    context: Context, server_id: int, since: datetime, offset: int, to: int | None
) -> tuple[datetime, int] | None:
    """Keep the place; None where the pass is over, or another worker has taken it on."""
    mine = update(Server).where(Server.id == server_id, Server.full_harvest_offset == offset)
    with context.database.write() as session:
        moved = session.execute(mine.values(full_harvest_offset=to)).rowcount  # type: ignore[attr-defined]
    return (since, to) if moved and to is not None else None


def _page(context: Context, server: Server, offset: int, everything: bool) -> bbb.Page:
    meta = None if everything else {labels.ORIGIN: context.settings.origin}
    return context.connect(server).recordings_page(offset, _PAGE, states=_ANY, meta=meta)


def _is_last(page: bbb.Page, offset: int, *, repeated: bool) -> bool:
    """A server that knows no pages gives everything at once, unless it gives exactly a page full (E83)."""
    if not page.shown or repeated:
        return True
    return page.shown != _PAGE if page.total is None else offset + _PAGE >= page.total


def _keep(
    context: Context, server_id: int, found: Sequence[bbb.Recording], now: datetime, everything: bool
) -> set[str]:
    seen: set[str] = set()
    for batch in in_batches(found, _PAGE):
        ours = _ours(context, server_id, batch) if everything else batch
        if ours:
            keeping.keep_all(context, server_id, ours, now)
        seen |= {each.record_id for each in ours}
    return seen


def _ours(context: Context, server_id: int, found: Sequence[bbb.Recording]) -> list[bbb.Recording]:
    """Without a label asked for: those that carry it, and those of our runs. Other people's are no business of ours."""
    ids = [each.record_id for each in found]
    with context.database.read() as session:
        runs = set(session.scalars(select(Meeting.internal_id).where(_on(server_id), Meeting.internal_id.in_(ids))))
    origin = context.settings.origin
    return [each for each in found if each.metadata.get(labels.ORIGIN) == origin or each.record_id in runs]


def _on(server_id: int) -> ColumnElement[bool]:
    return Meeting.server_id == server_id


def _look_for_missing(context: Context, server: Server, since: datetime, now: datetime) -> None:
    """What the pass did not show is asked for by id: it may only have lost its label."""
    unseen = select(Recording.record_id).where(Recording.server_id == server.id, Recording.deleted_at.is_(None))
    # One known only by a session's link was never in the list.
    unseen = unseen.where(Recording.matched_by.is_distinct_from("session"))
    with context.database.read() as session:
        ids = session.scalars(unseen.where(Recording.seen_at < since).order_by(Recording.id)).all()
    for some in in_batches(ids, _CHUNK):
        found = ask(context, server, some, now)
        mark_gone(context, server.id, [each for each in some if each not in found], now)
