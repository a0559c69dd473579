"""One meeting and the connections in it: what the server keeps in memory."""

from dataclasses import dataclass, field
from typing import NamedTuple

from worker.simulator.pace import NEVER, Pace
from worker.simulator.profiles import Profile

MODERATOR = "MODERATOR"
VIEWER = "VIEWER"


class TruthStay(NamedTuple):
    """When one connection of a person was truly there, whatever the API said about it."""

    meeting_id: str
    internal_id: str
    user_id: str
    full_name: str
    joined_at: float
    left_at: float | None


class MeetingRecord(NamedTuple):
    """One meeting instance in the server's history, which no API call shows."""

    meeting_id: str
    internal_id: str
    created_at: float
    ended_at: float | None
    end_reason: str | None
    metadata: dict[str, str]
    peak: int


@dataclass(eq=False)
class Connection:
    """One live connection of a person; a second device or a second click is another one."""

    id: str
    user_id: str
    full_name: str
    role: str
    device: str
    joined_at: float
    left_at: float | None = None
    customdata: dict[str, str] = field(default_factory=dict)
    presenter: bool = False
    leaves_conference: float = NEVER
    leaves_count: float = NEVER
    leaves_list: float = NEVER

    @property
    def connected(self) -> bool:
        return self.left_at is None

    def disconnect(self, meeting: "Meeting", at: float, profile: Profile, pace: Pace) -> None:
        """Leave now; the ghost stays visible for as long as the era lets it."""
        self.left_at = at
        gone = pace.audit(meeting.created_at, at + pace.seconds(profile.linger))
        self.leaves_conference = gone
        self.leaves_count = _lingering(meeting, gone, profile.count_lingers, pace)
        self.leaves_list = _lingering(meeting, gone, profile.list_lingers, pace)

    def expel(self, at: float) -> None:
        """The meeting is over: no ghost remains."""
        if self.left_at is None:
            self.left_at = at
        self.leaves_conference = self.leaves_count = self.leaves_list = min(at, self.leaves_list)


def _lingering(meeting: "Meeting", gone: float, lingers: float, pace: Pace) -> float:
    return pace.purge(meeting.created_at, gone + pace.seconds(lingers)) if lingers else gone


@dataclass(eq=False)
class Meeting:
    """A meeting instance; `internal_id` names it for ever, `meeting_id` may be used again."""

    meeting_id: str
    internal_id: str
    create_time: int
    created_at: float
    start_time: int
    name: str
    attendee_pw: str | None
    moderator_pw: str | None
    voice_bridge: str
    unused_limit: float
    emptied_limit: float
    dial_number: str = "613-555-1234"
    duration: int = 0
    max_participants: int = 0
    record: bool = False
    auto_start: bool = False
    logout_url: str = ""
    guest_policy: str = "ALWAYS_ACCEPT"
    metadata: dict[str, str] = field(default_factory=dict)
    parent: "Meeting | None" = None
    sequence: int = 0
    free_join: bool = False
    breakouts: list["Meeting"] = field(default_factory=list, repr=False)
    people: list[Connection] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    used: bool = False
    peak: int = 0
    ending_at: float | None = None
    ending_reason: str = "end"
    ended_at: float | None = None
    end_reason: str | None = None
    recording_since: float | None = None
    recorded: float = 0.0
    version: int = 0
    cache: dict[tuple[bool, bool], bytes] = field(default_factory=dict)
    cached_until: float = NEVER

    @property
    def is_breakout(self) -> bool:
        return self.parent is not None

    @property
    def connected(self) -> list[Connection]:
        return [person for person in self.people if person.connected]

    def touch(self) -> None:
        """Something changed: what was rendered is stale."""
        self.version += 1
        self.cache.clear()

    def listed(self, now: float) -> list[Connection]:
        """Those the server shows as attendees, ghosts included."""
        return [person for person in self.people if now < person.leaves_list]

    def counted(self, now: float) -> list[Connection]:
        """Those in participantCount."""
        return [person for person in self.people if now < person.leaves_count]

    def emptied_at(self) -> float | None:
        """When the last one was or will be noticed to be gone; None while somebody is connected or nobody came."""
        if not self.used or self.connected:
            return None
        return max(person.leaves_conference for person in self.connections)

    def next_change(self, now: float) -> float:
        """The next instant at which an answer about this meeting changes of itself."""
        moments = (
            at for person in self.people for at in (person.leaves_conference, person.leaves_count, person.leaves_list)
        )
        return min((at for at in moments if at > now), default=NEVER)

    def forget_ghosts(self, now: float) -> None:
        self.people = [
            person
            for person in self.people
            if now < max(person.leaves_list, person.leaves_count, person.leaves_conference)
        ]

    def as_record(self) -> MeetingRecord:
        return MeetingRecord(
            self.meeting_id,
            self.internal_id,
            self.created_at,
            self.ended_at,
            self.end_reason,
            dict(self.metadata),
            self.peak,
        )


def fate(meeting: Meeting, pace: Pace) -> tuple[float, str] | None:
    """When and why this meeting ends, unless something happens first."""
    ends = [(meeting.ending_at, meeting.ending_reason)] if meeting.ending_at is not None else []
    if meeting.duration > 0:
        limit = meeting.created_at + pace.minutes(meeting.duration)
        ends.append((pace.audit(meeting.created_at, limit), "duration"))
    if not meeting.is_breakout:
        ends += _expiry(meeting, pace)
    return min(ends, default=None)


def _expiry(meeting: Meeting, pace: Pace) -> list[tuple[float, str]]:
    if not meeting.used:
        return [(pace.audit(meeting.created_at, meeting.created_at + meeting.unused_limit), "unused")]
    empty = meeting.emptied_at()
    if empty is None:
        return []
    return [(pace.audit(meeting.created_at, empty + meeting.emptied_limit), "emptied")]
