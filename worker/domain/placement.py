"""Which server gets this meeting. Pure: what is known of each server comes in, a choice comes out."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server as placement sees it."""

    server_id: int
    weight: float
    capacity: int | None  #: people at once; None: no limit known
    people: int  #: on it at the last poll
    reserved: int  #: people expected in rooms of ours that have not filled yet


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
