"""Interleaved measurements: all cases in each round, in another order each time, ratios taken within a round.

Machines are shared and noisy. A ratio of two cases of one round has seen the same noise; the median over the rounds is
told, with the range beside it.
"""

import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Run = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One case against another, with the range where there was more than one round."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        one = f"{self.median:.3g}"
        return one if self.low == self.high else f"{one} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of every round, by case: processor time of this process, and wall time."""

    cpu: dict[str, list[float]]
    wall: dict[str, list[float]]

    def ratio(self, case: str, base: str, *, wall: bool = False) -> Ratio:
        """Median and range of the ratios within each round."""
        times = self.wall if wall else self.cpu
        found = [one / other for one, other in zip(times[case], times[base], strict=True) if other > 0]
        return Ratio(median(found), min(found), max(found))


def measure(cases: Mapping[str, Run], rounds: int = 7, seed: int = 0) -> Measured:
    """Every case once a round, shuffled; garbage is collected before each, not during."""
    order, dice = list(cases), random.Random(seed)
    cpu: dict[str, list[float]] = {name: [] for name in cases}
    wall: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        dice.shuffle(order)
        for name in order:
            spent, passed = _timed(cases[name])
            cpu[name].append(spent)
            wall[name].append(passed)
    return Measured(cpu, wall)


def _timed(run: Run) -> tuple[float, float]:
    gc.collect()
    gc.disable()
    try:
        began, cpu = time.perf_counter(), time.process_time()
        run()
        return time.process_time() - cpu, time.perf_counter() - began
    finally:
        gc.enable()


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def verdict(found: Ratio, at_most: float) -> str:
    """Whether a ratio keeps its bound."""
    return "yes" if found.median <= at_most else "NO"
