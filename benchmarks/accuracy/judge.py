"""What was credited, against what was true."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.accuracy.stage import Era, Play, Scenario, Size, perform, stage
from worker.domain.spans import Span, clip, merge, minus
from worker.operations.reports import report
from worker.operations.reports.report import Wanted

Truth = dict[tuple[int, str], list[Span]]


@dataclass(frozen=True)
class Error:
    """One person in one class."""

    seconds: float
    comings: int  #: how often they truly came, within the window
    bound: float  #: a period and the latency for each coming, and what the trouble itself adds
    right: bool | None  #: the status; None: their truth is too near to a threshold to tell


@dataclass(frozen=True)
class Result:
    """What came of one scenario."""

    name: str
    why: str
    era: Era
    errors: tuple[Error, ...]
    credited_in_the_dark: float

    @property
    def sizes(self) -> list[float]:
        return sorted(each.seconds for each in self.errors)

    @property
    def median(self) -> float:
        return statistics.median(self.sizes)

    @property
    def within(self) -> int:
        """People whose error is within a period and the latency, however often they came."""
        return sum(each.seconds <= self.era.promise for each in self.errors)

    @property
    def of_the_bound(self) -> float:
        """The largest share of their own bound that anybody's error took."""
        return max(each.seconds / each.bound for each in self.errors)

    @property
    def verdicts(self) -> list[bool]:
        return [each.right for each in self.errors if each.right is not None]

    @property
    def keeps_the_promise(self) -> bool:
        """Of one person, whatever happened: half a period in the middle, a period and the latency at most."""
        return self.median <= self.era.period / 2 and self.within == len(self.errors) and all(self.verdicts)

    @property
    def holds(self) -> bool:
        """Within the bound of each coming and going, and nothing credited that nobody saw."""
        return self.of_the_bound <= 1 and all(self.verdicts) and self.credited_in_the_dark == 0


def measure(scenario: Scenario, era: Era, size: Size) -> Result:
    """Play one scenario, and compare."""
    with stage(scenario, era, size) as play:
        perform(play, scenario)
        return _compare(play, scenario, era)


def _compare(play: Play, scenario: Scenario, era: Era) -> Result:
    truth, errors, unseen = _truth(play), [], 0.0
    for sitting in report.judge(play.context, Wanted(), play.clock()):
        for person in (person for person in sitting.people if not person.guest):
            stays = merge(Span(stay.first_seen, stay.last_seen) for stay in person.stays)
            true = truth.get((sitting.occurrence.id, person.user_id or ""), [])
            errors.append(_error(play, scenario, stays, true, person.mark.status))
            unseen += _within(stays, merge(play.dark_by_wall))
    return Result(scenario.name, scenario.why, era, tuple(errors), unseen)


def _error(play: Play, scenario: Scenario, stays: Sequence[Span], true: Sequence[Span], status: str) -> Error:
    """Each clock has its own view of when nobody could look."""
    known, known_by_wall = (minus([play.window], merge(dark)) for dark in (play.dark, play.dark_by_wall))
    seconds, comings = _within(true, known), max(len(clip(true, play.window)), 1)
    coming = (1 + 2 * scenario.lost_polls) * play.era.period + play.era.longest
    right = status == _status(seconds, play) if _far_from_thresholds(seconds, play) else None
    return Error(abs(_within(stays, known_by_wall) - seconds), comings, coming * comings + scenario.slack, right)


def _truth(play: Play) -> Truth:
    """Who was really there, by occurrence and person."""
    occurrences = {room: occurrence for occurrence, room in play.rooms.items()}
    found: Truth = {}
    for stay in play.world.truth():
        if stay.meeting_id not in occurrences:
            continue  # a breakout room
        left = stay.left_at if stay.left_at is not None else play.clock.timestamp()
        span = Span(datetime.fromtimestamp(stay.joined_at, UTC), datetime.fromtimestamp(left, UTC))
        found.setdefault((occurrences[stay.meeting_id], stay.user_id), []).append(span)
    return {key: merge(spans) for key, spans in found.items()}


def _within(spans: Sequence[Span], known: Sequence[Span]) -> float:
    return sum(piece.seconds for part in known for piece in clip(spans, part))


def _status(seconds: float, play: Play) -> str:
    share, settings = 100 * seconds / play.window.seconds, play.context.settings
    if share >= settings.present_percent:
        return "present"
    return "partial" if share >= settings.partial_percent else "absent"


def _far_from_thresholds(seconds: float, play: Play) -> bool:
    settings = play.context.settings
    edges = (settings.present_percent, settings.partial_percent)
    return all(abs(seconds - play.window.seconds * edge / 100) > play.era.promise for edge in edges)
