"""The whole state of one server. Every question first brings the state up to now; nothing runs in the background."""

import heapq
import itertools
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker.simulator.faults import Faults
from worker.simulator.ledger import Ledger
from worker.simulator.meeting import MODERATOR, VIEWER, Connection, Meeting, MeetingRecord, TruthStay, fate
from worker.simulator.pace import Pace
from worker.simulator.profiles import Profile, profile_named
from worker.simulator.recording import Recording, recording_of
from worker.simulator.telling import end_callback

BOT = "recorder"
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class NoSuchMeeting(LookupError):
    """No live meeting has this id."""


class World:
    """A server's state, its people and its clocks; see the package's page for the meaning of each argument."""

    def __init__(
        self,
        secret: str,
        *,
        profile: str | Profile = "B",
        seed: int = 0,
        scale: float = 1.0,
        clock: Callable[[], float] = time.time,
        minute_seconds: float | None = None,
        connect_on_join: bool = True,
        control_token: str | None = None,
        media_size: int = 100_000,
    ) -> None:
        self.secret = secret
        self.profile = profile_named(profile)
        self.pace = Pace(scale, minute_seconds if minute_seconds is not None else 60.0 / scale)
        self.connect_on_join = connect_on_join
        self.control_token = control_token
        self.media_size = media_size
        self.faults = Faults(seed)
        self.recordings: dict[str, Recording] = {}
        self.callbacks: queue.SimpleQueue[str] = queue.SimpleQueue()  # addresses to be called; `telling` does
        self.waiting: dict[str, tuple[Meeting, Connection]] = {}
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 (repeatable on purpose)
        self._lock = threading.RLock()
        self._ledger = Ledger()
        self._ends: list[tuple[float, int, int, Meeting]] = []
        self._order = itertools.count()
        self._recorder_free_at = 0.0

    # Time

    @contextmanager
    def at_now(self) -> Iterator[float]:
        """Hold the world still at the present instant."""
        with self._lock:
            now = self._clock()
            self._advance(now)
            yield now

    def _advance(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            at, _, version, meeting = heapq.heappop(self._ends)
            if meeting.version != version or meeting.ended_at is not None:
                continue
            end = fate(meeting, self.pace)
            self._finish(meeting, at, end[1] if end else "end")

    def _changed(self, meeting: Meeting) -> None:
        meeting.touch()
        end = fate(meeting, self.pace)
        if end is not None and meeting.ended_at is None:
            heapq.heappush(self._ends, (end[0], next(self._order), meeting.version, meeting))

    def _finish(self, meeting: Meeting, at: float, reason: str) -> None:
        for room in meeting.breakouts:
            if room.ended_at is None:
                self._finish(room, at, reason)
        self._stop_recording(meeting, at)
        meeting.ended_at, meeting.end_reason = at, reason
        for person in meeting.people:
            person.expel(at)
        meeting.touch()
        self._announce(meeting)
        self._ledger.retire(meeting)
        self._archive(meeting)
        if meeting.parent is not None:
            self._changed(meeting.parent)

    def _announce(self, meeting: Meeting) -> None:
        """A web application that has forgotten a meeting says nothing of its end."""
        address = end_callback(meeting)
        if address is not None and self._ledger.live.get(meeting.meeting_id) is meeting:
            self.callbacks.put(address)

    def _archive(self, meeting: Meeting) -> None:
        recording = recording_of(meeting, self.profile, self.pace, self._recorder_free_at)
        if recording is not None:
            self.recordings[recording.record_id] = recording
            self._recorder_free_at = max(recording.formats_at.values())

    # Meetings

    def find(self, meeting_id: str) -> Meeting | None:
        """The meeting the API would find under this id; hold the world still while using it."""
        oldest = self._clock() - self.pace.seconds(self.profile.ended_visible)
        return self._ledger.live.get(meeting_id) or self._ledger.ended_since(meeting_id, oldest)

    def known(self) -> list[Meeting]:
        """Every live meeting the API can see."""
        return list(self._ledger.live.values())

    def every(self) -> list[Meeting]:
        """Every instance there ever was, oldest first."""
        return list(self._ledger.every)

    def open(self, meeting: Meeting) -> None:
        """Take in a new meeting."""
        self._ledger.enter(meeting)
        if meeting.parent is not None:
            meeting.parent.breakouts.append(meeting)
            self._changed(meeting.parent)
        self._changed(meeting)

    def is_taken(self, internal_id: str) -> bool:
        return internal_id in self._ledger.internal_ids

    def ask_to_end(self, meeting: Meeting, now: float) -> None:
        """Ends it a little later, as the server does."""
        if meeting.ending_at is None:
            meeting.ending_at = now + self.pace.seconds(self.profile.end_delay)
            self._changed(meeting)

    def meeting(self, meeting_id: str) -> Meeting | None:
        """The live meeting of this id, if there is one."""
        with self.at_now():
            return self._ledger.live.get(meeting_id)

    def meetings(self) -> list[Meeting]:
        """Every live meeting."""
        with self.at_now():
            return self.known()

    def end_from_inside(self, meeting_id: str) -> None:
        """A moderator ends the meeting in the client."""
        with self.at_now() as now:
            self._finish(self._require(meeting_id), now, "inside")

    def restart_web(self) -> None:
        """The web application forgets every meeting while people sit on in the conferences."""
        with self.at_now():
            self._ledger.live.clear()

    def _require(self, meeting_id: str) -> Meeting:
        if meeting_id not in self._ledger.live:
            raise NoSuchMeeting(meeting_id)
        return self._ledger.live[meeting_id]

    # People

    def token(self, length: int) -> str:
        """A random word, repeatable by seed."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def join(self, meeting_id: str, user_id: str, full_name: str, role: str = VIEWER, *, device: str = "1") -> str:
        """A person comes in; the same device twice is the same connection. Answers the connection's id."""
        with self.at_now() as now:
            meeting = self._require(meeting_id)
            for person in meeting.connected:
                if (person.user_id, person.device) == (user_id, device):
                    return person.id
            name = self.profile.cleaned(full_name)
            person = Connection("w_" + self.token(12), user_id, name, role.upper(), device, now)
            self.connect(meeting, person, now)
            return person.id

    def connect(self, meeting: Meeting, person: Connection, now: float) -> None:
        """A registered person's client is up."""
        person.joined_at = now
        person.presenter = person.role == MODERATOR and not any(other.presenter for other in meeting.connected)
        self._make_room(meeting, person, now)
        meeting.forget_ghosts(now)
        meeting.people.append(person)
        meeting.connections.append(person)
        meeting.used = True
        meeting.peak = max(meeting.peak, len(meeting.connected))
        if meeting.auto_start and meeting.record:
            self._start_recording(meeting, now)
        self._changed(meeting)

    def _make_room(self, meeting: Meeting, person: Connection, now: float) -> None:
        limit = self.profile.max_sessions
        sessions = [other for other in meeting.connected if other.user_id == person.user_id]
        if limit is not None and len(sessions) >= limit:
            sessions[0].disconnect(meeting, now, self.profile, self.pace)

    def leave(self, meeting_id: str, user_id: str, device: str | None = None) -> None:
        """A person's connections are cut, or that of one device; the server notices later."""
        with self.at_now() as now:
            for meeting in self._ledger.running.get(meeting_id, ()):
                self._disconnect(meeting, user_id, device, now)

    def _disconnect(self, meeting: Meeting, user_id: str, device: str | None, now: float) -> None:
        leaving = [p for p in meeting.connected if p.user_id == user_id and device in (None, p.device)]
        if all(person in leaving or person.device == BOT for person in meeting.connected):
            leaving = meeting.connected  # a recorder does not stay in an empty room
        for person in leaving:
            person.disconnect(meeting, now, self.profile, self.pace)
        if leaving and not meeting.connected:
            self._stop_recording(meeting, now)  # auto-start begins again with the next one who comes
        if leaving:
            self._changed(meeting)

    def promote(self, meeting_id: str, user_id: str, role: str = MODERATOR) -> None:
        """A person's role changes while the class runs."""
        with self.at_now():
            meeting = self._require(meeting_id)
            for person in meeting.people:
                if person.user_id == user_id:
                    person.role = role.upper()
            self._changed(meeting)

    # Recording

    def press_record(self, meeting_id: str) -> bool:
        """Somebody presses the record button. Answers whether it is recording now."""
        with self.at_now() as now:
            meeting = self._require(meeting_id)
            if meeting.recording_since is None:
                self._start_recording(meeting, now)
            else:
                self._stop_recording(meeting, now)
            return meeting.recording_since is not None

    def _start_recording(self, meeting: Meeting, now: float) -> None:
        if meeting.record and meeting.connected and meeting.recording_since is None:
            meeting.recording_since = now
            self._call_bot(meeting, now)

    def _call_bot(self, meeting: Meeting, now: float) -> None:
        name = self.profile.recorder_bot
        if name is not None and all(person.user_id != name for person in meeting.connected):
            self.connect(meeting, Connection("w_" + self.token(12), name, name, VIEWER, BOT, now), now)

    def _stop_recording(self, meeting: Meeting, now: float) -> None:
        if meeting.recording_since is not None:
            meeting.recorded += now - meeting.recording_since
            meeting.recording_since = None

    # What nobody outside may know

    def truth(self) -> list[TruthStay]:
        """The true presence of every connection in every meeting there ever was."""
        with self.at_now():
            return [
                TruthStay(m.meeting_id, m.internal_id, p.user_id, p.full_name, p.joined_at, p.left_at)
                for m in self._ledger.every
                for p in m.connections
            ]

    def history(self) -> list[MeetingRecord]:
        """Every meeting instance there ever was, oldest first."""
        with self.at_now():
            return [meeting.as_record() for meeting in self._ledger.every]
