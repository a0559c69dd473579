"""What beat rings, and how often: five fixed lines. Courses are rows, never entries here."""

from worker.operations.pulse import LOOPS
from worker.settings import Settings


def entries(settings: Settings) -> dict[str, dict[str, object]]:
    """The beat schedule. A bell that nobody heard within its period is thrown away: the next one says the same."""
    return {loop: _entry(loop, getattr(settings, f"{loop}_period_seconds")) for loop in LOOPS}


def _entry(loop: str, seconds: float) -> dict[str, object]:
    return {"task": f"{loop}.sweep", "schedule": seconds, "options": {"expires": seconds}}
