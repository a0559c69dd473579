"""The one clock of an installation: its database's, where that has one of its own.

All workers write times into the same tables. A machine whose clock is wrong by more than a second goes by the
database's instead: no class is opened or ended early for it, and nobody's presence is stretched. The clock is compared
at first, then every minute, and at once when it was set.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import DateTime, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from worker import logs
from worker.clock import Clock
from worker.store.database import Database

#: Closer than this our own clock is good enough.
_WRONG = timedelta(seconds=1)
#: A clock that went so much farther than the time was set, seconds.
_SET = 0.5
_EVERY = 60.0
#: A database that did not answer is asked again after this long, seconds.
_AGAIN = 1.0


class Timepiece:
    """A ``Clock``; safe to share between threads."""

    def __init__(self, database: Database, wall: Clock, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database, self._wall, self._ticks = database, wall, ticks
        self._apart = timedelta(0)
        self._look_at = ticks()
        self._before = (wall(), self._look_at)

    def __call__(self) -> datetime:
        """The present, UTC and time zone aware."""
        if not self._database.is_sqlite and (self._was_set() or self._ticks() >= self._look_at):
            self._look()
        return self._wall() + self._apart

    def _was_set(self) -> bool:
        wall, ticks = self._wall(), self._ticks()
        before, self._before = self._before, (wall, ticks)
        leap = (wall - before[0]).total_seconds() - (ticks - before[1])
        if abs(leap) <= _SET:
            return False
        self._apart -= timedelta(seconds=leap)  # until the database has said what is right
        logs.event("clock_set", level="warning", seconds=round(leap, 1))
        return True

    def _look(self) -> None:
        self._look_at = self._ticks() + _AGAIN
        began = self._wall()
        try:
            with self._database.read() as session:
                theirs = session.scalar(select(func.clock_timestamp(type_=DateTime(timezone=True))))
        except (DBAPIError, NoConnection):
            return  # nothing can be written now anyway
        assert theirs is not None
        apart = theirs - (began + (self._wall() - began) / 2)
        apart = apart if abs(apart) > _WRONG else timedelta(0)
        if abs(apart - self._apart) > _WRONG:
            logs.event("clock_corrected", level="warning", seconds=round(apart.total_seconds(), 1))
        self._apart, self._look_at = apart, self._ticks() + _EVERY
