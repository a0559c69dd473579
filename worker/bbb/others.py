"""The small answers: version, text tracks, Meetingz' past sessions (protocol sections 4.0, 4.11 to 4.13, 9)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from worker.bbb.envelope import Element, answer, json_answer
from worker.bbb.errors import Garbled, Refused
from worker.bbb.values import instant, integer, word


@dataclass(frozen=True, slots=True)
class Version:
    """`api` is 2.0 from BigBlueButton 2.0 to 3.x and says little; `build` is the real version, often hidden."""

    api: str
    build: str = ""


@dataclass(frozen=True, slots=True)
class TextTrack:
    """Subtitles of a recording. `href` holds a token that works once, for an hour."""

    href: str = field(repr=False)
    kind: str = ""
    label: str = ""
    lang: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class PastSession:
    """One sitting that Meetingz remembers (E92). Times are UTC, None if unreadable.

    `duration` is as sent, its unit undocumented (it looks like seconds); `recording_url` is the cloud recording,
    `plain_recording_url` the ordinary one.
    """

    session_id: str = ""
    name: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int = 0
    duration_text: str = ""
    user_count: int = 0
    comment: str = ""
    recording_url: str = ""
    plain_recording_url: str = ""


def parse_version(body: bytes) -> Version:
    """The answer of the bare `api/`."""
    root = answer(body)
    api = word(root.findtext("apiVersion")) or word(root.findtext("version"))
    return Version(api, word(root.findtext("bbbVersion")))


def parse_text_tracks(body: bytes) -> list[TextTrack]:
    """The JSON answer to `getRecordingTextTracks`; its refusals come as JSON or XML (E89). No captions: empty."""
    try:
        tracks = _either(body).get("tracks")
    except Refused as refused:
        if refused.key == "noCaptionsFound":
            return []
        raise
    return [_track(track) for track in tracks or () if isinstance(track, dict)]


def parse_track_put(body: bytes) -> None:
    """The answer to `putRecordingTextTrack`: accepted, not yet done. Raises `Refused` with its key."""
    _either(body)


def parse_sessions(body: bytes) -> list[PastSession]:
    """The answer to `getSessions`, oldest first. Rows of one name that start in one minute are one sitting (E92)."""
    sessions = answer(body).find("sessions")
    if sessions is None:
        return []
    rows = [_old_row(child) for child in sessions.iterfind("meeting")] or _rows(word(sessions.text))
    return _merged(map(_session, rows))


def _either(body: bytes) -> dict[str, Any]:
    if body[:64].lstrip().startswith(b"<"):
        answer(body)
        raise Garbled("XML where JSON was expected")
    return json_answer(body)


def _track(track: dict[str, Any]) -> TextTrack:
    return TextTrack(*(str(track.get(name) or "") for name in ("href", "kind", "label", "lang", "source")))


def _rows(text: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text or "[]")
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        raise Garbled("past sessions that are not a JSON list")
    return [row for row in rows if isinstance(row, dict)]


def _old_row(element: Element) -> dict[str, Any]:
    """The undocumented form of BigBlueButton itself: id and name only."""
    return {"id": word(element.findtext("meetingID")), "name": word(element.findtext("meetingName"))}


def _session(row: dict[str, Any]) -> PastSession:
    def text(name: str) -> str:
        value = row.get(name)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    return PastSession(
        session_id=text("id"),
        name=text("name"),
        started_at=instant(row.get("started_at")),
        ended_at=instant(row.get("ended_at")),
        duration=integer(text("realDuration")),
        duration_text=text("realDurationStr"),
        user_count=integer(text("userCount")),
        comment=text("comment"),
        recording_url=text("record_url"),
        plain_recording_url=text("record0_url"),
    )


def _merged(sessions: Iterable[PastSession]) -> list[PastSession]:
    kept: dict[object, PastSession] = {}
    for session in sessions:
        started = session.started_at
        key = (session.name, started.replace(second=0, microsecond=0)) if started else object()
        if key not in kept or session.duration > kept[key].duration:
            kept[key] = session
    return sorted(kept.values(), key=lambda session: session.started_at.timestamp() if session.started_at else 0.0)
