"""A simulated server full of people, in a process of its own, so that what is measured is only the client."""

import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from worker import bbb
from worker.simulator import World, serve

SECRET = "benchmark"
PEOPLE = 30


@dataclass(frozen=True, slots=True)
class Crowded:
    """Servers with meetings ``m0``, ``m1`` ... of :data:`PEOPLE` people each."""

    base_urls: list[str]
    meetings: int  #: on each server
    process_id: int
    _pipe: Any

    @property
    def base_url(self) -> str:
        return self.base_urls[0]

    def place(self, server: int, number: int) -> int:
        """A meeting's place among all of them: names begin anew on each server."""
        return server * self.meetings + number

    def churn(self, share: float) -> None:
        """Somebody leaves, or comes back, in this share of the meetings."""
        self._pipe.send(share)
        self._pipe.recv()

    def client(self) -> bbb.Client:
        """A client of ours for the first of them."""
        return bbb.Client(bbb.Endpoint(self.base_url, SECRET), pool_size=32)


@contextmanager
def crowded(meetings: int, servers: int = 1) -> Iterator[Crowded]:
    """Start them, fill them, and stop them in the end."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, meetings, servers), daemon=True)
    process.start()
    try:
        yield Crowded(ours.recv(), meetings, process.pid or 0, ours)
    finally:
        ours.send(None)
        process.join(timeout=10)
        process.kill()


def _serve(pipe: Connection, meetings: int, servers: int) -> None:
    # Its time stands still but for a minute at each change: whoever looks later must not see others gone.
    now = [1_800_000_000.0]
    worlds = [World(SECRET, clock=lambda: now[0]) for _ in range(servers)]
    with ExitStack() as stack:
        urls = [stack.enter_context(serve(world)).base_url for world in worlds]
        for world, url in zip(worlds, urls, strict=True):
            _fill(world, url, meetings)
        pipe.send(urls)
        turn = 0
        while (share := pipe.recv()) is not None:
            turn += 1
            now[0] += 60
            for world in worlds:
                _churn(world, int(meetings * share), turn)
            pipe.send(None)


def _fill(world: World, base_url: str, meetings: int) -> None:
    with bbb.Client(bbb.Endpoint(base_url, SECRET)) as client:
        for number in range(meetings):
            name = f"m{number}"
            client.create(bbb.CreateParams(meeting_id=name, name=f"درس {number}", attendee_pw="ap", moderator_pw="mp"))
            for person in range(PEOPLE):
                world.join(name, f"stu-{number}-{person}", f"زهرا محمدی {person}")


def _churn(world: World, changed: int, turn: int) -> None:
    """In each, somebody comes and somebody who came the last time goes: the size of a class stays the same."""
    for number in range(changed):
        world.join(f"m{number}", f"new-{turn}", "Newcomer")
        world.leave(f"m{number}", f"new-{turn - 1}")
