"""What an installation knows of itself, in one row: its token, and the general lead its classes were planned with."""

import secrets

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from worker.store.tables import Installation
from worker.store.upsert import insert_new

_ROW = Installation.id == 1


def token(session: Session) -> str:
    """The random token of this database, made at first use."""
    wanted = select(Installation.token).where(_ROW)
    if (found := session.scalar(wanted)) is None:
        insert_new(session, Installation, [{"id": 1, "token": secrets.token_hex(4)}])
        found = session.scalars(wanted).one()
    return found


def lead_seconds(session: Session) -> float | None:
    """The lead of the settings when it was last looked at; None: never."""
    return session.scalar(select(Installation.lead_seconds).where(_ROW))


def note_lead(session: Session, seconds: float) -> None:
    """Everything that is planned goes by this lead now."""
    token(session)
    session.execute(update(Installation).where(_ROW).values(lead_seconds=seconds))
