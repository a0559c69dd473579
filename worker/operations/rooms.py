"""What a meeting is called, what it is made with, and what is written on it: pure functions of stored columns."""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import worker
from worker import bbb
from worker.domain import labels, lifecycle
from worker.errors import InputError
from worker.settings import Settings
from worker.store.tables import Course, Installation, Meeting, Occurrence
from worker.store.upsert import insert_new

#: What a course's options may not set: these are ours to decide.
RESERVED = frozenset({"meetingID", "name", "attendeePW", "moderatorPW", "duration", "record", "checksum"})


def installation_token(session: Session) -> str:
    """The random token of this database, made at first use."""
    wanted = select(Installation.token).where(Installation.id == 1)
    if (token := session.scalar(wanted)) is None:
        insert_new(session, Installation, [{"id": 1, "token": secrets.token_hex(4)}])
        token = session.scalars(wanted).one()
    return token


def external_id(token: str, occurrence_id: int) -> str:
    """The ``meetingID``: the same for every run of an occurrence, and no other database's.

    Only letters, digits and dashes: vendors' clients and servers disagree on the encoding of anything else.
    """
    return f"mtz-{token}-{occurrence_id}"


def create_params(
    settings: Settings, course: Course, occurrence: Occurrence, meeting: Meeting, passwords: tuple[str, str]
) -> bbb.CreateParams:
    """The identical call, however often it is repeated; never a function of the clock (E18)."""
    lead = settings.lead_seconds if course.lead_seconds is None else course.lead_seconds
    grace = settings.grace_seconds if course.grace_seconds is None else course.grace_seconds
    length = (occurrence.closes_at - occurrence.starts_at).total_seconds()
    always = course.record == "always"
    return bbb.CreateParams(
        meeting_id=meeting.external_id,
        name=_name(course.title),
        attendee_pw=passwords[0],
        moderator_pw=passwords[1],
        duration_minutes=0 if course.end_policy == "never" else lifecycle.duration_minutes(lead, length, grace),
        record=course.record != "never",
        auto_start_recording=True if always else None,
        allow_start_stop_recording=False if always else None,
        meta=labels_of(settings, course, occurrence),
        extra=_options(course.options),
    )


def labels_of(settings: Settings, course: Course, occurrence: Occurrence) -> dict[str, str]:
    """What we write on every meeting of an occurrence."""
    return labels.write(
        origin=settings.origin,
        version=worker.__version__,
        course_code=course.code,
        title=course.title,
        occurrence=str(occurrence.id),
        original_start=occurrence.original_start,
    )


def check_options(options: Mapping[str, str]) -> None:
    """Refuse options that would break our own promises. Raises InputError."""
    for key in options:
        if key in RESERVED:
            raise InputError(f"the option {key!r} is decided by the timetable; leave it out")


def _options(options: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in options.items() if key not in RESERVED}


def _name(title: str) -> str:
    """Newer servers want 2 to 256 characters (E23)."""
    return title[:256] if len(title) >= 2 else f"{title} ·"
