"""The Celery application as it is, for a chaos run: every message is sent twice, and what takes long takes less.

Loops run every two seconds here and every thirty in life; a lost broker is tried again after 2, 4, 6 and up to 30
seconds in life, and after a fifteenth of that here; so is a file that could not be fetched, or whose
worker died. Time limits are seconds.

``celery -A tests.chaos.twice worker``. Nothing of the program itself knows of this.
"""

import os
import threading
from pathlib import Path

from celery.signals import after_task_publish, task_received
from kombu import Connection

from tests.chaos.measures import HARD_LIMIT, HURRY, SOFT_LIMIT
from worker.celery_app import app
from worker.operations.recordings import archive_rows

for name in ("_FIRST", "_LONGEST", "_LEASE", "_STORING"):
    setattr(archive_rows, name, getattr(archive_rows, name) / HURRY)
app.conf.update(task_soft_time_limit=SOFT_LIMIT, task_time_limit=HARD_LIMIT)
_sending = threading.local()
_ensure_connection = Connection.ensure_connection


def _sooner(self, *given, interval_start=2, interval_step=2, interval_max=30, **named):
    intervals = {"interval_start": interval_start, "interval_step": interval_step, "interval_max": interval_max}
    return _ensure_connection(self, *given, **{name: each / HURRY for name, each in intervals.items()}, **named)


Connection.ensure_connection = _sooner


@after_task_publish.connect
def _again(sender=None, headers=None, body=None, **_):
    """The same message, with the same id, once more."""
    _works()
    if getattr(_sending, "again", False):
        return
    _sending.again = True
    try:
        app.send_task(sender, args=body[0], kwargs=body[1], task_id=headers["id"], expires=headers["expires"])
    finally:
        _sending.again = False


@task_received.connect
def _works(**_):
    """So that it is seen from outside which process works."""
    Path(os.environ["CHAOS_WORKED"]).touch()
