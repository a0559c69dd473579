"""A simulated server full of people, in a process of its own, so that what is measured is only the client."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from worker import bbb
from worker.simulator import World, serve

SECRET = "benchmark"
PEOPLE = 30


@dataclass(frozen=True, slots=True)
class Crowded:
    """A server with meetings ``m0``, ``m1`` ... of :data:`PEOPLE` people each."""

    base_url: str
    meetings: int
    _pipe: Any

    def churn(self, share: float) -> None:
        """Somebody leaves, or comes back, in this share of the meetings."""
        self._pipe.send(share)
        self._pipe.recv()

    def client(self) -> bbb.Client:
        """A client of ours."""
        return bbb.Client(bbb.Endpoint(self.base_url, SECRET), pool_size=32)


@contextmanager
def crowded(meetings: int) -> Iterator[Crowded]:
    """Start it, fill it, and stop it in the end."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, meetings), daemon=True)
    process.start()
    try:
        yield Crowded(ours.recv(), meetings, ours)
    finally:
        ours.send(None)
        process.join(timeout=10)
        process.kill()


def _serve(pipe: Connection, meetings: int) -> None:
    world = World(SECRET)
    with serve(world) as server:
        _fill(world, server.base_url, meetings)
        pipe.send(server.base_url)
        turn = 0
        while (share := pipe.recv()) is not None:
            turn += 1
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
    """A newcomer in each: the list grows a little, which is the same for everybody who is measured."""
    for number in range(changed):
        world.join(f"m{number}", f"new-{turn}", "Newcomer")
