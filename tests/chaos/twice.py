"""The Celery application as it is, for a chaos run: every message is sent twice, and time limits are seconds.

``celery -A tests.chaos.twice worker``. Nothing of the program itself knows of this.
"""

import os
import threading
from pathlib import Path

from celery.signals import after_task_publish, task_received

from tests.chaos.measures import HARD_LIMIT, SOFT_LIMIT
from worker.celery_app import app

app.conf.update(task_soft_time_limit=SOFT_LIMIT, task_time_limit=HARD_LIMIT)
_sending = threading.local()


@after_task_publish.connect
def _again(sender=None, headers=None, body=None, **_):
    """The same message, with the same id, once more."""
    if getattr(_sending, "again", False):
        return
    _sending.again = True
    try:
        app.send_task(sender, args=body[0], kwargs=body[1], task_id=headers["id"], expires=headers["expires"])
    finally:
        _sending.again = False


@task_received.connect
def _worked(**_):
    """So that it is seen from outside which process takes messages."""
    Path(os.environ["CHAOS_WORKED"]).touch()
