"""alarms: what people should look at. A row for as long as it holds: raised once for a cause, recovered once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from worker.store.tables import Alarm
from worker.store.upsert import insert_new

#: What can be seen to hold, and to hold no longer: ``watch`` raises and recovers these.
WATCHED = frozenset(
    {
        "not_opened",  # its room is not open, and its class begins within five minutes
        "room_expired",  # its room is gone during its window, and was not opened again
        "overran",  # people are in it beyond its end and grace, as its policy allows
        "not_ended",  # it should have ended, was asked to, and lives on
        "not_recording",  # it was to be recorded, and the server says that it is not
        "server_down",
        "no_server",  # classes want rooms, and no server can be used
        "beat_stopped",  # a loop has not ended a sweep for three periods
        "archive_full",  # files wait for room in the archive
    }
)
#: What happened, and is told when it does. Nobody sees these end: they are put away after a day.
HAPPENED = frozenset({"poisoned", "vanished", "label_conflict", "recording_missing"})


def raised(
    session: Session,
    kind: str,
    cause: str,
    at: datetime,
    detail: str,
    *,
    occurrence_id: int | None = None,
    server_id: int | None = None,
) -> bool:
    """Raise an alarm. False where it is open already for this cause: the database says so."""
    row = {"kind": kind, "cause": cause, "detail": detail[:1000], "raised_at": at}
    return bool(insert_new(session, Alarm, [{**row, "occurrence_id": occurrence_id, "server_id": server_id}]))


def recovered(session: Session, alarm_id: int, at: datetime) -> bool:
    """It holds no longer. False where somebody else has said so already."""
    mine = update(Alarm).where(Alarm.id == alarm_id, Alarm.recovered_at.is_(None))
    return bool(session.execute(mine.values(recovered_at=at)).rowcount)  # type: ignore[attr-defined]


def standing(session: Session) -> Sequence[Alarm]:
    """The open ones, the newest first."""
    wanted = select(Alarm).where(Alarm.recovered_at.is_(None))
    return session.scalars(wanted.order_by(Alarm.raised_at.desc(), Alarm.id.desc())).all()


def every(session: Session, limit: int) -> Sequence[Alarm]:
    """The newest ones, open or not."""
    return session.scalars(select(Alarm).order_by(Alarm.raised_at.desc(), Alarm.id.desc()).limit(limit)).all()
