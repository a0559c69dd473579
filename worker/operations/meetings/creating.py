"""The call between the two steps of provision: ``create``, read back where the id is taken, in a server's own time."""

import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from worker import bbb
from worker.domain import labels
from worker.operations import aside
from worker.operations.context import Context
from worker.operations.meetings import rooms
from worker.store.tables import Course, Meeting, Occurrence, Server

#: A server that was silent this often within a batch is not asked again in it: each silence costs a time limit.
_SILENCES = 2


@dataclass(frozen=True, slots=True)
class Request:
    """All that the call needs, read beforehand, so that no transaction is open while the server thinks."""

    meeting: Meeting
    server: Server
    course: Course
    occurrence: Occurrence

    @property
    def occurrence_id(self) -> int:
        return self.occurrence.id


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. ``trouble`` says why nothing did; it is ``ours`` where no server was at fault."""

    request: Request
    internal_id: str = ""
    create_time_ms: int = 0
    passwords: bytes | None = None  #: encrypted; where the meeting turned out to have others than ours
    trouble: str | None = None
    ours: bool = False


class Asking:
    """Asks servers, from several threads, for the meetings of one batch."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._began = monotonic()
        self._waits: dict[int, float] = {}
        self._silences: Counter[int] = Counter()
        self._lock = threading.Lock()

    def in_order(self, requests: Sequence[Request]) -> list[Request]:
        """The order in which to ask: whoever has a rate limit gets its turns, and nobody waits behind it."""
        turns: dict[int, int] = defaultdict(int)
        for each in requests:
            rate = each.server.rate_limit
            self._waits[each.meeting.id] = turns[each.server.id] / rate if rate else 0.0
            turns[each.server.id] += 1
        return sorted(requests, key=lambda each: self._waits[each.meeting.id])

    def __call__(self, request: Request) -> Answer:
        """One create. What went wrong is in the answer. Raises only what ends the whole task."""
        sleep(max(0.0, self._began + self._waits[request.meeting.id] - monotonic()))
        try:
            return self._create(request)
        except bbb.Error as error:
            if isinstance(error, bbb.Unreachable):
                with self._lock:
                    self._silences[request.server.id] += 1
            return Answer(request, trouble=f"{request.server.name}: {bbb.redact(str(error))}")
        except Exception as error:
            ours = aside.is_own_fault(error)
            return Answer(request, trouble=f"provision: {aside.said(error)}", ours=ours)

    def _create(self, request: Request) -> Answer:
        context, meeting = self._context, request.meeting
        passwords = context.vault.open_pair(meeting.passwords)
        params = rooms.create_params(context.settings, request.course, request.occurrence, meeting, passwords)
        if self._silences[request.server.id] >= _SILENCES:
            raise bbb.Unreachable("no answer to others just now")
        try:
            made = context.connect(request.server).create(params)
        except bbb.IdTaken:
            return self._read_back(request)
        return Answer(request, made.internal_id, made.create_time_ms)

    def _read_back(self, request: Request) -> Answer:
        """A meeting of this id lives with other passwords. It is taken over only when its labels are ours (E19)."""
        info = self._context.connect(request.server).meeting_info(request.meeting.external_id)
        occurrence = str(request.occurrence_id)
        if not labels.are_ours(info.metadata, origin=self._context.settings.origin, occurrence=occurrence):
            raise bbb.IdTaken("idNotUnique", "a meeting of this id is not ours")
        theirs = info.attendee_pw and info.moderator_pw
        passwords = self._context.vault.lock_pair(info.attendee_pw, info.moderator_pw) if theirs else None
        return Answer(request, info.internal_id, info.create_time_ms, passwords)
