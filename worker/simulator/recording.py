"""A recording and the slow road from the end of a meeting to its last format."""

from dataclasses import dataclass, field

from worker.simulator.meeting import Meeting
from worker.simulator.pace import Pace
from worker.simulator.profiles import Profile

STATES = ("processing", "processed", "published", "unpublished", "deleted")


@dataclass
class TextTrack:
    """Captions or subtitles of a recording."""

    kind: str
    lang: str
    label: str
    data: bytes
    ready_at: float


@dataclass
class Recording:
    """One recording; `record_id` is the internal id of its meeting."""

    record_id: str
    meeting_id: str
    name: str
    started: int
    ended: int
    participants: int
    length: float
    archived_at: float
    processed_at: float
    formats_at: dict[str, float]
    metadata: dict[str, str]
    published: bool = True
    deleted: bool = False
    tracks: list[TextTrack] = field(default_factory=list)

    def state(self, now: float) -> str | None:
        """None before the first trace of it is on disk."""
        if now < self.archived_at:
            return None
        if now < self.processed_at:
            return "processing"
        if now < min(self.formats_at.values()):
            return "processed"
        if self.deleted:
            return "deleted"
        return "published" if self.published else "unpublished"

    def settled(self, now: float) -> bool:
        """Whether publish, delete and update know it."""
        return self.state(now) in ("published", "unpublished")

    def formats(self, now: float) -> list[str]:
        """The formats that can be played by now, in the order in which they appeared."""
        return [name for name, at in self.formats_at.items() if at <= now]


def recording_of(meeting: Meeting, profile: Profile, pace: Pace, free_at: float) -> Recording | None:
    """What the server makes of an ended meeting; None where nothing was recorded."""
    if not (profile.formats and meeting.record and meeting.recorded > 0 and meeting.ended_at is not None):
        return None
    archived = meeting.ended_at + pace.seconds(profile.archive_after)
    if profile.one_at_a_time:
        archived = max(archived, free_at)
    processed = archived + pace.seconds(profile.process_for)
    step = pace.seconds(profile.format_every)
    return Recording(
        record_id=meeting.internal_id,
        meeting_id=meeting.meeting_id,
        name=meeting.name,
        started=meeting.create_time,
        ended=int(meeting.ended_at * 1000),
        participants=len({person.user_id for person in meeting.connections}),
        length=meeting.recorded / pace.minute,
        archived_at=archived,
        processed_at=processed,
        formats_at={name: processed + step * (n + 1) for n, name in enumerate(profile.formats)},
        metadata=_metadata(meeting),
    )


def _metadata(meeting: Meeting) -> dict[str, str]:
    own = {"meetingName": meeting.name, "meetingId": meeting.meeting_id, "isBreakout": str(meeting.is_breakout).lower()}
    return {**meeting.metadata, **own}
