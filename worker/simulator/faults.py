"""Faults on request: what networks, proxies and servers do to an answer."""

import random
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

KINDS = frozenset(
    {
        "latency",
        "drop",
        "drop_after",
        "http_500",
        "html_502",
        "html_200",
        "empty",
        "truncate",
        "garbage",
        "two_documents",
        "not_found_blip",
        "checksum_error",
        "redirect",
        "slow_body",
        "cut",
        "no_charset",
        "declared",
        "restart_web",
    }
)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    truncate shortens the answer and its Content-Length; cut hangs up in the middle of the body; no_charset leaves the
    charset out of the Content-Type; declared puts a byte order mark and an XML declaration before the answer. The
    rest are named for what the caller sees. Files of recordings are the call "media".

    `call` and `meeting_id` narrow it; `count` is how often it strikes (None: always); `probability` is its chance
    at each fitting call; `after` lets the call take effect before its answer is spoilt. `seconds` serves latency
    and slow_body, `at` is the byte where truncate cuts (None: in the middle).
    """

    kind: str
    call: str | None = None
    meeting_id: str | None = None
    count: int | None = None
    probability: float = 1.0
    after: bool = False
    seconds: float = 1.0
    at: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault named {self.kind!r}; there are {', '.join(sorted(KINDS))}")

    @property
    def executes(self) -> bool:
        """Whether the call takes effect."""
        return self.after or self.kind in EXECUTING

    def fits(self, call: str, meeting_id: str | None) -> bool:
        return self.call in (None, call) and self.meeting_id in (None, meeting_id)


EXECUTING = frozenset(
    {"latency", "drop_after", "truncate", "two_documents", "slow_body", "cut", "no_charset", "declared"}
)


class Faults:
    """The faults now in force; deterministic by seed."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 (repeatable on purpose)
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The faults in force, as plain values."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, call: str, meeting_id: str | None) -> list[Fault]:
        """The faults that strike this call: all fitting latencies and the first of the other kinds."""
        if not self._faults:
            return []
        with self._lock:
            return self._take(call, meeting_id)

    def _take(self, call: str, meeting_id: str | None) -> list[Fault]:
        struck: list[Fault] = []
        spoilt = False
        for fault in list(self._faults):
            if not fault.fits(call, meeting_id) or (spoilt and fault.kind != "latency"):
                continue
            if self._random.random() >= fault.probability:
                continue
            self._spend(fault)
            spoilt = spoilt or fault.kind != "latency"
            struck.append(fault)
        return struck

    def _spend(self, fault: Fault) -> None:
        if fault.count is None:
            return
        place = next(n for n, other in enumerate(self._faults) if other is fault)
        self._faults[place : place + 1] = [replace(fault, count=fault.count - 1)] if fault.count > 1 else []
