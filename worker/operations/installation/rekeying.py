"""rekeying: everything that is encrypted, encrypted again with the first of the keys in force.

All of it in one transaction: either every secret is readable with the new key alone afterwards, or nothing has changed.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from worker.errors import SettingsError
from worker.operations import story
from worker.operations.context import Context
from worker.store.tables import Meeting, Server

#: What is encrypted, and what a person calls it.
_SECRETS: tuple[tuple[str, InstrumentedAttribute[int], InstrumentedAttribute[bytes]], ...] = (
    ("server", Server.id, Server.secret),
    ("meeting", Meeting.id, Meeting.passwords),
)
_ROWS = 1000


def everything(context: Context, now: datetime) -> dict[str, int]:
    """Returns how many of each were written anew: 0 the second time. Raises SettingsError where a key is missing."""
    with context.database.write() as session:
        done = {name: _column(context, session, name, key, secret) for name, key, secret in _SECRETS}
        if any(done.values()):
            detail = ", ".join(f"{count} {name}s" for name, count in done.items())
            story.tell(session, "rekeyed", now, detail=detail)
        return done


def _column(
    context: Context,
    session: Session,
    name: str,
    key: InstrumentedAttribute[int],
    secret: InstrumentedAttribute[bytes],
) -> int:
    table = key.class_.__table__
    assert isinstance(table, Table)
    writing = update(table).where(table.c.id == bindparam("row")).values({secret.key: bindparam("token")})
    count = 0
    for some in _batches(session, key, secret):
        fresh = [
            {"row": number, "token": token} for number, old in some if (token := _anew(context, name, number, old))
        ]
        count += len(fresh)
        if fresh:
            session.execute(writing, fresh)
    return count


def _batches(
    session: Session, key: InstrumentedAttribute[int], secret: InstrumentedAttribute[bytes]
) -> Iterator[list[tuple[int, bytes]]]:
    """Rows in the order of their numbers, each held until the end: nobody writes an old secret back."""
    last = 0
    while True:
        wanted = select(key, secret).where(key > last).order_by(key).limit(_ROWS).with_for_update(key_share=True)
        rows = [(number, token) for number, token in session.execute(wanted)]
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _anew(context: Context, name: str, number: int, token: bytes) -> bytes | None:
    try:
        return context.vault.relock(token)
    except SettingsError as error:
        raise SettingsError(f"{name} {number}: {error}; nothing was changed") from None
