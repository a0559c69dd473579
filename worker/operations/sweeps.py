"""One whole sweep of a loop in this process, with its pulse: what ``meetingz run`` does, and what tests use."""

from collections import Counter
from collections.abc import Callable, Sequence

from worker import clock as clocks
from worker.clock import Clock
from worker.errors import InputError
from worker.operations import pulse
from worker.operations.attendance import poll, retention
from worker.operations.context import Context
from worker.operations.meetings import end, provision
from worker.operations.recordings import archive, harvest, lifetime
from worker.operations.timetable import plan

_SWEEPS: dict[pulse.Loop, Callable[[Context, Clock], str]] = {
    "plan": lambda context, clock: _plan(context, clock),
    "provision": lambda context, clock: _counted("provision", provision.sweep(context, clock)),
    "poll": lambda context, clock: f"polled {poll.sweep(context, clock)} servers",
    "end": lambda context, clock: _counted("end", end.sweep(context, clock)),
    "harvest": lambda context, clock: _harvest(context, clock),
}


def run(context: Context, loop: str, clock: Clock = clocks.now) -> str:
    """Sweep now, whoever else does. Returns a line for people. Raises InputError for a loop that is not one."""
    for known, sweep in _SWEEPS.items():
        if known == loop:
            with pulse.sweep(context, known, clock):
                return sweep(context, clock)
    raise InputError(f"{loop!r} is not a loop; there are {', '.join(_SWEEPS)}")


def _plan(context: Context, clock: Clock) -> str:
    planned = plan.sweep(context, clock())
    retention.daily(context, clock())
    return f"planned {planned} occurrences"


def _harvest(context: Context, clock: Clock) -> str:
    """All that is waited for, due or not, and what hangs on it: files that courses want, recordings kept no longer."""
    harvest.hurry(context, clock())
    seen = harvest.sweep(context, clock)
    files, kept = archive.sweep(context, clock), lifetime.sweep(context, clock)
    extra = [f"archived {files.count('stored')} files"] if files else []
    extra += [f"deleted {sum(each.done for each in kept)} of {len(kept)} outlived"] if kept else []
    return "; ".join([f"harvested {seen} recordings", *extra])


def _counted(verb: str, outcomes: Sequence[str]) -> str:
    counts = Counter(outcomes)
    return f"{verb}: " + (", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "nothing due")
