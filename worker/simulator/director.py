"""The director: plays the scripts of a crowd in a world, each act when its time has come."""

import heapq
import itertools
import threading
from dataclasses import dataclass, field

from worker.simulator.people import Act, Person, Script
from worker.simulator.world import NoSuchMeeting, World


@dataclass(order=True)
class _Cue:
    at: float
    order: int
    meeting_id: str = field(compare=False)
    person: Person = field(compare=False)
    act: Act = field(compare=False)


class Director:
    """A join is held until the meeting exists, or until its own leave; a leave of somebody who is not in is nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._cues: list[_Cue] = []
        self._order = itertools.count()
        self._held: dict[tuple[str, str, str], _Cue] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def cast(self, meeting_id: str, scripts: list[Script], start_at: float) -> None:
        """Put a crowd on the bill; times of the acts count from `start_at` of the world's clock."""
        with self._lock:
            for person, acts in scripts:
                for act in acts:
                    cue = _Cue(start_at + act.at, next(self._order), meeting_id, person, act)
                    heapq.heappush(self._cues, cue)

    @property
    def done(self) -> bool:
        """Whether every act has been played; a join that is still held waits for nothing but its meeting."""
        with self._lock:
            return not self._cues and not self._held

    def step(self) -> None:
        """Play all acts whose time has come."""
        with self._lock, self._world.at_now() as now:
            while self._cues and self._cues[0].at <= now:
                self._play(heapq.heappop(self._cues))
            for key, cue in list(self._held.items()):
                if self._enter(cue):
                    del self._held[key]

    def _play(self, cue: _Cue) -> None:
        key = (cue.meeting_id, cue.person.user_id, cue.act.device)
        if cue.act.kind == "leave":
            self._held.pop(key, None)
            self._world.leave(cue.meeting_id, cue.person.user_id, cue.act.device)
        elif not self._enter(cue):
            self._held[key] = cue

    def _enter(self, cue: _Cue) -> bool:
        person = cue.person
        try:
            self._world.join(cue.meeting_id, person.user_id, person.full_name, person.role, device=cue.act.device)
        except NoSuchMeeting:
            return False
        return True

    def run_in_thread(self, every: float = 0.05) -> None:
        """Step by itself until `stop`."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._loop, args=(every,), name="director", daemon=True)
            self._thread.start()

    def _loop(self, every: float) -> None:
        while not self._stopping.wait(every):
            self.step()

    def stop(self) -> None:
        """End the thread, if there is one."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
