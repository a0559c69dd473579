"""Join links: made on the click, never stored. A link is a credential."""

from datetime import datetime

from sqlalchemy import select

from worker.errors import Conflict, InputError
from worker.operations import arrange
from worker.operations.context import Context
from worker.store.tables import Meeting, Server

ROLES = ("moderator", "viewer")


def link(context: Context, occurrence_id: int, *, user_id: str, name: str, role: str, now: datetime) -> str:
    """A signed link into the open room of an occurrence, for one person.

    Raises Conflict while no room is open, saying when one will be.
    """
    if role not in ROLES:
        raise InputError(f"the role {role!r} is not one of {', '.join(ROLES)}")
    with context.database.read() as session:
        occurrence = arrange.occurrence(session, occurrence_id)
        live = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
        meeting = session.scalar(live.where(Meeting.state == "open"))
        if meeting is None:
            raise Conflict(_why_closed(occurrence.cancelled_at, occurrence.opens_at, occurrence.closes_at, now))
        server = session.get_one(Server, meeting.server_id)
    attendee, moderator = context.vault.open_pair(meeting.passwords)
    return context.connect(server).join_url(
        meeting.external_id,
        full_name=name,
        # The password decides the role on every server; `role` is ignored by the older ones (E69).
        password=moderator if role == "moderator" else attendee,
        user_id=user_id,
    )


def _why_closed(cancelled_at: datetime | None, opens_at: datetime, closes_at: datetime, now: datetime) -> str:
    if cancelled_at is not None:
        return "this occurrence is cancelled"
    if now < opens_at:
        return f"its room is not open yet; it opens at {opens_at.isoformat()}"
    if now >= closes_at:
        return f"this occurrence was over at {closes_at.isoformat()}"
    return "its room is not open now; see `meetingz occurrence list` and `meetingz doctor`"
