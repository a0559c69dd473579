"""A worker or beat that cannot do its part ends with an error, and one that only has nothing to do lives on."""

import json
import time
from datetime import UTC, datetime

import pytest
from celery import Celery

from tests.deploy.compose import wait_for
from worker.heartbeat import Scheduler

STUCK_AFTER = 4


@pytest.fixture
def impatient(installation):
    installation.more["MEETINGZ_STUCK_AFTER_SECONDS"] = str(STUCK_AFTER)
    assert installation.start("migrate").wait(30) == 0
    return installation


@pytest.fixture
def broker(impatient):
    """A stranger's hand on the installation's broker."""
    with Celery(broker=impatient.secret("broker_url")) as app:
        yield app


def beats_again(installation, service, *, for_seconds):
    """Wait until its heart has beaten for so long."""
    path = installation.heartbeat(service)
    first = wait_for(lambda: path.exists() and path.stat().st_mtime, within=20)
    process = installation.running[service]
    wait_for(lambda: process.poll() is not None or path.stat().st_mtime > first + for_seconds, within=for_seconds + 20)
    assert process.poll() is None


def test_a_worker_that_hears_no_bell_because_none_is_rung_lives_on(impatient):
    impatient.start("worker")
    beats_again(impatient, "worker", for_seconds=2 * STUCK_AFTER)


def test_a_worker_that_has_gone_deaf_while_bells_wait_ends_with_an_error(impatient, broker):
    worker = impatient.start("worker")
    beats_again(impatient, "worker", for_seconds=1)
    replies = broker.control.cancel_consumer("celery", reply=True, timeout=10, limit=1)
    assert "no longer consuming" in json.dumps(replies)
    broker.send_task("poll.sweep")
    assert worker.wait(30) == 1
    assert "Timeout" in impatient.log("worker").read_text()


def test_worker_and_beat_end_with_an_error_when_their_broker_is_gone(impatient):
    worker, beat = impatient.start("worker"), impatient.start("beat")
    beats_again(impatient, "worker", for_seconds=1)
    beats_again(impatient, "beat", for_seconds=1)
    impatient.running["valkey"].kill()
    assert worker.wait(40) == 1
    assert beat.wait(40) == 1


def test_a_beat_whose_clock_is_set_back_an_hour_goes_on_ringing(monkeypatch, bare_environment):
    """Celery's own would ring nothing until the hour has come again."""
    real, apart = time.time, [0.0]
    with Celery(broker="memory://") as app:
        app.conf.beat_schedule = {"poll": {"task": "poll.sweep", "schedule": 0.05}}
        monkeypatch.setattr(app, "now", lambda: datetime.fromtimestamp(real() + apart[0], UTC))
        monkeypatch.setattr("worker.clock.now", app.now)
        beat, rung = Scheduler(app, schedule={}), []
        monkeypatch.setattr(beat, "apply_entry", lambda entry, producer: rung.append(entry.name))
        for step in (0.0, -3600.0, 0.0):
            apart[0] = step
            before = len(rung)
            wait_for(lambda before=before: beat.tick() is not None and len(rung) > before + 2, within=5, every=0.01)
