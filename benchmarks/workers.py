"""Workers: the price of a message, a crowd of rooms at one minute, what a poll costs, and memory over many sweeps.

C1  processor time of a real Celery worker a meeting, a hundred ids a message against one
O1  2,000 rooms due at once on 20 servers that take 100 ms for each: a real worker of two processes and a real beat
S1  processor time of one poll of 1,000 meetings, of the program and of PostgreSQL: the slopes of docs/sizing.md
M1  resident memory of a process after 200 and after 2,000 sweeps of poll
"""

import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import structlog
from celery import Celery
from sqlalchemy import func, insert, select

from benchmarks.crowded import PEOPLE, SECRET, crowded
from benchmarks.harness import table
from benchmarks.sweeps import Clock, installed, ours, spent
from tests import services
from tests.processes.programs import Programs
from worker.operations import context as contexts
from worker.operations.attendance import poll
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.settings import Settings
from worker.simulator import Fault, World, serve
from worker.store.tables import Course, Meeting, Occurrence, Pulse

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MESSAGES, _BATCH = 1000, 100
_ROOMS, _SERVERS, _TAKES = 2000, 20, 0.1
_SWEEPS, _WARM = 2000, 200
_AT_MOST = 300  #: seconds of M1: on a busy machine it ends with fewer sweeps, and says how many
_KEY = "a key for benchmarks only"


def _until(true: Callable[[], object], within: float, what: str) -> None:
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"benchmarks.workers: {what} took more than {within:g} s")
        time.sleep(0.05)


def _cpu_of_group(leader: int) -> float:
    """User and system time of a process and everything in its group, seconds, ended children included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICK


# C1


def messages(broker: str, folder: Path) -> tuple[float, float]:
    """Processor microseconds a meeting: a hundred ids a message, and one."""
    tally = folder / "tally"
    tally.touch()
    database = f"sqlite:///{services.sqlite_template(folder)}"  # asked once, as the worker starts
    programs = Programs(folder, broker_url=broker, data_dir=folder, database_url=database, log_level="WARNING")
    programs.app = "benchmarks.bells"
    process = programs.worker("bells", BELLS_TALLY=str(tally))
    ring = Celery("ring", broker=broker, set_as_current=False)
    try:
        _send(ring, tally, 4, _BATCH)
        found: dict[int, list[float]] = {_BATCH: [], 1: []}
        for size in (1, _BATCH) * 3:
            before = _cpu_of_group(process.pid)
            _send(ring, tally, _MESSAGES, size)
            found[size].append((_cpu_of_group(process.pid) - before) / (_MESSAGES * size) * 1e6)
    finally:
        programs.stop()
        ring.close()
    return median(found[_BATCH]), median(found[1])


def _send(ring: Celery, tally: Path, count: int, size: int) -> None:
    wanted = tally.stat().st_size + count * size
    for _ in range(count):
        ring.send_task("bells.some", (list(range(size)),), expires=600)
    _until(lambda: tally.stat().st_size == wanted, 60, f"{count} messages")


# O1


@contextmanager
def slow_servers() -> Iterator[list[str]]:
    """Servers of which each ``create`` takes its time, in a process of their own."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve_slowly, args=(theirs,), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        mine.send(None)
        process.join(timeout=10)
        process.kill()


def _serve_slowly(pipe: Connection) -> None:
    worlds = [World(SECRET) for _ in range(_SERVERS)]
    for world in worlds:
        world.faults.add(Fault("latency", call="create", seconds=_TAKES))
    with ExitStack() as stack:
        pipe.send([stack.enter_context(serve(world)).base_url for world in worlds])
        pipe.recv()


def opening(url: str, broker: str, folder: Path) -> dict[str, float]:
    """Seconds from the beginning of the sweep to the last open room, and processor milliseconds a room."""
    options = {"database_url": url, "broker_url": broker, "data_dir": str(folder), "secret_key": _KEY}
    context = contexts.make(Settings(**options))
    with slow_servers() as urls:
        _due_at_once(context, urls)
        programs = Programs(folder, **options, log_level="WARNING")
        try:
            worker = programs.worker("rooms")
            _until(lambda: _listens(broker), 90, "the start of a worker")
            before = _cpu_of_group(worker.pid)
            programs.beat()
            _until(lambda: _swept_at(context), 90, "the start of a beat")
            began = _swept_at(context)
            _until(lambda: _opened(context)[0] == _ROOMS, 400, "opening")
            cpu = _cpu_of_group(worker.pid) - before
        finally:
            programs.stop()
        last = _opened(context)[1]
    context.database.dispose()
    assert began is not None
    assert last is not None
    return {"seconds": (last - began).total_seconds(), "cpu_ms": cpu / _ROOMS * 1000}


def _listens(broker: str) -> bool:
    """Whether a worker waits at the queue."""
    import redis

    with redis.Redis.from_url(broker) as client:
        return any("brpop" in each.get("cmd", "") for each in client.client_list())


def _due_at_once(context: Context, urls: Sequence[str]) -> None:
    """The lead of all has come, and the time over which their requests are spread has passed."""
    now = datetime.now(UTC)
    for number, url in enumerate(urls):
        servers.add(context, f"s{number}", url, SECRET, now)
    start, end = now + timedelta(minutes=12), now + timedelta(minutes=72)
    times = {"original_start": start, "starts_at": start, "opens_at": now - timedelta(minutes=3), "planned_at": now}
    with context.database.write() as session:
        numbers = range(1, _ROOMS + 1)
        courses = [{"id": n, "code": f"c{n}", "title": f"Course {n}", "timezone": "UTC"} for n in numbers]
        session.execute(insert(Course), courses)
        rows = [{"course_id": n, **times, "ends_at": end, "closes_at": end} for n in numbers]
        session.execute(insert(Occurrence), rows)


def _swept_at(context: Context) -> datetime | None:
    with context.database.read() as session:
        return session.scalar(select(Pulse.started_at).where(Pulse.loop == "provision"))


def _opened(context: Context) -> tuple[int, datetime | None]:
    with context.database.read() as session:
        wanted = select(func.count(), func.max(Meeting.opened_at)).where(Meeting.state == "open")
        count, last = session.execute(wanted).one()
        return count, last


# S1


def polling(url: str) -> tuple[float, float]:
    """Processor milliseconds a meeting and poll, 30 % of them changing: of the program, and of PostgreSQL."""
    clock, mine, all_ = Clock(), [], []
    with crowded(50, servers=_SERVERS) as crowd, installed(url, crowd) as context:
        ours(context, clock)
        for _ in range(5):
            crowd.churn(0.3)
            clock.at += timedelta(seconds=15)
            before = time.process_time()
            both, _wall = spent(context, lambda: ours(context, clock))
            mine.append(time.process_time() - before)
            all_.append(both)
        count = crowd.meetings * _SERVERS
    program = median(mine)
    return program / count * 1000, max(0.0, median(all_) - program) / count * 1000


# M1


def growth(folder: Path) -> tuple[float, float, int]:
    """Resident megabytes of a fresh process after some sweeps, and after many, and how many these were."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_sweep_often, args=(theirs, str(folder)))
    process.start()
    with crowded(10) as crowd:
        mine.send(crowd.base_url)
        sizes: list[tuple[float, int]] = []
        while len(sizes) < 2:
            told = mine.recv()
            if told is None:
                crowd.churn(0.3)
                mine.send(None)
            else:
                sizes.append(told)
    process.join()
    return sizes[0][0], sizes[1][0], sizes[1][1]


def _sweep_often(pipe: Connection, folder: str) -> None:
    """Poll, and now and then ask for a change: somebody comes and somebody goes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    crowd: Any = type("Crowd", (), {"base_urls": [pipe.recv()], "meetings": 10})
    clock, end = Clock(), time.monotonic() + _AT_MOST
    path = services.sqlite_template(Path(folder))
    with installed(f"sqlite:///{path}", crowd) as context:
        for sweep in range(1, _SWEEPS + 1):
            if sweep % 50 == 0:
                pipe.send(None)
                pipe.recv()
            clock.at += timedelta(seconds=15)
            assert poll.sweep(context, clock) == 1
            last = sweep > _WARM and (sweep == _SWEEPS or time.monotonic() > end)
            if sweep == _WARM or last:
                pipe.send((int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20, sweep))
            if last:
                break
    pipe.close()


def main() -> str:
    """The tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    load = os.getloadavg()[0]
    rows: list[tuple[object, ...]] = []
    with services.postgres() as postgres, services.valkey() as valkey, tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / each for each in "com"]
        for each in folders:
            each.mkdir()
        batch, single = messages(f"{valkey}/1", folders[0])
        rows.append(_row("C1", "a hundred ids a message / one, worker CPU a meeting", batch / single, 0.25, ".3f"))
        found = opening(postgres.migrated(), f"{valkey}/2", folders[1])
        rows.append(_row("O1", "seconds until all rooms are open", found["seconds"], 60, ".1f"))
        program, database = polling(postgres.migrated())
        early, late, sweeps = growth(folders[2])
        rows.append(_row("M1", f"memory after {sweeps:,} sweeps / after {_WARM}", late / early, 1.05, ".3f"))
    slopes = [
        ("a message that does nothing, worker", f"{single / 1000:.2f} ms"),
        ("opening a room, worker, beside all other loops", f"{found['cpu_ms']:.1f} ms"),
        (f"a poll of a meeting of {PEOPLE}, program", f"{program:.3f} ms"),
        (f"a poll of a meeting of {PEOPLE}, PostgreSQL", f"{database:.3f} ms"),
        ("resident memory of a process that polls", f"{late:.0f} MiB"),
    ]
    told = f"Load of the machine {load:.1f} before and {os.getloadavg()[0]:.1f} after, {os.cpu_count()} processors."
    size = f"O1: {_ROOMS:,} rooms on {_SERVERS} servers, {_TAKES * 1000:.0f} ms each, two processes; "
    size += f"S1: 1,000 meetings, 30 % changing; M1: 10 meetings, SQLite. {told}"
    head = "## Workers: messages, a crowd at one minute, memory\n\n"
    first = table(("", "", "measured", "at most", "kept"), rows)
    return f"{head}{size}\n\n{first}\nSlopes, processor time:\n\n{table(('', 'measured'), slopes)}"


def _row(name: str, what: str, found: float, bound: float, form: str) -> tuple[object, ...]:
    return name, what, format(found, form), f"{bound:g}", "yes" if found <= bound else "NO"


if __name__ == "__main__":
    sys.stdout.write(main())
