"""What a meeting is called, what it is made with, and what is written on it: pure functions of stored columns."""

import re
from typing import Any

import worker
from worker import bbb
from worker.domain import labels, lifecycle
from worker.operations.meetings import endings
from worker.operations.timetable import leads, options
from worker.settings import Settings
from worker.store.tables import Course, Meeting, Occurrence

_OURS = re.compile(r"mtz-[^-]+-([0-9]{1,18})")
_END_CALLBACK = "meta_endcallbackurl"


def external_id(token: str, occurrence_id: int) -> str:
    """The ``meetingID``: the same for every run of an occurrence, and no other database's.

    Only letters, digits and dashes: vendors' clients and servers disagree on the encoding of anything else.
    """
    return f"mtz-{token}-{occurrence_id}"


def occurrence_of(external_id: str) -> int | None:
    """Which occurrence a ``meetingID`` would be of, if it were ours; None for one that is not written like ours."""
    found = _OURS.fullmatch(external_id)
    return None if found is None else int(found[1])


def create_params(
    settings: Settings, course: Course, occurrence: Occurrence, meeting: Meeting, passwords: tuple[str, str]
) -> bbb.CreateParams:
    """The identical call, however often it is repeated; never a function of the clock (E18)."""
    chosen = options.merged(callbacks(settings, meeting.server_id), settings.create, course.options)
    return bbb.CreateParams(
        meeting_id=meeting.external_id,
        name=_name(course.title),
        attendee_pw=passwords[0],
        moderator_pw=passwords[1],
        duration_minutes=_duration(settings, course, occurrence),
        record=course.record != "never",
        **{**_unused(settings, course, occurrence), **_recording(course, chosen)},
        meta={**chosen.meta, **labels_of(settings, course, occurrence)},
        extra=chosen.extra,
    )


def callbacks(settings: Settings, server_id: int) -> dict[str, object]:
    """Where a server tells our page what happens, and that it keeps what its own report of attendance is made of.

    The addresses hold no secret: what comes to them is believed when it is signed (protocol section 8). The end, which
    is not signed, names the server: a run that was left behind on another one has the same ``meetingID``.
    """
    if settings.public_url is None or not settings.callbacks:
        return {}
    base = f"{settings.public_url.rstrip('/')}/callbacks"
    return {
        "meetingKeepEvents": True,
        "meta_analytics-callback-url": f"{base}/analytics",
        "meta_bbb-recording-ready-url": f"{base}/recording-ready",
        _END_CALLBACK: f"{base}/meeting-ended?server={server_id}",
    }


def tells_its_end(settings: Settings, course: Course, server_id: int) -> bool:
    """Whether the rooms of this course are made with the address where our page hears of their end, and no other."""
    asked = callbacks(settings, server_id)
    ours = asked.get(_END_CALLBACK)
    chosen = options.merged(asked, settings.create, course.options).meta
    return ours is not None and chosen.get(_END_CALLBACK.removeprefix("meta_")) == ours


def _unused(settings: Settings, course: Course, occurrence: Occurrence) -> dict[str, int]:
    """An empty room lives as long as its class may still come, where the server knows the parameter (2.5 and later)."""
    lead = leads.lead_of(settings, course).total_seconds()
    whole = lead + (occurrence.closes_at - occurrence.starts_at).total_seconds()
    return {"meeting_expire_if_no_user_joined_minutes": int(-(-whole // 60))}


def _duration(settings: Settings, course: Course, occurrence: Occurrence) -> int:
    """As long as we may let it run, so that the server's own clock never ends it before we do."""
    if course.end_policy == "never":
        return 0
    lead = leads.lead_of(settings, course).total_seconds()
    grace = endings.grace_of(settings, course).total_seconds()
    spare = settings.spare_limit_seconds if course.end_policy == "spare" else 0
    length = (occurrence.closes_at - occurrence.starts_at).total_seconds()
    return lifecycle.duration_minutes(lead, length, grace + spare)


def _recording(course: Course, chosen: options.Chosen) -> dict[str, Any]:
    """What is to be recorded always begins by itself and cannot be stopped."""
    if course.record != "always":
        return chosen.fields
    return {**chosen.fields, "auto_start_recording": True, "allow_start_stop_recording": False}


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


def _name(title: str) -> str:
    """Newer servers want 2 to 256 characters (E23)."""
    return title[:256] if len(title) >= 2 else f"{title} ·"
