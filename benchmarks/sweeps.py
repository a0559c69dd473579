"""Whole sweeps of poll, from the request to the committed rows, processor time of the program and of PostgreSQL.

E1  ours against bigbluebutton2 with one ORM object an attendee and poll, 62 % and 15 % of the meetings changing
E2  ours against requests in 32 threads with one row an attendee and poll; and our share of one core at a 15 s period
W1  what a sweep writes, ours against one row an attendee and poll, on PostgreSQL and on SQLite
"""

import logging
import os
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import requests
import structlog
from sqlalchemy import DateTime, Integer, String, event, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.crowded import SECRET, Crowded, crowded
from benchmarks.harness import table
from tests import services
from worker import bbb
from worker.operations import context as contexts
from worker.operations.attendance import poll
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.settings import Settings
from worker.store.tables import Attendee, Course, Meeting, Observation, Occurrence, Server

_EPOCH = datetime(2026, 3, 2, 9, tzinfo=UTC)
_TICK = os.sysconf("SC_CLK_TCK")


class Base(DeclarativeBase):
    """The tables of the alternative."""


class Log(Base):
    """One row an attendee and poll."""

    __tablename__ = "benchmark_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting: Mapped[int] = mapped_column(Integer, index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    user_id: Mapped[str] = mapped_column(String(256))
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16))


class Clock:
    """Moves by one poll a sweep."""

    def __init__(self) -> None:
        self.at = _EPOCH

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def installed(url: str, crowd: Crowded) -> Iterator[Context]:
    """An installation in which every meeting of the crowd is ours and open."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url=url, poll_period_seconds=15)
        context = contexts.make(settings)
        if context.database.is_sqlite:  # a log that is emptied on the way begins anew, and forgets what it had
            event.listen(context.database.engine, "connect", _never_checkpoint)
        for number, base_url in enumerate(crowd.base_urls):
            servers.add(context, f"s{number}", base_url, SECRET, _EPOCH)
        _open_all(context, crowd)
        with context.database.write() as session:
            Base.metadata.create_all(session.connection())
        yield context
        context.database.dispose()


def _never_checkpoint(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA wal_autocheckpoint=0").close()


def _open_all(context: Context, crowd: Crowded) -> None:
    passwords = context.vault.lock_pair("ap", "mp")
    times = {"original_start": _EPOCH, "starts_at": _EPOCH, "opens_at": _EPOCH, "planned_at": _EPOCH}
    ends = {"ends_at": _EPOCH + timedelta(hours=9), "closes_at": _EPOCH + timedelta(hours=9)}
    with context.database.write() as session:
        for server, base_url in enumerate(crowd.base_urls, start=1):
            for info in bbb.Client(bbb.Endpoint(base_url, SECRET)).meetings():
                course = Course(code=f"c{server}-{info.meeting_id}", title="Course", timezone="UTC")
                session.add(course)
                session.flush()
                occurrence = Occurrence(course_id=course.id, **times, **ends)
                session.add(occurrence)
                session.flush()
                keys = {"occurrence_id": occurrence.id, "server_id": server, "external_id": info.meeting_id}
                known = {"internal_id": info.internal_id, "create_time": info.create_time_ms, "passwords": passwords}
                session.add(Meeting(**keys, **known, state="open", requested_at=_EPOCH, opened_at=_EPOCH))


class Alternatives:
    """What others do, with the same servers and the same database."""

    def __init__(self, context: Context, crowd: Crowded, clock: Clock) -> None:
        self._context, self._crowd, self._clock = context, crowd, clock
        self._local = requests.Session()
        self._local.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    def peer_with_objects(self) -> None:
        """bigbluebutton2, and one ORM object for everybody it saw."""
        from bigbluebutton.api import BigBlueButtonGroup
        from bigbluebutton.api import Meeting as PeerMeeting

        group = BigBlueButtonGroup("bench", "bench", "bench")
        with self._context.database.write() as session:
            for server, base_url in enumerate(self._crowd.base_urls):
                api = group.new(f"s{server}", f"{base_url}api/", SECRET)
                for number in range(self._crowd.meetings):
                    seen = PeerMeeting(api, meeting_id=f"m{number}").get_meeting_info()
                    for each in seen.attendees.values():
                        who = {"user_id": each.user_id, "full_name": each.full_name, "role": str(each.role)[:16]}
                        session.add(Log(meeting=self._crowd.place(server, number), at=self._clock(), **who))

    def threads_with_rows(self) -> None:
        """requests in 32 threads, ElementTree, one row for everybody seen, in one statement a hundred meetings."""
        wanted = list(product(range(len(self._crowd.base_urls)), range(self._crowd.meetings)))
        with ThreadPoolExecutor(32) as pool:
            for start in range(0, len(wanted), 100):
                found = list(pool.map(self._ask, wanted[start : start + 100]))
                with self._context.database.write() as session:
                    session.execute(insert(Log.__table__), [row for rows in found for row in rows])

    def _ask(self, wanted: tuple[int, int]) -> list[dict[str, Any]]:
        server, number = wanted
        url, meeting = self._crowd.base_urls[server], self._crowd.place(server, number)
        query = urlencode({"meetingID": f"m{number}"})
        signed = f"{query}&checksum={bbb.checksum('getMeetingInfo', query, SECRET, 'sha1')}"
        root = ElementTree.fromstring(self._local.get(f"{url}api/getMeetingInfo?{signed}", timeout=30).content)
        at = self._clock()
        return [
            {
                "meeting": meeting,
                "at": at,
                "user_id": each.findtext("userID"),
                "full_name": each.findtext("fullName"),
                "role": each.findtext("role"),
            }
            for each in root.iter("attendee")
        ]


def ours(context: Context, clock: Clock) -> None:
    """The program's own sweep."""
    assert poll.sweep(context, clock) == len(context_servers(context))


def context_servers(context: Context) -> list[int]:
    """The ids of all servers."""
    with context.database.read() as session:
        return list(session.scalars(select(Server.id)))


def spent(context: Context, run: Callable[[], None]) -> tuple[float, float]:
    """Processor seconds of this process and of its PostgreSQL, and wall seconds."""
    server = 0 if context.database.is_sqlite else _postmaster(context)
    before, cpu, began = _cpu_of(server), time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu + _cpu_of(server) - before, time.perf_counter() - began


def _postmaster(context: Context) -> int:
    with context.database.read() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(") ")[2].split()[1])


def _cpu_of(server: int) -> float:
    """User and system time of a process and its children, seconds; ended ones are in their parent's account."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if server and (int(rest[1]) == server or stat.parent.name == str(server)):
            ticks += sum(map(int, rest[11:15]))
    return ticks / _TICK


def written(context: Context, run: Callable[[], None]) -> int:
    """Bytes that a run adds to the write-ahead log."""
    if context.database.is_sqlite:
        log = Path(str(context.database.engine.url.database) + "-wal")
        with context.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert log.stat().st_size == 0
        run()
        return log.stat().st_size
    with context.database.read() as session:
        start = session.scalar(text("SELECT pg_current_wal_insert_lsn()"))
    run()
    with context.database.read() as session:
        return int(session.scalar(text("SELECT pg_current_wal_insert_lsn() - CAST(:at AS pg_lsn)"), {"at": start}) or 0)


def same_people(context: Context, crowd: Crowded, times: list[datetime]) -> bool:
    """Whether at every sweep our observations and the rows of the alternative name the same people in each meeting."""
    with context.database.read() as session:
        logged = session.execute(select(Log.at, Log.meeting, Log.user_id)).all()
        names = {(a.meeting_id, str(a.number)): a.user_id for a in session.scalars(select(Attendee))}
        meetings = {
            m.id: crowd.place(m.server_id - 1, int(m.external_id[1:])) for m in session.scalars(select(Meeting))
        }
        kept = session.scalars(select(Observation)).all()
    theirs = {(at if at.tzinfo else at.replace(tzinfo=UTC), number, who) for at, number, who in logged}
    mine = {
        (at, meetings[row.meeting_id], names[row.meeting_id, number])
        for row in kept
        for at in times
        if row.first_at <= at <= row.last_at
        for number in row.attendees.split()
    }
    return bool(mine) and mine == theirs


def compare(url: str, crowd: Crowded, share: float, other: str, rounds: int) -> dict[str, Any]:
    """Rounds of: some meetings change, we sweep, the alternative sweeps. Medians of the ratios within a round."""
    clock = Clock()
    with installed(url, crowd) as context:
        theirs = getattr(Alternatives(context, crowd, clock), other)
        ours(context, clock)
        theirs()
        times, found = [clock.at], []
        for _ in range(rounds):
            crowd.churn(share)
            clock.at += timedelta(seconds=15)
            times.append(clock.at)
            found.append(_round(context, lambda: ours(context, clock), theirs))
        # bigbluebutton2 keeps everybody it ever saw in a meeting: its rows are not the same, and not right.
        equal = other == "peer_with_objects" or same_people(context, crowd, times)
    keys = ("cpu", "wall", "bytes")
    ratios = {key: median(mine[key] / other[key] for mine, other in found) for key in keys}
    return ratios | {"share of a core": median(mine["cpu"] for mine, _ in found) / 15, "same": equal}


def _round(context: Context, mine: Callable[[], None], theirs: Callable[[], None]) -> tuple[dict[str, float], ...]:
    return tuple(_measured(context, run) for run in (mine, theirs))


def _measured(context: Context, run: Callable[[], None]) -> dict[str, float]:
    times: list[float] = []
    size = written(context, lambda: times.extend(spent(context, run)))
    return {"cpu": times[0], "wall": times[1], "bytes": float(size)}


_ROWS = "one row an attendee and poll"
_HEAD = """## Whole sweeps of poll, 30 people a meeting

E1: meetings on one server. E2, W1: on 20 servers, 30 % changing. Medians of three sweeps. The
bounds are for the largest size; the smaller ones show what a server costs however few meetings it has.

"""
_FOOT = """
* W1 counts the bytes of the write-ahead log. SQLite's is not emptied while it is measured: it would begin anew.
"""
Cell = tuple[float, bool]  #: a figure, and whether both sides told the same


def main(full: bool = False) -> str:
    """The table, each figure at a tenth, a third, and all of the size. ``full``: 10,000 meetings, instead of 2,000."""
    _peers_settings()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ones, each = ((120, 400, 1200), (50, 167, 500)) if full else ((40, 130, 400), (10, 33, 100))
    with services.postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        rows = _against_objects(postgres, ones) + _against_rows(postgres, each, Path(folder))
    return _HEAD + "\n".join(rows) + _FOOT


def _against_objects(postgres: services.Postgres, sizes: Sequence[int]) -> list[str]:
    shares = {0.62: 1 / 20, 0.15: 1 / 80}
    found: dict[float, list[Cell]] = {share: [] for share in shares}
    for size in sizes:
        with crowded(size) as crowd:
            for share, cells in found.items():
                one = compare(postgres.migrated(), crowd, share, "peer_with_objects", 3)
                cells.append((one["cpu"], one["same"]))
    lines = [
        _line(f"E1, {share:.0%} changing", "bigbluebutton2 with objects", cells, shares[share])
        for share, cells in found.items()
    ]
    return [table(_headings(sizes), lines)]


def _against_rows(postgres: services.Postgres, sizes: Sequence[int], folder: Path) -> list[str]:
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for size in sizes:
        file = folder / f"{size}.db"
        shutil.copy(services.sqlite_template(folder), file)
        with crowded(size, servers=20) as crowd:
            both = (postgres.migrated(), f"sqlite:///{file}")
            first, second = (compare(url, crowd, 0.3, "threads_with_rows", 3) for url in both)
            found.append((first, second))
    server, lite = zip(*found, strict=True)
    lines = [
        _line("E2", "requests in 32 threads with rows", _cells(server, "cpu"), 1 / 10),
        _line("E2, share of a core every 15 s", "", _cells(server, "share of a core"), 0.15),
        _line("W1, PostgreSQL", _ROWS, _cells(server, "bytes"), 0.08),
        _line("W1, SQLite", _ROWS, _cells(lite, "bytes"), 0.25),
    ]
    return [table(_headings([size * 20 for size in sizes]), lines)]


def _cells(found: Sequence[dict[str, Any]], key: str) -> list[Cell]:
    return [(each[key], each["same"]) for each in found]


def _headings(sizes: Sequence[int]) -> tuple[str, ...]:
    return ("", "ours against", *(f"{size:,} meetings" for size in sizes), "at most", "kept")


def _line(name: str, other: str, cells: Sequence[Cell], bound: float) -> tuple[object, ...]:
    texts = [f"{figure:.3g}" + ("" if same else "; NOT the same people") for figure, same in cells]
    kept = cells[-1][0] <= bound and all(same for _, same in cells)
    return name, other, *texts, f"{bound:.3g}", "yes" if kept else "NO"


def _peers_settings() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})


if __name__ == "__main__":
    sys.stdout.write(main(full="--full" in sys.argv))
