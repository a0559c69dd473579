"""aside: one item that fails stops no other. What is its own fault is named, what is not is only due again.

An item is ``poisoned`` where it fails by itself, in whatever surroundings: bad data, or a bug that it brings out. A
connection that was cut, a lock or a disk that was not to be had say nothing about it: no alarm, and the next tick asks
again. A time limit or a lack of memory is about the whole task: it ends there, and nobody is blamed.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import exc

from worker import bbb, logs
from worker.clock import Clock
from worker.operations import story
from worker.operations.context import Context
from worker.store.database import complaint
from worker.store.tables import Meeting

#: The whole task is told to stop, wherever it was.
_STOP = (SoftTimeLimitExceeded, MemoryError)
#: The database's own trouble: away, cut, restarted, locked, full, too slow, no connection free.
_TROUBLE = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, exc.PendingRollbackError)


def each_meeting(
    context: Context, step: str, meeting_ids: Sequence[int], clock: Clock, one: Callable[[Context, int, datetime], bool]
) -> int:
    """Do ``one`` with each of these; each succeeds or fails alone. Returns how many said that it was done."""
    return sum(_guarded(context, step, each, clock(), one) for each in meeting_ids)


def _guarded(
    context: Context, step: str, meeting_id: int, now: datetime, one: Callable[[Context, int, datetime], bool]
) -> bool:
    try:
        return one(context, meeting_id, now)
    except Exception as error:
        put_meeting(context, error, step, now, meeting_id)
        return False


def stop_if_told(error: Exception) -> None:
    """Raise ``error`` again where the whole task is to stop."""
    if isinstance(error, _STOP):
        raise error


def is_own_fault(error: Exception) -> bool:
    """Whether it is the item that is at fault. Raises ``error`` again where the whole task is to stop."""
    stop_if_told(error)
    return not isinstance(error, _TROUBLE) and not (isinstance(error, exc.DBAPIError) and error.connection_invalidated)


def put(
    context: Context,
    error: Exception,
    step: str,
    now: datetime,
    *,
    occurrence_id: int | None = None,
    server_id: int | None = None,
) -> None:
    """Tell what became of an item in a ``step`` of a loop. Raises ``error`` again where the whole task is to stop."""
    if not is_own_fault(error):
        put_off(error, step, occurrence=occurrence_id, server=server_id)
        return
    detail = f"{step}: {said(error)}"
    with context.database.write() as session:
        if occurrence_id is None:
            story.tell(session, "poisoned", now, server_id=server_id, detail=detail)
        else:
            story.tell_once(session, "poisoned", now, occurrence_id=occurrence_id, detail=detail)


def put_meeting(context: Context, error: Exception, step: str, now: datetime, meeting_id: int) -> None:
    """The same for a run of a class, whose occurrence is not known yet."""
    if not is_own_fault(error):
        put_off(error, step, meeting=meeting_id)
        return
    with context.database.read() as session:
        occurrence_id = session.get_one(Meeting, meeting_id).occurrence_id
    put(context, error, step, now, occurrence_id=occurrence_id)


def put_off(error: Exception, step: str, **about: int | None) -> None:
    """Only a line in the log: the item is due again."""
    logs.event("put_off", level="warning", step=step, error=said(error), **about)


def said(error: Exception) -> str:
    """Its kind and its words, to be kept and shown: no credential in it, nor a row of the database's."""
    text = complaint(error) if isinstance(error, exc.StatementError) else str(error)
    return f"{type(error).__name__}: {bbb.redact(text)}"
