"""50,000 recordings on one server: what does a harvest ask for, and does a slow pass keep its memory?

    python -m benchmarks.recordings [--count N] [--awaited N]

The server is a simulated one in a process of its own, with pages (2.6 and later); the database is SQLite. An
incremental harvest may ask (awaited / ids a request) + 1 times; a slow pass may not grow by more than a few pages.
"""

import argparse
import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update

from worker import bbb, logs
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.recordings import full_harvest, harvest
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator import World, serve
from worker.simulator.recording import Recording
from worker.store import migrate, tables
from worker.store.tables import Course, Meeting, Server

SECRET = "a secret of the benchmark"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=200)
ORIGIN = "meetingz-worker"


def name_of(number: int) -> str:
    return f"{number:040x}-{1_760_000_000_000 + number}"


def server(count: int) -> None:
    """The simulated server, until its input is closed."""
    world = World(SECRET, profile="E", clock=NOW.timestamp)
    for number in range(count):
        name, at = name_of(number), START.timestamp() + number
        labels = {"mtz-origin": ORIGIN, "mtz-course": f"c{number % 500}", "meetingName": "A class"}
        done = {"video": at + 400.0}
        world.recordings[name] = Recording(
            name, f"m{number}", "A class", int(at * 1000), int(at * 1000) + 1, 20, 60.0, at, at, done, labels
        )
    with serve(world) as running:
        print(running.base_url, flush=True)
        sys.stdin.read()


@contextmanager
def served(count: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.recordings", "--serve", "--count", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate()


def await_some(context: Context, server_id: int, count: int) -> None:
    """So many closed runs that a recording is awaited of."""
    with context.database.write() as session:
        session.add(Course(code="c0", title="A class", timezone="UTC", record="always", options={}))
    start = NOW + timedelta(days=1)
    occurrence = arrange.add(context, "c0", start, start + timedelta(hours=1), NOW)
    closed = {"state": "closed", "recorded": True, "requested_at": START, "opened_at": START}
    closed |= {"closed_at": NOW - timedelta(hours=1), "close_reason": "ended", "passwords": b""}
    rows = [
        {
            **closed,
            "occurrence_id": occurrence,
            "server_id": server_id,
            "external_id": f"m{n}",
            "internal_id": name_of(n),
        }
        for n in range(count)
    ]
    with context.database.write() as session:
        session.execute(insert(Meeting), rows)


def resident() -> float:
    """MiB of this process now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--awaited", type=int, default=1_000)
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        server(given.count)
        return
    with tempfile.TemporaryDirectory() as folder, served(given.count) as url:
        measure(Path(folder), url, given.count, given.awaited)


def measure(folder: Path, url: str, count: int, awaited: int) -> None:
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder}/b.db", read_timeout_seconds=60)
    logs.configure(settings, "ERROR")
    context = contexts.make(settings)
    migrate.upgrade(context.database)
    server_id = servers.add(context, "one", url, SECRET, NOW)
    asked: Counter[str] = Counter()
    memory: list[float] = []
    real = bbb.Client.ask

    def ask(client: bbb.Client, call: str, params: Any = ()) -> bytes:
        asked["by label" if "offset" in dict(params) else "by id"] += 1
        if asked["by label"] % 20 == 0:
            memory.append(resident())
        return real(client, call, params)

    bbb.Client.ask = ask  # type: ignore[method-assign]
    print(f"## Recordings: {count:,} on one server, {awaited:,} awaited\n")
    await_some(context, server_id, awaited)
    with context.database.write() as session:
        session.execute(update(Server).values(full_harvest_at=NOW))
    began = time.perf_counter()
    seen = harvest.one(context, server_id, lambda: NOW)
    print(
        f"- incremental: {awaited} awaited, {seen} found, {sum(asked.values())} requests of at most "
        f"{-(-awaited // harvest.CHUNK) + 1}, {time.perf_counter() - began:.1f} s"
    )
    asked.clear()
    memory.clear()
    with context.database.write() as session:
        session.execute(update(Server).values(full_harvest_at=None))
        row = session.get_one(Server, server_id)
    began, cpu = time.perf_counter(), time.process_time()
    full_harvest.turn(context, row, lambda: NOW)
    with context.database.read() as session:
        kept = session.scalar(select(func.count()).select_from(tables.Recording))
    print(
        f"- slow pass: {kept} kept, {asked['by label']} pages and {asked['by id']} by id, "
        f"{time.perf_counter() - began:.1f} s, {time.process_time() - cpu:.1f} s of it ours"
    )
    print(
        f"- memory: {memory[0]:.0f} MiB after the first pages, {memory[-1]:.0f} MiB after the last, "
        f"{max(memory) - memory[0]:.1f} MiB more at most"
    )
    context.database.dispose()


if __name__ == "__main__":
    os.environ.pop("MEETINGZ_DATABASE_URL", None)
    main()
