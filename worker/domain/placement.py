"""Which server gets this meeting. Pure: what is known of each server comes in, a choice comes out.

What counts is not who is on a server now, but who will be while the class lasts: people of classes that end before it
begins are gone by then, and rooms that are open and still empty will fill. Two hundred classes that begin at one minute
are spread by the size each is expected to have, not by the empty rooms that a poll shows in the first minutes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server as placement sees it."""

    server_id: int
    weight: float
    capacity: int | None  #: people at once; None: no limit known
    people: int  #: on it, and staying
    reserved: int  #: people expected in rooms of ours that have not filled yet
    creates: int | None = None  #: meetings it may still take at this tick; None: no limit


@dataclass(frozen=True, slots=True)
class Demand:
    """Seats that one class holds, or will hold, for a time."""

    starts_at: datetime
    closes_at: datetime
    expected: int
    people: int = 0  #: in its room at the last poll; 0 as well while it has none
    server_id: int = 0  #: where it is; 0: nowhere yet
    pinned_to: int | None = None


def choose(candidates: Iterable[Candidate], expected: int) -> int | None:
    """The least loaded server by weight that has room for ``expected`` people; ties by id, so that a retry agrees.

    Where none has room the least loaded one is taken all the same: a crowded class beats no class.
    """
    ranked = sorted(
        candidates, key=lambda each: ((each.people + each.reserved + expected) / each.weight, each.server_id)
    )
    fitting = (
        each for each in ranked if each.capacity is None or each.people + each.reserved + expected <= each.capacity
    )
    best = next(fitting, ranked[0] if ranked else None)
    return None if best is None else best.server_id


def seats(held: Iterable[Demand], start: datetime, end: datetime) -> dict[int, tuple[int, int]]:
    """People and reserved seats a server, among these classes, while ``[start, end)`` lasts.

    A class that is over before ``start`` takes nothing with it. One with people in it still holds the seats of those
    who have not come yet: in the first minutes everybody is late.
    """
    found: dict[int, tuple[int, int]] = {}
    for each in held:
        _add(found, each, start, end)
    return found


def spread(
    servers: Sequence[Candidate], held: Sequence[Demand], wanted: Mapping[int, Demand], avoid: Mapping[int, set[int]]
) -> dict[int, int]:
    """A server for each wanted class, by its key: the largest first, each seeing where those before it went.

    ``servers`` come with the people that are not ours; ``held`` are the seats of ours that are taken already.
    ``avoid`` names servers that a class has failed on: they are taken only where there is no other. A pinned class
    goes to its server wherever that one can be had. What finds no server now, for want of one or for its rate limit,
    is left out.
    """
    floor = _Floor(servers, held)
    chosen = {}
    for key, each in sorted(wanted.items(), key=lambda item: (-item[1].expected, item[0])):
        server_id = _place(floor.during(each), each, avoid.get(key, set()))
        if server_id is not None:
            chosen[key] = server_id
            floor.seat(replace(each, server_id=server_id))
    return chosen


def _place(servers: Sequence[Candidate], wanted: Demand, avoid: set[int]) -> int | None:
    fresh = [each for each in servers if each.server_id not in avoid] or servers
    pinned = [each for each in fresh if each.server_id == wanted.pinned_to]
    return choose(pinned or fresh, wanted.expected)


class _Floor:
    """The servers while classes are being seated: loads are summed once a span, for many classes share one."""

    def __init__(self, servers: Sequence[Candidate], held: Sequence[Demand]) -> None:
        self._servers, self._held = servers, list(held)
        self._loads: dict[tuple[datetime, datetime], dict[int, tuple[int, int]]] = {}
        self._left = {each.server_id: each.creates for each in servers if each.creates is not None}

    def during(self, wanted: Demand) -> list[Candidate]:
        """The servers that may take one more, as they will be while this class lasts."""
        span = (wanted.starts_at, wanted.closes_at)
        if span not in self._loads:
            self._loads[span] = seats(self._held, *span)
        return [_loaded(each, self._loads[span]) for each in self._servers if self._left.get(each.server_id, 1) > 0]

    def seat(self, placed: Demand) -> None:
        """This class has its server."""
        self._held.append(placed)
        if placed.server_id in self._left:
            self._left[placed.server_id] -= 1
        for (start, end), load in self._loads.items():
            _add(load, placed, start, end)


def _loaded(server: Candidate, load: Mapping[int, tuple[int, int]]) -> Candidate:
    people, reserved = load.get(server.server_id, (0, 0))
    return replace(server, people=server.people + people, reserved=server.reserved + reserved)


def _add(load: dict[int, tuple[int, int]], each: Demand, start: datetime, end: datetime) -> None:
    if each.starts_at < end and each.closes_at > start:
        people, reserved = load.get(each.server_id, (0, 0))
        load[each.server_id] = (people + each.people, reserved + max(0, each.expected - each.people))
