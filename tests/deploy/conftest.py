"""An installation of the compose file's commands on this machine, with a clock that runs."""

import time

import pytest

from tests.conftest import SECRET
from tests.deploy.compose import Installation
from worker import clock as clocks

#: Everything is due within a second, and nothing waits for minutes.
FAST = {
    "MEETINGZ_TIMEZONE": "UTC",
    "MEETINGZ_LEAD_SECONDS": "30",
    "MEETINGZ_GRACE_SECONDS": "1",
    "MEETINGZ_PROVISION_PERIOD_SECONDS": "0.5",
    "MEETINGZ_POLL_PERIOD_SECONDS": "0.5",
    "MEETINGZ_END_PERIOD_SECONDS": "0.5",
    "MEETINGZ_HARVEST_PERIOD_SECONDS": "5",
    "MEETINGZ_TOLERANCE_SECONDS": "5",
    "MEETINGZ_LATE_SECONDS": "60",
}


class RealClock:
    def __call__(self):
        return clocks.now()

    def timestamp(self):
        return time.time()


@pytest.fixture
def clock():
    return RealClock()


@pytest.fixture
def database_url(postgres):
    """An empty database: migrating is the installation's own business."""
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.fixture
def installation(tmp_path, database_url):
    """Secrets made, broker running, database empty; all processes end with the test."""
    made = Installation(tmp_path, **FAST)
    (made.secrets / "database_url").write_text(database_url)
    made.start_valkey()
    yield made
    made.stop()


@pytest.fixture
def school(installation, served):
    """A simulated server, given as deploy/meetingz.env gives the quick start's."""
    running = served()
    (installation.secrets / "server_secret").write_text(SECRET)
    installation.more["MEETINGZ_SERVER_URL"] = running.base_url
    installation.more["MEETINGZ_SERVER_SECRET_FILE"] = installation.here("/run/secrets/server_secret")
    return running


@pytest.fixture
def context(make_context, installation):
    """The installation's own surroundings, for a test to look in."""
    return make_context(secret_key=installation.secret("secret_key"))
