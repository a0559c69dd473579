"""All answers in one place: frozen values and the pure functions from bytes that make them. No I/O."""

from worker.bbb.attendees import Attendee
from worker.bbb.meetings import (
    Created,
    MeetingInfo,
    internal_id,
    parse_created,
    parse_meeting,
    parse_meeting_info,
    parse_meetings,
    parse_running,
)
from worker.bbb.others import (
    PastSession,
    TextTrack,
    Version,
    parse_sessions,
    parse_text_tracks,
    parse_track_put,
    parse_version,
)
from worker.bbb.recordings import Page, Playback, Recording, parse_done, parse_page, parse_recordings
from worker.bbb.segments import split_meetings

__all__ = [
    "Attendee",
    "Created",
    "MeetingInfo",
    "Page",
    "PastSession",
    "Playback",
    "Recording",
    "TextTrack",
    "Version",
    "internal_id",
    "parse_created",
    "parse_done",
    "parse_meeting",
    "parse_meeting_info",
    "parse_meetings",
    "parse_page",
    "parse_recordings",
    "parse_running",
    "parse_sessions",
    "parse_text_tracks",
    "parse_track_put",
    "parse_version",
    "split_meetings",
]
