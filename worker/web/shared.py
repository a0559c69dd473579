"""One answer for everybody who asks the same within a moment: a hundred open pages cost the tables what one does."""

import threading
import time
from collections.abc import Callable
from typing import Any

_MOST = 500


class Shared:
    """Answers by key, each good for some seconds; while one is made, others who want it wait for it."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[float, Any]] = {}
        self._locks: dict[object, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: object, seconds: float, make: Callable[[], Any]) -> Any:
        """The answer of this key, made anew where it is older than that."""
        if (known := self._fresh(key)) is not None:
            return known[1]
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if (known := self._fresh(key)) is not None:
                return known[1]
            made = make()
            self._keep(key, seconds, made)
            return made

    def _fresh(self, key: object) -> tuple[float, Any] | None:
        known = self._known.get(key)
        # Not the clock of the operations: only how long an answer has lain here.
        return known if known is not None and time.monotonic() < known[0] else None

    def _keep(self, key: object, seconds: float, made: Any) -> None:
        with self._guard:
            if len(self._known) >= _MOST:
                self._known.clear()
                self._locks.clear()
            self._known[key] = (time.monotonic() + seconds, made)
