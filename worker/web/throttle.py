"""Guessing passwords is made slow: so many failures, then a wait. Kept in memory, for this process."""

import threading
from collections import deque
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=15)
#: Failures within the window: of one name from one address, from one address, of one name from anywhere.
_LIMITS = {"pair": 5, "address": 30, "name": 50}
#: Keys kept at most; the oldest go first. A guesser with many addresses must not fill the memory.
_MOST = 10_000


class Throttle:
    """Counts failed sign-ins."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, ...], deque[datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str, address: str, now: datetime) -> int:
        """Seconds until the next try is looked at; 0: now."""
        with self._lock:
            return max(self._wait(key, now) for key in _keys(name, address))

    def failed(self, name: str, address: str, now: datetime) -> None:
        """One more failure."""
        with self._lock:
            for key in _keys(name, address):
                self._failures.setdefault(key, deque(maxlen=_LIMITS[key[0]])).append(now)
            while len(self._failures) > _MOST:
                del self._failures[next(iter(self._failures))]

    def succeeded(self, name: str, address: str) -> None:
        """They have remembered: the count of this name from this address begins anew."""
        with self._lock:
            self._failures.pop(("pair", name, address), None)

    def _wait(self, key: tuple[str, ...], now: datetime) -> int:
        times = self._failures.get(key)
        if times is None or len(times) < _LIMITS[key[0]]:
            return 0
        return max(0, int((times[0] + _WINDOW - now).total_seconds()) + 1)


def _keys(name: str, address: str) -> tuple[tuple[str, ...], ...]:
    return ("pair", name, address), ("address", address), ("name", name)
