"""The heartbeat of a worker or beat process: touched into a file while it does its work, fatal when it stops.

The pulses in the database say whether the loops run; a heartbeat says whether *this* process does its part. Its age
is a health check of one line of shell, ``find FILE -mmin -2``, without starting Python or asking the broker. A process
that has had no heartbeat for ``MEETINGZ_STUCK_AFTER_SECONDS`` ends with an error, and its supervisor starts another:
the cure for a worker that lost its broker and never took a message again. The bells carry nothing, so nothing is lost.
"""

import faulthandler
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import celery.beat
from celery import bootsteps
from celery.signals import after_task_publish, task_received

from worker import clock
from worker.settings import Settings, load

#: A worker looks at itself this often at least, seconds; beat does at every tick.
_EVERY = 5.0
#: A worker that heard nothing for this long must show that there was nothing to hear, seconds.
_QUIET = 60.0
#: A wall clock that lost so much against the monotonic one was set back, seconds.
_SET_BACK = 0.5
#: Bells that may wait; beat adds none to more, while nobody takes any.
_ENOUGH = 20


class Heart:
    """Beats while the process works, or is excused: there was nothing to do."""

    def __init__(self, settings: Settings, quiet: float, excused: Callable[[], bool]) -> None:
        self._file, self._quiet, self._excused = settings.heartbeat_file, quiet, excused
        self._stuck_after = max(settings.stuck_after_seconds, 2 * quiet)
        self._worked_at = time.monotonic()
        self._wind()

    def worked(self, **_: object) -> None:
        """The process has just done what it is for."""
        self._worked_at = time.monotonic()

    def beat(self) -> None:
        """Called every few seconds by the process's own loop; a loop that hangs calls no more."""
        if time.monotonic() - self._worked_at < self._quiet or self._excused():
            self._wind()

    def _wind(self) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        # A timer outside Python's own threads: it ends even a process that hangs in a socket, and shows where.
        # Forked children do not inherit it.
        faulthandler.dump_traceback_later(self._stuck_after, exit=True)


class Listening(bootsteps.StartStopStep):
    """The worker's heart: it worked when a message came, and is excused where none waits in the queue."""

    requires = ("celery.worker.consumer:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self._entry: Any = None
        super().__init__(consumer, **options)

    def include_if(self, consumer: Any) -> bool:
        return not _embedded(consumer.app)

    def create(self, consumer: Any) -> None:
        """Once a process, before it has a connection: a broker that cannot be reached is no excuse."""
        quiet = min(_QUIET, load().stuck_after_seconds / 2)
        self._every = min(_EVERY, quiet / 2)
        self._heart = Heart(load(), quiet, lambda: _waiting(consumer.app) == 0)
        task_received.connect(self._heart.worked, weak=False)

    def start(self, consumer: Any) -> None:
        """At every connection: the timer ends with the one before."""
        self._entry = consumer.timer.call_repeatedly(self._every, self._heart.beat)

    def stop(self, _consumer: Any) -> None:
        if self._entry is not None:
            self._entry.cancel()


def _embedded(app: Any) -> bool:
    """Whether the bells stay in this process, where no broker can be lost."""
    return str(app.conf.broker_url).startswith("memory:")


def _waiting(app: Any) -> int | None:
    """How many messages wait in the queue, asked over a new connection: the process's own may be what is broken.

    None where the broker does not answer.
    """
    with app.connection_for_read() as connection:
        try:
            queue = connection.channel().queue_declare(app.conf.task_default_queue, passive=True)
        except connection.channel_errors:
            return 0  # on Redis an empty queue does not exist
        except connection.connection_errors:
            return None
        return int(queue.message_count)


class Scheduler(celery.beat.Scheduler):
    """Celery's own scheduler, which keeps nothing on disk, with a heart: it worked when a bell reached the broker.

    While no worker takes any, bells do not pile up: they all say the same, and the last twenty say it as well.
    """

    _heart: Heart | None = None
    _waited: ClassVar[dict[str, int]] = {}
    #: The wall clock and the monotonic one at the last tick.
    _clocks: tuple[float, float] | None = None

    def setup_schedule(self) -> None:
        super().setup_schedule()
        if not _embedded(self.app):
            shortest = min(entry["schedule"] for entry in self.app.conf.beat_schedule.values())
            self._heart = Heart(load(), 2 * shortest, lambda: False)
            after_task_publish.connect(self._heart.worked, weak=False)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ring, where there is a use in it."""
        if self._heart is not None and self._is_unheard(entry.name):
            self._heart.worked()
        else:
            super().apply_entry(entry, producer)

    def _is_unheard(self, name: str) -> bool:
        """Whether enough bells wait, and not fewer than a period ago."""
        waiting, before = _waiting(self.app) or 0, self._waited.get(name, 0)
        self._waited[name] = waiting
        return waiting > _ENOUGH and waiting >= before

    def tick(self, *given: Any, **named: Any) -> Any:
        if self._heart is not None:
            self._heart.beat()
        self._follow_clock()
        return super().tick(*given, **named)

    def _follow_clock(self) -> None:
        """A clock that was set back: when each bell was last rung goes back with it, else none would ring till then."""
        before, self._clocks = self._clocks, (clock.now().timestamp(), time.monotonic())
        if before is None:
            return
        leap = (self._clocks[0] - before[0]) - (self._clocks[1] - before[1])
        if leap < -_SET_BACK:
            for entry in self.schedule.values():
                entry.last_run_at = entry.last_run_at and entry.last_run_at + timedelta(seconds=leap)
            self._heap = None  # it is made again from the entries
