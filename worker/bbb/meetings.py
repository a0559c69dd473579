"""Answers about meetings: `create`, `getMeetingInfo`, `getMeetings` (protocol sections 4.1, 4.5, 4.6).

Times are milliseconds since 1970 by the server's clock, 0 where unknown: good for identity, not for measuring (E45).
"""

import hashlib
from dataclasses import dataclass, field

from worker.bbb.attendees import Attendee, parse_attendees
from worker.bbb.envelope import Element, answer, document, message_key, text_map
from worker.bbb.errors import Garbled
from worker.bbb.values import boolean, integer, word


@dataclass(frozen=True, slots=True)
class Created:
    """What `create` made, or found: with `duplicate` it describes the meeting as it was (E18).

    A run of a meeting is named by `internal_id`, and `create_time_ms` tells a new one from an old one even where
    `duplicate` is lost on the way (E30, E32). `voice_bridge` is text: it may begin with 0 (E28).
    """

    meeting_id: str
    internal_id: str
    create_time_ms: int
    attendee_pw: str = field(repr=False)
    moderator_pw: str = field(repr=False)
    duplicate: bool = False
    voice_bridge: str = ""
    dial_number: str = ""
    parent_id: str = ""
    has_user_joined: bool = False
    duration_minutes: int = 0
    forcibly_ended: bool = False


@dataclass(frozen=True, slots=True)
class MeetingInfo:
    """One run of a meeting as the server sees it now.

    `running` means that somebody is in. `recording` repeats the `record` of `create`: it does not mean that a recording
    is being made. `start_time_ms` is the birth of the meeting, not of the class (E36). `participant_count` may differ
    from `len(attendees)`; the attendees are right (E51). `duration_minutes` 0 is without limit, as is `max_users`.
    `parent_id` is the internal id of the main room of a breakout room; `breakout_ids` are a main room's children.
    """

    meeting_id: str
    internal_id: str
    name: str = ""
    create_time_ms: int = 0
    running: bool = False
    has_user_joined: bool = False
    recording: bool = False
    forcibly_ended: bool = False
    start_time_ms: int = 0
    end_time_ms: int = 0
    participant_count: int = 0
    moderator_count: int = 0
    listener_count: int = 0
    voice_participant_count: int = 0
    video_count: int = 0
    max_users: int = 0
    duration_minutes: int = 0
    attendees: tuple[Attendee, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    is_breakout: bool = False
    parent_id: str = ""
    sequence: int = 0
    breakout_ids: tuple[str, ...] = ()
    voice_bridge: str = ""
    dial_number: str = ""
    attendee_pw: str = field(default="", repr=False)
    moderator_pw: str = field(default="", repr=False)

    @property
    def lists_attendees(self) -> bool:
        """Whether everyone who is counted is also named; old lists only counted (protocol section 4.6)."""
        return bool(self.attendees) or self.participant_count == 0


def parse_created(body: bytes) -> Created:
    """The answer to `create`. Raises `Garbled` if the meeting cannot be told from its next run: no `createTime`."""
    root = answer(body)
    read = fields(root)
    meeting_id, created = word(read.get("meetingID")), integer(read.get("createTime"))
    if not meeting_id or not created:
        raise Garbled("a meeting without meetingID or createTime")
    return Created(
        meeting_id=meeting_id,
        internal_id=word(read.get("internalMeetingID")) or internal_id(meeting_id, created),
        create_time_ms=created,
        attendee_pw=read.get("attendeePW") or "",
        moderator_pw=read.get("moderatorPW") or "",
        duplicate=message_key(root) == "duplicateWarning",
        voice_bridge=word(read.get("voiceBridge")),
        dial_number=word(read.get("dialNumber")),
        parent_id=word(read.get("parentMeetingID")),
        has_user_joined=boolean(read.get("hasUserJoined")),
        duration_minutes=integer(read.get("duration")),
        forcibly_ended=boolean(read.get("hasBeenForciblyEnded")),
    )


def parse_meeting_info(body: bytes) -> MeetingInfo:
    """The answer to `getMeetingInfo`. Raises `NotFound` if the server knows no such meeting."""
    return read_meeting(answer(body))


def parse_meetings(body: bytes) -> list[MeetingInfo]:
    """The answer to `getMeetings`, in the server's order. An answer without a list is `Garbled`, not an empty list."""
    return [read_meeting(meeting) for meeting in listed(answer(body))]


def parse_meeting(segment: bytes) -> MeetingInfo:
    """One `<meeting>` of `split_meetings`. `Garbled` if it cannot be read: nothing is then known of that meeting."""
    return read_meeting(document(segment, b"meeting"))


def parse_running(body: bytes) -> bool:
    """The answer to `isMeetingRunning`; an unknown meeting is not running (E41)."""
    running = answer(body).findtext("running")
    if running is None:
        raise Garbled("an answer to isMeetingRunning without <running>")
    return boolean(running)


def listed(root: Element) -> list[Element]:
    """The `<meeting>` elements of an answer. "There are none" must have been said, for much hangs on it."""
    meetings = root.find("meetings")
    if meetings is None and message_key(root) != "noMeetings":
        raise Garbled("an answer to getMeetings without <meetings>")
    return [] if meetings is None else meetings.findall("meeting")


def internal_id(meeting_id: str, create_time_ms: int) -> str:
    """The server's name for one run of a meeting, and the `recordID` of its recording (protocol section 4.1, E71)."""
    digest = hashlib.sha1(meeting_id.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"{digest}-{create_time_ms}"


def identity(read: dict[str, str | None]) -> tuple[str, str, int]:
    """A meeting's id, the name of this run of it, and when it was made, from the :func:`fields` of its element."""
    meeting_id, created = word(read.get("meetingID")), integer(read.get("createTime"))
    if not meeting_id:
        raise Garbled("a meeting without meetingID")
    internal = word(read.get("internalMeetingID")) or (internal_id(meeting_id, created) if created else "")
    return meeting_id, internal, created


def read_meeting(element: Element) -> MeetingInfo:
    """A meeting from its element: `<response>` of `getMeetingInfo` or `<meeting>` of `getMeetings`."""
    read, nested = fields(element), {child.tag: child for child in element if len(child)}
    meeting_id, internal, created = identity(read)
    return MeetingInfo(
        meeting_id=meeting_id,
        internal_id=internal,
        name=read.get("meetingName") or "",
        create_time_ms=created,
        running=boolean(read.get("running")),
        has_user_joined=boolean(read.get("hasUserJoined")),
        recording=boolean(read.get("recording")),
        forcibly_ended=boolean(read.get("hasBeenForciblyEnded")),
        start_time_ms=integer(read.get("startTime")),
        end_time_ms=integer(read.get("endTime")),
        participant_count=integer(read.get("participantCount")),
        moderator_count=integer(read.get("moderatorCount")),
        listener_count=integer(read.get("listenerCount")),
        voice_participant_count=integer(read.get("voiceParticipantCount")),
        video_count=integer(read.get("videoCount")),
        max_users=integer(read.get("maxUsers")),
        duration_minutes=integer(read.get("duration")),
        attendees=parse_attendees(nested.get("attendees")),
        metadata=text_map(nested.get("metadata")),
        is_breakout=boolean(read.get("isBreakout")),
        parent_id=word(read.get("parentMeetingID")),
        sequence=integer(read.get("sequence")),
        breakout_ids=tuple(word(child.text) for child in nested.get("breakoutRooms", ())),
        voice_bridge=word(read.get("voiceBridge")),
        dial_number=word(read.get("dialNumber")),
        attendee_pw=read.get("attendeePW") or "",
        moderator_pw=read.get("moderatorPW") or "",
    )


def fields(element: Element) -> dict[str, str | None]:
    """The texts of an element's children, by their names."""
    return {child.tag: child.text for child in element}
