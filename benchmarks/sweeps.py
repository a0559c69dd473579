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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import requests
import structlog
from sqlalchemy import DateTime, Integer, String, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.crowded import SECRET, Crowded, crowded
from benchmarks.harness import table
from tests import services
from worker import bbb
from worker.operations import context as contexts
from worker.operations import poll, servers
from worker.operations.context import Context
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
        for number, base_url in enumerate(crowd.base_urls):
            servers.add(context, f"s{number}", base_url, SECRET, _EPOCH)
        _open_all(context, crowd)
        with context.database.write() as session:
            Base.metadata.create_all(session.connection())
        yield context
        context.database.dispose()


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
                        session.add(Log(meeting=number, at=self._clock(), **who))

    def threads_with_rows(self) -> None:
        """requests in 32 threads, ElementTree, one row for everybody seen, in one statement a hundred meetings."""
        wanted = [(url, number) for url in self._crowd.base_urls for number in range(self._crowd.meetings)]
        with ThreadPoolExecutor(32) as pool:
            for start in range(0, len(wanted), 100):
                found = list(pool.map(self._ask, wanted[start : start + 100]))
                with self._context.database.write() as session:
                    session.execute(insert(Log.__table__), [row for rows in found for row in rows])

    def _ask(self, wanted: tuple[str, int]) -> list[dict[str, Any]]:
        url, number = wanted
        query = urlencode({"meetingID": f"m{number}"})
        signed = f"{query}&checksum={bbb.checksum('getMeetingInfo', query, SECRET, 'sha1')}"
        root = ElementTree.fromstring(self._local.get(f"{url}api/getMeetingInfo?{signed}", timeout=30).content)
        at = self._clock()
        return [
            {
                "meeting": number,
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
        run()
        return log.stat().st_size
    with context.database.read() as session:
        start = session.scalar(text("SELECT pg_current_wal_insert_lsn()"))
    run()
    with context.database.read() as session:
        return int(session.scalar(text("SELECT pg_current_wal_insert_lsn() - CAST(:at AS pg_lsn)"), {"at": start}) or 0)


def same_people(context: Context, times: list[datetime]) -> bool:
    """Whether at every sweep our observations and the rows of the alternative name the same people in each meeting."""
    with context.database.read() as session:
        logged = session.execute(select(Log.at, Log.meeting, Log.user_id)).all()
        names = {(a.meeting_id, str(a.number)): a.user_id for a in session.scalars(select(Attendee))}
        meetings = {m.id: int(m.external_id[1:]) for m in session.scalars(select(Meeting))}
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
        equal = other == "peer_with_objects" or same_people(context, times)
    keys = ("cpu", "wall", "bytes")
    ratios = {key: median(mine[key] / other[key] for mine, other in found) for key in keys}
    return ratios | {"share of a core": median(mine["cpu"] for mine, _ in found) / 15, "same": equal}


def _round(context: Context, mine: Callable[[], None], theirs: Callable[[], None]) -> tuple[dict[str, float], ...]:
    return tuple(_measured(context, run) for run in (mine, theirs))


def _measured(context: Context, run: Callable[[], None]) -> dict[str, float]:
    times: list[float] = []
    size = written(context, lambda: times.extend(spent(context, run)))
    return {"cpu": times[0], "wall": times[1], "bytes": float(size)}


def main(full: bool = False) -> str:
    """The table. ``full``: 10,000 meetings on 20 servers instead of 2,000."""
    _peers_settings()
    rows = []
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with services.postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        with crowded(1200 if full else 400) as crowd:
            for share, bound in ((0.62, 1 / 20), (0.15, 1 / 80)):
                one = compare(postgres.migrated(), crowd, share, "peer_with_objects", 3)
                rows.append(_row(f"E1, {share:.0%} changing", "bigbluebutton2 with objects", one, "cpu", bound))
        with crowded(500 if full else 100, servers=20) as crowd:
            two = compare(postgres.migrated(), crowd, 0.3, "threads_with_rows", 3)
            rows.append(_row("E2", "requests in 32 threads with rows", two, "cpu", 1 / 10))
            core = two["share of a core"]
            rows.append(("E2, share of one core every 15 s", "", f"{core:.1%}", "15%", "yes" if core <= 0.15 else "NO"))
            rows.append(_row("W1, PostgreSQL", "one row an attendee and poll", two, "bytes", 0.08))
            shutil.copy(services.sqlite_template(Path(folder)), Path(folder) / "bench.db")
            lite = compare(f"sqlite:///{folder}/bench.db", crowd, 0.3, "threads_with_rows", 3)
            rows.append(_row("W1, SQLite", "one row an attendee and poll", lite, "bytes", 0.25))
    size = "10,000" if full else "2,000"
    one = 1200 if full else 400
    sizes = f"E1: {one} meetings on one server; E2, W1: {size} on 20, 30 % changing."
    head = f"## Whole sweeps of poll, 30 people a meeting\n\n{sizes}\n\n"
    return head + table(("", "ours against", "measured", "at most", "kept"), rows)


def _row(name: str, other: str, found: dict[str, Any], key: str, bound: float) -> tuple[object, ...]:
    kept = found[key] <= bound and found["same"]
    proof = "" if found["same"] else "; NOT the same people"
    return name, other, f"{found[key]:.3g}{proof}", f"{bound:.3g}", "yes" if kept else "NO"


def _peers_settings() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})


if __name__ == "__main__":
    sys.stdout.write(main(full="--full" in sys.argv))
