"""A Celery application with the program's own configuration and one task that does nothing but say how many ids it got.

benchmarks/workers.py starts a worker on it: what that worker then spends is the price of messages alone.
"""

import os

from celery import Celery

from worker import settings
from worker.celery_app import configuration

app = Celery("bells", set_as_current=False)
app.conf.update({**configuration(settings.load()), "imports": (), "beat_schedule": {}})
#: A byte an id is appended to it, so that whoever waits need not ask the broker.
_TALLY = os.open(os.environ["BELLS_TALLY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


@app.task(name="bells.some")
def some(ids: list[int]) -> None:
    os.write(_TALLY, b"." * len(ids))
