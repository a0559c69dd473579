"""While no worker takes any, bells do not pile up; and as soon as one does, they ring again."""

import time

import pytest
import redis

from tests.processes.programs import Programs, wait_for
from worker.operations import context as contexts
from worker.operations.pulse import LOOPS
from worker.settings import Settings
from worker.store.tables import Pulse

PERIOD = 0.2
#: Enough, and what two beats send at once before either of them looks again.
ENOUGH = 20 + 2 * len(LOOPS)


@pytest.fixture
def options(postgres, valkey_url, tmp_path, bare_environment):
    url = postgres.migrated()
    yield {
        "database_url": url,
        "broker_url": f"{valkey_url}/{len(postgres._made) % 16}",
        "data_dir": str(tmp_path),
        "secret_key": "a key for tests only",
        **{f"{loop}_period_seconds": PERIOD for loop in LOOPS},
    }
    postgres.drop(url)


@pytest.fixture
def queue(options):
    with redis.Redis.from_url(options["broker_url"]) as client:
        yield lambda: client.llen("celery")


@pytest.fixture
def programs(options, tmp_path):
    running = Programs(tmp_path, **options)
    yield running
    running.stop()


@pytest.fixture
def pulses(options):
    context = contexts.make(Settings(**options))

    def _():
        """every loop has ended a sweep"""
        with context.database.read() as session:
            return session.query(Pulse).filter(Pulse.ended_at.is_not(None)).count() == len(LOOPS)

    yield _
    context.database.dispose()


def test_bells_that_nobody_hears_do_not_pile_up(programs, queue, pulses):
    programs.beat("beat-1")
    programs.beat("beat-2")
    wait_for(lambda: queue() > ENOUGH - 2 * len(LOOPS), within=30)
    lengths = []
    until = time.monotonic() + 20 * PERIOD  # two beats would ring two hundred times
    while time.monotonic() < until:
        lengths.append(queue())
        time.sleep(PERIOD / 2)
    assert max(lengths) <= ENOUGH
    programs.worker()
    wait_for(pulses, within=30)
    wait_for(lambda: queue() < ENOUGH, within=10)
