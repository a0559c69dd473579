"""The program's processes, kept running: whatever ends is started again half a second later, as systemd would."""

import contextlib
import os
import signal
import threading
import time

import httpx
import psutil

from tests.processes.programs import Programs

#: Seconds from the end of a process to the next one of its kind.
RESTART_AFTER = 0.5


class Doubled(Programs):
    app = "tests.chaos.twice"


class Kept:
    """One place, in which one process after another runs."""

    def __init__(self, name, folder, start, own):
        self.name = name
        self.lock, self.clock = threading.Lock(), threading.Lock()
        self._own = own
        self.held = False  #: not to be started again for now
        self.worked = folder / f"{name}.worked"
        self._heart = folder / f"{name}.heart"
        self._start = start
        self._died_at = None
        self.start()

    def start(self):
        self.started_at, self._died_at = time.time(), None
        own = {"MEETINGZ_HEARTBEAT_FILE": str(self._heart), "CHAOS_WORKED": str(self.worked), **self._own}
        self.process = self._start(self.name, **own)

    @property
    def ready(self):
        """Its process runs and has shown that it works: a worker took a message, a beat sent one."""
        runs = self.process.poll() is None and not self.held
        return runs and self.worked.exists() and self.worked.stat().st_mtime >= self.started_at

    @property
    def pids(self):
        """Of its process and the children."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.process.pid, *(each.pid for each in psutil.Process(self.process.pid).children())]
        return []

    def signal(self, number):
        """To the whole group: the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def look(self):
        """Start it again if it has ended. Answers the exit status of one that ended just now."""
        ended = self.process.poll()
        if ended is None or self.held:
            return None
        if self._died_at is None:
            self._died_at = time.monotonic()
            self.signal(signal.SIGKILL)  # children whose parent is gone, as KillMode=control-group does
            return ended
        if time.monotonic() >= self._died_at + RESTART_AFTER:
            self.start()
        return None


class Page(Kept):
    """The web page, to which the servers tell the ends of meetings."""

    @property
    def ready(self):
        """It answers."""
        url = f"http://{self._own['MEETINGZ_WEB_HOST']}:{self._own['MEETINGZ_WEB_PORT']}/healthz"
        with contextlib.suppress(httpx.HTTPError):
            return self.process.poll() is None and httpx.get(url, timeout=1, trust_env=False).is_success
        return False


class Keeper:
    """All of them, and a thread that looks after them."""

    def __init__(self, folder, settings, clocks, page):
        self._programs = programs = Doubled(folder, **settings)

        def kept(kind, start):
            names = [f"{kind}-{number}" for number in (1, 2)]
            return [Kept(name, folder, start, clocks.environment(name)) for name in names]

        self.workers, self.beats = kept("worker", programs.worker), kept("beat", programs.beat)
        self.page = Page(
            "page", folder, programs.web, {"MEETINGZ_WEB_HOST": page[0], "MEETINGZ_WEB_PORT": str(page[1])}
        )
        #: Those that ended by themselves: when, who, and with which status.
        self.ended = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    @property
    def loops(self):
        """What the loops run in."""
        return [*self.workers, *self.beats]

    @property
    def all(self):
        return [*self.loops, self.page]

    def _keep(self):
        while not self._stopping.wait(0.1):
            for each in self.all:
                status = each.look()
                if status not in (None, -signal.SIGKILL):
                    self.ended.append((time.time(), each.name, status))

    def stop(self):
        self._stopping.set()
        self._thread.join()
        for each in self.all:
            each.signal(signal.SIGKILL)
        self._programs.stop()

    def logs(self):
        return self._programs.logs()
