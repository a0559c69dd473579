"""The Celery application: ``celery -A worker.celery_app worker`` and ``... beat``.

The queue carries no truth, only bells: messages are acknowledged early, expire within their period, return nothing, and
have neither ETA nor countdown. What is lost is asked for again by the next tick.
"""

from datetime import datetime
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_process_init
from sqlalchemy.exc import DBAPIError

from worker import bbb, clock, logs, settings
from worker.clock import Clock
from worker.errors import WorkerError
from worker.heartbeat import Listening
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.timepiece import Timepiece
from worker.schedule import entries
from worker.store import migrate

#: The longest a task may run before it is told to stop, and before it is killed (prefork only).
_SOFT_LIMIT, _HARD_LIMIT = 240, 300

_context: Context | None = None
_clock: Clock = clock.now


def context() -> Context:
    """The surroundings of this process, made at the first task: never at import, never before a fork."""
    if _context is None:
        use(contexts.make(settings.load()))
    assert _context is not None
    return _context


def now() -> datetime:
    """The present, by the clock of the installation."""
    context()
    return _clock()


def use(given: Context) -> None:
    """Take these surroundings: for the embedded stack, which has made them already."""
    global _context, _clock
    _clock = Timepiece(given.database, clock.now)
    _context = given


def configuration(given: settings.Settings) -> dict[str, Any]:
    """Celery's own settings, each for a reason."""
    return {
        "broker_url": given.broker_url.get_secret_value(),
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": _transport(given),
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": False,
        "task_soft_time_limit": _SOFT_LIMIT,
        "task_time_limit": _HARD_LIMIT,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 5000,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "worker_enable_remote_control": not given.embedded,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_schedule": entries(given),
        # Beat sleeps at most this long, so that a clock that was set is noticed soon, and Ctrl-C sooner.
        "beat_max_loop_interval": 1 if given.embedded else 5,
        "beat_scheduler": "worker.heartbeat:Scheduler",
        "imports": ("worker.tasks",),
    }


def _transport(given: settings.Settings) -> dict[str, Any]:
    if given.embedded:  # looked at this often, seconds: a small part of the shortest wait for a bell
        return {"polling_interval": min(0.1, given.poll_period_seconds / 20)}
    # A connection that died silently is noticed, by whoever listens and by whoever writes; no task comes near the
    # visibility timeout.
    sockets = {"socket_keepalive": True, "socket_connect_timeout": 10, "socket_timeout": 30}
    return {**sockets, "health_check_interval": 10, "visibility_timeout": 3600}


def _configuration() -> dict[str, Any]:
    given = settings.load()
    given.data_dir.mkdir(parents=True, exist_ok=True)
    return configuration(given)


app = Celery("meetingz")
# A promise: Celery reads it when it first needs it, so that importing this module reads no settings.
app.add_defaults(_configuration)
app.steps["consumer"].add(Listening)


@setup_logging.connect
def _configure_logging(**_: object) -> None:
    logs.configure(settings.load())


@worker_init.connect
def _make_ready(**_: object) -> None:
    """Before the fork: the tables are ours, and the server of the quick start is entered. Else one line, and exit 1."""
    if _context is not None:  # the embedded stack is ready
        return
    logs.configure(settings.load())  # Celery's own moment for it comes later
    try:
        made = contexts.make(settings.load())
        migrate.require_current(made.database)
        servers.from_settings(made, clock.now())
        made.database.dispose()
    except (WorkerError, DBAPIError) as error:
        logs.event("worker.not_ready", level="error", error=bbb.redact(str(error).split("\n")[0]))
        raise SystemExit(1) from None


@worker_process_init.connect
def _forget_inherited_connections(**_: object) -> None:
    """A forked child must not use its parent's sockets."""
    if _context is not None:
        _context.database.engine.dispose(close=False)
