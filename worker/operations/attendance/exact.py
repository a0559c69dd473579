"""exact: what a server itself reports after a meeting replaces what polls saw, for the time that its report covers.

The receiver of the callback checks its signature and its size; this trusts nothing else in it. The report speaks in the
server's clock: where that disagrees with ours about when the meeting was made, the report is moved by the difference.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from worker import bbb
from worker.domain.attendance import Seen
from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.attendance import fold
from worker.operations.context import Context
from worker.store.locks import HELD
from worker.store.tables import ExactStay, Meeting, Observation, Occurrence
from worker.store.upsert import insert_new

_ID, _NAME = 256, 512

Rows = list[dict[str, object]]


def accept(context: Context, payload: Mapping[str, Any], server_id: int, now: datetime) -> Literal["accepted", "known"]:
    """Take one analytics payload of this server; the same one again changes nothing, and says so.

    Raises bbb.Garbled for what is no such payload, Unknown for a meeting that is not ours on this server, InputError
    for a report of nobody where polls saw people: such a report is missing its people, not the class.
    """
    told = bbb.parse_analytics(payload)
    with context.database.write() as session:
        meeting = _meeting(session, told, server_id)
        if not told.presences and _somebody_seen(session, meeting.id):
            raise InputError("the report names nobody, yet people were seen in this meeting; it is not used")
        shift = skew(meeting.create_time, _first_asked(session, meeting), meeting.opened_at)
        covers, rows = (told.started_at + shift, told.finished_at + shift), _rows(meeting.id, told, shift)
        if (meeting.exact_from, meeting.exact_until) == covers and rows == _kept(session, meeting.id):
            return "known"
        session.execute(delete(ExactStay).where(ExactStay.meeting_id == meeting.id))
        insert_new(session, ExactStay, rows)
        meeting.exact_from, meeting.exact_until = covers
        session.flush()
        _fold_again(session, context, meeting.occurrence_id, now)
        detail = f"{len(rows)} stays of meeting {meeting.id}"
        story.tell(session, "exact", now, occurrence_id=meeting.occurrence_id, detail=detail)
    return "accepted"


def skew(create_time_ms: int | None, asked_at: datetime, opened_at: datetime | None) -> timedelta:
    """What to add to a server's times, so that it made the meeting between our asking and its answer (E45)."""
    if create_time_ms is None or opened_at is None:
        return timedelta(0)
    made = datetime.fromtimestamp(create_time_ms / 1000, UTC)
    return min(max(made, asked_at), opened_at) - made


def _meeting(session: Session, told: bbb.Analytics, server_id: int) -> Meeting:
    # A server chooses the internal id it answers with: it could name a meeting of another's.
    wanted = select(Meeting).where(Meeting.internal_id == told.internal_id, Meeting.server_id == server_id)
    found = session.scalars(wanted.where(Meeting.external_id == told.meeting_id)).first()
    if found is None:
        raise Unknown(f"there is no meeting {told.internal_id[:128]!r} of ours")
    # Held: a fold of its class that is under way is waited for, and one that comes sees what is written here.
    if session.get_one(Occurrence, found.occurrence_id, with_for_update=HELD).pruned_at is not None:
        raise Unknown("this meeting is too old: what is known of its people was pruned")
    return found


def _first_asked(session: Session, meeting: Meeting) -> datetime:
    """The first request that may have made it: one that was given up without an answer may have been carried out."""
    unanswered = select(func.min(Meeting.requested_at)).where(
        Meeting.occurrence_id == meeting.occurrence_id,
        Meeting.server_id == meeting.server_id,
        Meeting.internal_id.is_(None),
    )
    return min(meeting.requested_at, session.scalar(unanswered) or meeting.requested_at)


def _somebody_seen(session: Session, meeting_id: int) -> bool:
    seen = exists(
        select(Observation.meeting_id).where(Observation.meeting_id == meeting_id, Observation.attendees != "")
    )
    return bool(session.scalar(select(seen)))


def _rows(meeting_id: int, told: bbb.Analytics, shift: timedelta) -> Rows:
    """One row a person and start; who is named twice with one start keeps the longer one."""
    found: dict[tuple[str, datetime], dict[str, object]] = {}
    for each in sorted(told.presences, key=lambda presence: presence.left_at):
        seen = Seen(_clean(each.user_id)[:_ID], _clean(each.full_name)[:_NAME], each.role)
        first = each.joined_at + shift
        found[seen.key, first] = {
            "meeting_id": meeting_id,
            "attendee_key": seen.key,
            "first_at": first,
            "last_at": each.left_at + shift,
            "full_name": seen.full_name,
            "role": seen.role,
        }
    return [found[key] for key in sorted(found)]


def _clean(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which JSON can carry and no database can."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _kept(session: Session, meeting_id: int) -> Rows:
    wanted = select(ExactStay).where(ExactStay.meeting_id == meeting_id)
    keys = ("meeting_id", "attendee_key", "first_at", "last_at", "full_name", "role")
    rows = [{key: getattr(row, key) for key in keys} for row in session.scalars(wanted)]
    return sorted(rows, key=lambda row: (row["attendee_key"], row["first_at"]))


def _fold_again(session: Session, context: Context, occurrence_id: int, now: datetime) -> None:
    """What is settled already is folded anew; what is not will be, with this in it."""
    occurrence = session.get_one(Occurrence, occurrence_id)
    if occurrence.settled_at is not None:
        fold.write(session, context, occurrence, now)
