"""How long until it runs: `meetingz up` until every loop has swept once, and `./run demo` until it speaks.

Wall seconds from the command, the environment made before. A second `up` within a loop's period waits for the rest of
it: no loop runs twice in one.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.harness import table
from worker.operations.pulse import LOOPS

ROOT = Path(__file__).parents[1]
_WITHIN = 120.0


def up(folder: Path, *loops: int) -> list[float]:
    """Seconds until so many loops have ended a sweep."""
    environment = {**os.environ, "MEETINGZ_DATA_DIR": str(folder), "MEETINGZ_LOG_LEVEL": "ERROR"}
    began = time.time()
    process = subprocess.Popen([sys.executable, "-m", "worker", "up"], env=environment, cwd=ROOT)
    try:
        return [_until(folder, began, count) for count in loops]
    finally:
        process.terminate()
        process.wait(timeout=_WITHIN)


def _until(folder: Path, began: float, count: int) -> float:
    while time.time() < began + _WITHIN:
        if _swept(folder, began) >= count:
            return time.time() - began
        time.sleep(0.02)
    raise SystemExit(f"benchmarks.starting: no {count} sweeps within {_WITHIN:g} s")


def _swept(folder: Path, began: float) -> int:
    path = folder / "meetingz.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began))
            return int(database.execute("SELECT count(*) FROM pulses WHERE ended_at >= ?", (since,)).fetchone()[0])
        except sqlite3.OperationalError:  # no tables yet
            return 0


def demo() -> float:
    """Seconds until `./run demo` prints its first line."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["./run", "demo", "--out", folder]
        began = time.time()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        passed = time.time() - began
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_WITHIN)
        return passed


def main() -> str:
    """The table."""
    with tempfile.TemporaryDirectory() as name:
        first = up(Path(name), 1, len(LOOPS))
    rows = [
        ("`meetingz up`, empty folder: first sweep / a sweep of every loop", f"{first[0]:.1f} / {first[1]:.1f} s"),
        ("`./run demo`, environment there: first line", f"{demo():.1f} s"),
    ]
    load = f"Load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors."
    return f"## Starting, wall time\n\n{load}\n\n" + table(("", "measured"), rows)


if __name__ == "__main__":
    sys.stdout.write(main())
