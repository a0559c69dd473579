"""The Now page with 1,000 open meetings and 50 pages that stay open: how long a look takes, and with a past behind it.

    python benchmarks/web.py [--seconds 30] [--pages 50] [--meetings 1000] [--past 0 100000]

One process serves, another one looks, every five seconds from each page, as the page itself does. SQLite, in a folder
that is thrown away. ``--past`` are sittings that are over, each with its meeting and its story; none of them is shown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from sqlalchemy import insert

from benchmarks.harness import table
from worker import logs
from worker.operations import context as contexts
from worker.operations import pulse
from worker.settings import Settings
from worker.store import migrate
from worker.store.tables import Course, Event, LoadPoint, Meeting, Occurrence, OngoingObservation, Pulse, Server
from worker.web import access

PASSWORD = "a password for measuring"
EVERY = 5.0
_HEADINGS = ("sittings that are over", "looks", "median, ms", "95 of 100, ms", "longest, ms", "processor, %")


def furnish(settings: Settings, meetings: int, past: int) -> None:
    """Open meetings, a day of totals, and a past."""
    logs.configure(settings, "ERROR")
    context = contexts.make(settings)
    migrate.upgrade(context.database)
    now = datetime.now(UTC)
    access.add(context, "admin", PASSWORD, "admin", now)
    with context.database.write() as session:
        session.execute(insert(Server), [_server(number) for number in (1, 2, 3, 4)])
        session.execute(insert(Course), [_course(number) for number in range(1, 1001)])
        for start in range(0, past, 10_000):
            numbers = range(start + 1, min(start + 10_000, past) + 1)
            session.execute(
                insert(Occurrence), [_occurrence(n, now - timedelta(minutes=90 + n), True) for n in numbers]
            )
            session.execute(insert(Meeting), [_meeting(n, now, False) for n in numbers])
            session.execute(insert(Event), [_event(n, now) for n in numbers])
        numbers = range(past + 1, past + meetings + 1)
        session.execute(insert(Occurrence), [_occurrence(n, now - timedelta(minutes=10), False) for n in numbers])
        session.execute(insert(Meeting), [_meeting(n, now, True) for n in numbers])
        session.execute(insert(OngoingObservation), [_going(n, now) for n in numbers])
        points = [
            {
                "server_id": s,
                "minute": now.replace(second=0, microsecond=0) - timedelta(minutes=m),
                "meetings": 250,
                "people": 7000,
            }
            for s in (1, 2, 3, 4)
            for m in range(1440)
        ]
        session.execute(insert(LoadPoint), points)
        session.execute(insert(Pulse), [{"loop": loop, "started_at": now, "ended_at": now} for loop in pulse.LOOPS])
    context.database.dispose()


def _server(number: int) -> dict[str, object]:
    return {"id": number, "name": f"server-{number}", "api_url": f"http://{number}.invalid/", "secret": b""}


def _course(number: int) -> dict[str, object]:
    return {"id": number, "code": f"c-{number}", "title": f"Course {number}", "timezone": "UTC", "options": {}}


def _occurrence(number: int, start: datetime, over: bool) -> dict[str, object]:
    end = start + timedelta(minutes=60)
    times = {"original_start": start + timedelta(microseconds=number), "starts_at": start, "ends_at": end}
    rest = {"opens_at": start, "closes_at": end, "planned_at": start, "settled_at": end if over else None}
    return {"id": number, "course_id": number % 1000 + 1, **times, **rest}


def _meeting(number: int, now: datetime, live: bool) -> dict[str, object]:
    row = {"id": number, "occurrence_id": number, "server_id": number % 4 + 1, "external_id": f"m-{number}"}
    state = {"state": "open", "closed_at": None} if live else {"state": "closed", "closed_at": now}
    return {**row, **state, "internal_id": f"i-{number}", "passwords": b"", "requested_at": now}


def _going(number: int, now: datetime) -> dict[str, object]:
    counts = {"attendees": "", "people": number % 40, "moderators": 1}
    return {"meeting_id": number, "first_at": now, "last_at": now, "polls": 1, **counts}


def _event(number: int, now: datetime) -> dict[str, object]:
    return {"at": now - timedelta(minutes=number), "kind": "closed", "occurrence_id": number}


def measure(url: str, pages: int, seconds: float) -> dict[str, float]:
    """Every page signs in, then looks every five seconds, all out of step."""
    took: list[float] = []
    until = time.monotonic() + seconds

    def look(number: int) -> None:
        session = requests.Session()
        session.cookies.update(cookies)
        time.sleep(EVERY * number / pages)
        while time.monotonic() < until:
            begun = time.perf_counter()
            answer = session.get(url + "/now/live", timeout=30)
            took.append(time.perf_counter() - begun)
            assert answer.status_code == 200
            assert "Course" in answer.text
            time.sleep(max(0.0, EVERY - (time.perf_counter() - begun)))

    first = requests.Session()
    form = {"name": "admin", "password": PASSWORD}
    answer = first.post(url + "/login", data=form, headers={"Origin": url}, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    cookies = dict(first.cookies)
    threads = [threading.Thread(target=look, args=(number,)) for number in range(pages)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    took.sort()
    return {
        "looks": len(took),
        "median_ms": round(1000 * statistics.median(took), 1),
        "p95_ms": round(1000 * took[int(0.95 * len(took))], 1),
        "max_ms": round(1000 * took[-1], 1),
    }


def run(meetings: int, past: int, pages: int, seconds: float) -> dict[str, float]:
    """One measurement, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        furnish(Settings(data_dir=Path(folder)), meetings, past)
        port = 18_080
        command = [sys.executable, "-m", "worker", "web", "--port", str(port)]
        environment = {**os.environ, "MEETINGZ_DATA_DIR": folder, "MEETINGZ_LOG_LEVEL": "ERROR"}
        server = subprocess.Popen(command, env=environment)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            begun = _seconds_of(server.pid)
            found = measure(url, pages, seconds)
            return {**found, "cpu_percent": round(100 * (_seconds_of(server.pid) - begun) / seconds, 1)}
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url + "/healthz", timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit("the page did not start")


def _seconds_of(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--meetings", type=int, default=1000)
    parser.add_argument("--past", type=int, nargs="+", default=[0, 100_000])
    given = parser.parse_args()
    print(f"## The page: {given.pages} pages that look every {EVERY:g} s, {given.meetings:,} open meetings\n")
    print(f"Load of the machine {os.getloadavg()[0]:.1f} before, {os.cpu_count()} processors.\n")
    found = {past: run(given.meetings, past, given.pages, given.seconds) for past in given.past}
    print(table(_HEADINGS, [(f"{past:,}", *costs.values()) for past, costs in found.items()]))


if __name__ == "__main__":
    main()
