"""Real processes: a Celery worker and a beat, started as an operator starts them, and killed without mercy."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def wait_for(condition, *, within, every=0.05):
    """The first true answer of ``condition``. Fails after so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {within} s: {condition.__doc__ or condition}")


class Programs:
    """Processes of one installation; each leads a group of its own, and none outlives the test."""

    #: The Celery application, as it is named on the command line.
    app = "worker.celery_app"

    def __init__(self, folder, **settings):
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MEETINGZ_")},
            **{f"MEETINGZ_{name.upper()}": str(value) for name, value in settings.items()},
            "PYTHONWARNINGS": "default",
        }
        self._running = []

    def worker(self, name="worker", **own):
        options = ("--pool", "prefork", "-c", "2", "--without-gossip", "--without-mingle")
        return self._celery(name, "worker", "-n", f"{name}@%h", *options, **own)

    def beat(self, name="beat", **own):
        schedule = str(self.folder / f"{name}-schedule")
        return self._celery(name, "beat", "--schedule", schedule, "--pidfile", "", **own)

    def web(self, name="web", **own):
        return self._start(name, "worker", "web", **own)

    def _celery(self, name, *arguments, **own):
        return self._start(name, "celery", "-A", self.app, *arguments, **own)

    def _start(self, name, module, *arguments, **own):
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**self._environment, **own},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def kill(self, process):
        """SIGKILL to the whole group: parent and children, between any two lines."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def logs(self):
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def stop(self):
        for process in self._running:
            if process.poll() is None:
                self.kill(process)
