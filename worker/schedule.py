"""What beat rings, and how often: five fixed lines. Courses are rows, never entries here."""

from datetime import UTC, datetime

from worker.operations.pulse import LOOPS
from worker.settings import Settings

#: Before any bell: beat, which keeps nothing on disk, rings every loop as it starts and not only after a period.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def entries(settings: Settings) -> dict[str, dict[str, object]]:
    """The beat schedule. A bell that nobody heard within its period is thrown away: the next one says the same."""
    return {loop: _entry(loop, getattr(settings, f"{loop}_period_seconds")) for loop in LOOPS}


def _entry(loop: str, seconds: float) -> dict[str, object]:
    return {"task": f"{loop}.sweep", "schedule": seconds, "options": {"expires": seconds}, "last_run_at": _NEVER}
