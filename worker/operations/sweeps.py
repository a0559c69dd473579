"""One whole sweep of a loop in this process, with its pulse: what ``meetingz run`` does, and what tests use."""

from collections import Counter
from collections.abc import Callable, Sequence

from worker import clock as clocks
from worker.clock import Clock
from worker.errors import InputError
from worker.operations import end, harvest, plan, poll, provision, pulse
from worker.operations.context import Context

_SWEEPS: dict[pulse.Loop, Callable[[Context, Clock], str]] = {
    "plan": lambda context, clock: f"planned {plan.sweep(context, clock())} occurrences",
    "provision": lambda context, clock: _counted("provision", provision.sweep(context, clock)),
    "poll": lambda context, clock: f"polled {poll.sweep(context, clock)} servers",
    "end": lambda context, clock: _counted("end", end.sweep(context, clock)),
    "harvest": lambda context, clock: f"harvested {harvest.sweep(context, clock)} recordings",
}


def run(context: Context, loop: str, clock: Clock = clocks.now) -> str:
    """Sweep now, whoever else does. Returns a line for people. Raises InputError for a loop that is not one."""
    for known, sweep in _SWEEPS.items():
        if known == loop:
            with pulse.sweep(context, known, clock):
                return sweep(context, clock)
    raise InputError(f"{loop!r} is not a loop; there are {', '.join(_SWEEPS)}")


def _counted(verb: str, outcomes: Sequence[str]) -> str:
    counts = Counter(outcomes)
    return f"{verb}: " + (", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "nothing due")
