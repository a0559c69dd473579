"""Join links: made on the click, never stored. A link is a credential.

A ticket is a link of our own, for a web page or a letter: signed, expiring, good for one person in one sitting. It is
redeemed for the server's link at the click, so that it holds wherever the room is by then. It proves that we said who
somebody is; it hides nothing.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from worker.domain.calendars import local_text
from worker.errors import Conflict, InputError, SettingsError
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store.tables import Course, Meeting, Occurrence, Server

ROLES = ("moderator", "viewer")
#: A ticket holds this long after the end of its sitting, for one that is extended.
_AFTER = timedelta(days=1)
_PURPOSE = "meetingz join ticket 1"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may come into which sitting, and until when."""

    occurrence_id: int
    user_id: str
    name: str
    role: str
    expires_at: datetime


def link(context: Context, occurrence_id: int, *, user_id: str, name: str, role: str, now: datetime) -> str:
    """A signed link into the open room of an occurrence, for one person.

    Raises Conflict while no room is open, saying when one will be.
    """
    _check_role(role)
    with context.database.read() as session:
        occurrence = arrange.occurrence(session, occurrence_id)
        live = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
        meeting = session.scalar(live.where(Meeting.state == "open"))
        if meeting is None:
            timezone = session.get_one(Course, occurrence.course_id).timezone
            raise Conflict(_why_closed(occurrence, timezone, now))
        server = session.get_one(Server, meeting.server_id)
    attendee, moderator = context.vault.open_pair(meeting.passwords)
    return context.connect(server).join_url(
        meeting.external_id,
        full_name=name,
        # The password decides the role on every server; `role` is ignored by the older ones (E69).
        password=moderator if role == "moderator" else attendee,
        user_id=user_id,
    )


def _why_closed(occurrence: Occurrence, timezone: str, now: datetime) -> str:
    if occurrence.cancelled_at is not None:
        return "this occurrence is cancelled"
    if now < occurrence.opens_at:
        return f"its room is not open yet; it opens at {local_text(occurrence.opens_at, timezone)}"
    if now >= occurrence.closes_at:
        return f"this occurrence was over at {local_text(occurrence.closes_at, timezone)}"
    return "its room is not open now; see `meetingz occurrence list` and `meetingz doctor`"


def ticket(
    context: Context,
    occurrence_id: int,
    *,
    user_id: str,
    name: str,
    role: str,
    now: datetime,
    lifetime: timedelta | None = None,
) -> str:
    """A signed ticket, safe in an address. Without ``lifetime`` it holds until a day after the sitting."""
    _check_role(role)
    with context.database.read() as session:
        closes_at = arrange.occurrence(session, occurrence_id).closes_at
    expires_at = closes_at + _AFTER if lifetime is None else now + lifetime
    facts = asdict(Ticket(occurrence_id, user_id, name, role, expires_at))
    facts["expires_at"] = int(expires_at.timestamp())
    body = _packed(json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode())
    return f"{body}.{_signature(context, body)}"


def redeem(context: Context, text: str, now: datetime) -> Ticket:
    """The ticket again. Raises InputError where it is not ours, was changed, or has expired."""
    body, _, signature = text.partition(".")
    # Compared as bytes: a stranger may send letters that compare_digest takes only so.
    if not hmac.compare_digest(signature.encode(), _signature(context, body).encode()):
        raise InputError("this link is not valid; ask for a new one")
    facts = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    found = Ticket(**facts | {"expires_at": datetime.fromtimestamp(facts["expires_at"], UTC)})
    if now >= found.expires_at:
        raise InputError("this link has expired; ask for a new one")
    return found


def ticket_link(context: Context, text: str) -> str:
    """The address of our own page that redeems a ticket. Raises SettingsError where we have no public address."""
    if context.settings.public_url is None:
        raise SettingsError("MEETINGZ_PUBLIC_URL is not set: nobody could open a link of ours")
    return f"{context.settings.public_url.rstrip('/')}/join/{text}"


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"the role {role!r} is not one of {', '.join(ROLES)}")


def _signature(context: Context, body: str) -> str:
    """With a key of its own, derived from the vault's: a ticket is nothing else that we sign."""
    key = bytes.fromhex(context.vault.digest(_PURPOSE))
    return _packed(hmac.new(key, body.encode(), hashlib.sha256).digest())


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
