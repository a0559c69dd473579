"""Which server gets this meeting. Pure: what is known of each server comes in, a choice comes out.

What counts is not who is on a server now, but who will be while the class lasts: people of classes that end before it
begins are gone by then, and rooms that are open and still empty will fill. Two hundred classes that begin at one minute
are spread by the size each is expected to have, not by the empty rooms that a poll shows in the first minutes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server as placement sees it."""

    server_id: int
    weight: float
    capacity: int | None  #: people at once; None: no limit known
    people: int  #: on it, and staying
    reserved: int  #: people expected in rooms of ours that have not filled yet


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
        if each.starts_at < end and each.closes_at > start:
            people, reserved = found.get(each.server_id, (0, 0))
            found[each.server_id] = (people + each.people, reserved + max(0, each.expected - each.people))
    return found


def spread(
    servers: Sequence[Candidate], held: Sequence[Demand], wanted: Mapping[int, Demand], avoid: Mapping[int, set[int]]
) -> dict[int, int]:
    """A server for each wanted class, by its key: the largest first, each seeing where those before it went.

    ``servers`` come with the people that are not ours; ``held`` are the classes of ours that have seats already.
    ``avoid`` names servers that a class has failed on: they are taken only where there is no other. A pinned class
    goes to its server wherever that one is among the candidates.
    """
    chosen: dict[int, int] = {}
    held = list(held)
    loads: dict[tuple[datetime, datetime], dict[int, tuple[int, int]]] = {}
    for key, each in sorted(wanted.items(), key=lambda item: (-item[1].expected, item[0])):
        span = (each.starts_at, each.closes_at)
        if span not in loads:
            placed = [_at(wanted[other], server) for other, server in chosen.items()]
            loads[span] = seats([*held, *placed], *span)
        server_id = _place(_loaded(servers, loads[span]), each, avoid.get(key, set()))
        if server_id is not None:
            chosen[key] = server_id
            _seat(loads, _at(each, server_id))
    return chosen


def _place(loaded: Sequence[Candidate], wanted: Demand, avoid: set[int]) -> int | None:
    fresh = [each for each in loaded if each.server_id not in avoid] or loaded
    pinned = [each for each in fresh if each.server_id == wanted.pinned_to]
    return choose(pinned or fresh, wanted.expected)


def _loaded(servers: Iterable[Candidate], load: Mapping[int, tuple[int, int]]) -> list[Candidate]:
    found = []
    for each in servers:
        people, reserved = load.get(each.server_id, (0, 0))
        found.append(
            Candidate(each.server_id, each.weight, each.capacity, each.people + people, each.reserved + reserved)
        )
    return found


def _seat(loads: Mapping[tuple[datetime, datetime], dict[int, tuple[int, int]]], placed: Demand) -> None:
    for (start, end), load in loads.items():
        for server_id, (people, reserved) in seats([placed], start, end).items():
            before = load.get(server_id, (0, 0))
            load[server_id] = (before[0] + people, before[1] + reserved)


def _at(each: Demand, server_id: int) -> Demand:
    return Demand(each.starts_at, each.closes_at, each.expected, each.people, server_id)
