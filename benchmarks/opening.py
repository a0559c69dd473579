"""Two thousand rooms due in one minute, on twenty servers that take 100 ms a create: how long until all are open?

    python -m benchmarks.opening [--meetings N] [--servers N] [--database URL]

The servers are processes of their own on this machine; one process of ours sweeps once, as `meetingz run provision`.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from worker.operations import context
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.meetings import provision
from worker.settings import Settings
from worker.simulator import Fault, World, serve
from worker.store import migrate
from worker.store.tables import Course, Occurrence
from worker.store.upsert import insert_new

SECRET, LATENCY = "s", 0.1


def _serve(pipe: Connection, count: int) -> None:
    running = [serve(World(SECRET, profile="E")) for _ in range(count)]
    for each in running:
        each.world.faults.add(Fault("latency", seconds=LATENCY, call="create"))
    pipe.send([each.base_url for each in running])
    pipe.recv()
    pipe.send(sum(len(each.world.meetings()) for each in running))


@contextmanager
def slow_servers(count: int) -> Iterator[tuple[list[str], Connection]]:
    """Addresses of servers in another process; asked by the pipe, it tells how many meetings they have."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, count), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--meetings", type=int, default=2000)
    asked.add_argument("--servers", type=int, default=20)
    asked.add_argument("--database", default="")
    given = asked.parse_args()
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    with tempfile.TemporaryDirectory() as folder, slow_servers(given.servers) as (urls, pipe):
        settings = Settings(data_dir=Path(folder), database_url=given.database, timezone="UTC")
        made = context.make(settings)
        migrate.upgrade(made.database)
        now = datetime.now(UTC)
        for number, url in enumerate(urls):
            servers.add(made, f"s{number}", url, SECRET, now)
        _enter(made, given.meetings, now)
        began, spent = time.perf_counter(), time.process_time()
        outcomes = Counter(provision.sweep(made, lambda: datetime.now(UTC)))
        wall, cpu = time.perf_counter() - began, time.process_time() - spent
        pipe.send(None)
        print(f"{dict(outcomes)} in {wall:.1f} s, {cpu:.1f} s of our processor time; {pipe.recv()} on the servers")
        made.database.dispose()


def _enter(made: Context, count: int, now: datetime) -> None:
    start = now + timedelta(minutes=9)
    times = {"original_start": start, "starts_at": start, "ends_at": start + timedelta(hours=1)}
    times |= {"opens_at": now - timedelta(minutes=6), "closes_at": start + timedelta(hours=1), "planned_at": now}
    facts = {"title": "Class", "timezone": "UTC", "options": {}, "expected": 30}
    with made.database.write() as session:
        insert_new(session, Course, [{"id": n, "code": f"c{n}", **facts} for n in range(1, count + 1)])
        insert_new(session, Occurrence, [{"id": n, "course_id": n, **times} for n in range(1, count + 1)])


if __name__ == "__main__":
    main()
