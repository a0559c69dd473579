"""How fast the server's own clocks run."""

import math
from dataclasses import dataclass

FIRST_AUDIT = 5.0
AUDIT_EVERY = 10.0
PURGE_EVERY = 15.0
NEVER = math.inf


@dataclass(frozen=True)
class Pace:
    """`scale` hurries the server's own clocks; `minute` is how long a minute named by a caller lasts."""

    scale: float = 1.0
    minute: float = 60.0

    def seconds(self, count: float) -> float:
        """The length of so many seconds of an unhurried server."""
        return count / self.scale

    def minutes(self, count: float) -> float:
        """The length of so many minutes named by a caller."""
        return count * self.minute

    def audit(self, origin: float, at: float) -> float:
        """The first audit tick at or after an instant; `origin` is when the meeting was created."""
        return _grid(origin + self.seconds(FIRST_AUDIT), self.seconds(AUDIT_EVERY), at)

    def purge(self, origin: float, at: float) -> float:
        """The first purge of departed users at or after an instant."""
        return _grid(origin, self.seconds(PURGE_EVERY), at)


def _grid(first: float, step: float, at: float) -> float:
    if at == NEVER:
        return NEVER
    # Epoch seconds carry about 1e-7 s of rounding: without the allowance a tick could count as missed.
    return first + max(0, math.ceil((at - first) / step - 1e-5)) * step
