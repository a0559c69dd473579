"""Which past session of a server is which run of ours, where nothing but a name and a time tells (E92, E93). Pure."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.text import match_key

#: Servers name the minute, and clocks differ a little.
_SLACK = timedelta(minutes=1)
#: So many letters of a name are kept everywhere.
_SURE = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ours: its number, what its room was called, and its life."""

    number: int
    name: str
    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting that the server remembers; ``key`` is whatever the caller knows it by."""

    key: int
    name: str
    started_at: datetime | None


def match(runs: Sequence[Run], sessions: Iterable[Session]) -> tuple[dict[int, int], set[int]]:
    """Run to session where one of each fits and no other, and the runs that are not clear.

    Two classes of one name at one time are told apart by nothing here: none is guessed.
    """
    fitting = {each.key: _fitting(runs, each) for each in sessions}
    clear: dict[int, int] = {}
    unclear = {number for numbers in fitting.values() if len(numbers) > 1 for number in numbers}
    for key, numbers in fitting.items():
        if len(numbers) == 1 and numbers[0] not in unclear:
            clear.setdefault(numbers[0], key)
    return clear, unclear


def _fitting(runs: Sequence[Run], session: Session) -> list[int]:
    """Runs in whose very life it began; else those that miss it by no more than the slack."""
    for slack in (timedelta(0), _SLACK):
        if found := [run.number for run in runs if _fits(run, session, slack)]:
            return found
    return []


def _fits(run: Run, session: Session, slack: timedelta) -> bool:
    if session.started_at is None or not run.opened_at - slack <= session.started_at <= run.closed_at + slack:
        return False
    return _key(run.name) == _key(session.name)


def _key(name: str) -> str:
    """Names come escaped twice from some servers (E88), and long ones come cut (E23)."""
    return match_key(html.unescape(html.unescape(name))[:_SURE])
