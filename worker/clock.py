"""The only place that asks the time. Everything else is told."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present instant, UTC and time zone aware."""
    return datetime.now(UTC)
