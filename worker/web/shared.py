"""One answer for everybody who asks the same within a moment: a hundred open pages cost the tables what one does."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

_MOST = 500


class Shared:
    """Answers by key, each good for some seconds; while one is made, others who want it wait for it."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[datetime, Any]] = {}
        self._locks: dict[object, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: object, seconds: float, now: datetime, make: Callable[[], Any]) -> Any:
        """The answer of this key, made anew where it is older than that."""
        good = timedelta(seconds=seconds)
        if (known := self._fresh(key, good, now)) is not None:
            return known[1]
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if (known := self._fresh(key, good, now)) is not None:
                return known[1]
            made = make()
            self._keep(key, now, made)
            return made

    def _fresh(self, key: object, good: timedelta, now: datetime) -> tuple[datetime, Any] | None:
        known = self._known.get(key)
        # One from the future was made before the clock was set back, or a moment ago by a neighbour.
        return known if known is not None and abs(now - known[0]) < good else None

    def _keep(self, key: object, now: datetime, made: Any) -> None:
        with self._guard:
            if len(self._known) >= _MOST:
                self._known.clear()
                self._locks.clear()
            self._known[key] = (now, made)
