"""The embedded stack: Celery's worker, as threads, and beat, in this process, on the in-memory broker.

The same application, tasks and schedule as in production; only the bells do not leave the process. What is lost when it
stops is asked for again when it starts.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import celery.worker.state
from celery.beat import EmbeddedService

from worker import celery_app
from worker.celery_app import app
from worker.errors import WorkerError
from worker.operations.context import Context

_STARTING = 30


class Embedded:
    """Worker and beat as threads. Use as a context manager, or ``start`` and ``stop``."""

    def __init__(self, context: Context, threads: int = 8) -> None:
        celery_app.use(context)
        app.conf.update(celery_app.configuration(context.settings))
        app.loader.import_default_modules()
        app.finalize()
        self._threads = threads
        self._ready = threading.Event()
        self._worker: Any = None
        self._failure: BaseException | None = None
        self._worker_thread = threading.Thread(target=self._work, name="worker", daemon=True)
        beat: Any = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
        beat.daemon = True
        self._beat = beat

    def start(self) -> None:
        """Start both; beat rings every loop as it starts."""
        celery.worker.state.should_stop = None
        self._worker_thread.start()
        if not self._ready.wait(_STARTING):
            raise RuntimeError("the embedded worker did not start") from self._failure
        self._beat.start()

    def stop(self) -> None:
        """Stop both; the sweep in hand is finished."""
        if self._beat.is_alive():
            self._beat.stop()
        state: Any = celery.worker.state
        state.should_stop = 0
        if self._worker_thread.is_alive():
            self._worker_thread.join(timeout=30)
        state.should_stop = None

    def wait(self, asked: Callable[[], object]) -> None:
        """Until somebody has ``asked``, or one of the two ended by itself: half a program would look like a whole one.

        Raises WorkerError for the latter.
        """
        while not asked():
            for name, thread in (("worker", self._worker_thread), ("beat", self._beat)):
                if not thread.is_alive():
                    raise WorkerError(f"the {name} has ended by itself; the log says why. Start again")
            self._worker_thread.join(timeout=0.2)

    def _work(self) -> None:
        def ready(_consumer: object) -> None:
            self._ready.set()

        try:
            self._worker = app.WorkController(
                app=app,
                pool="threads",
                concurrency=self._threads,
                ready_callback=ready,
                without_heartbeat=True,
                without_mingle=True,
                without_gossip=True,
            )
            self._worker.start()
        except Exception as error:
            self._failure = error
            raise

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # interrupted while it starts: what has started is stopped
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
