"""How fast, and in how much memory, is a year of attendance written?

    python -m benchmarks.reports [--rows 1000000] [--format csv xlsx] [--url postgresql://...]

Makes so many rows of attendance in an empty database (SQLite in a temporary folder, unless a URL is given), 30 people a
sitting, and writes the report as the command does, each format in a process of its own. Printed: seconds, rows a
second, and by how much the largest resident memory of that process exceeds what it had before the first row.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from worker import exports, logs
from worker.operations import context as contexts
from worker.operations import tables_of_reports
from worker.operations.context import Context
from worker.operations.report import Wanted
from worker.settings import Settings
from worker.store import migrate
from worker.store.tables import Course, Gap, Occurrence, Participant, Stay
from worker.store.upsert import in_batches

PEOPLE, COURSES = 30, 300
START = datetime(2025, 9, 1, 4, 30, tzinfo=UTC)
NOW = START + timedelta(days=900)


def make(folder: Path, url: str) -> Context:
    """The surroundings of one process."""
    settings = Settings(data_dir=folder, database_url=url, secret_key="a key for the benchmark only")  # type: ignore[arg-type]
    logs.configure(settings, "CRITICAL")
    return contexts.make(settings)


def fill(context: Context, rows: int) -> None:
    """Courses of 30, and settled sittings with a stay or two a person."""
    migrate.upgrade(context.database)
    sittings = -(-rows // PEOPLE)
    with context.database.write() as session:
        for number in range(1, COURSES + 1):
            session.add(Course(id=number, code=f"C{number:03d}", title="A course", timezone="Asia/Tehran", options={}))
        session.flush()
        people = (f"{number:03d}{seat:02d}" for number in range(1, COURSES + 1) for seat in range(PEOPLE))
        enrolled = [{"course_id": int(one[:3]), "user_id": one, "full_name": f"زهرا محمدی {one}"} for one in people]
        session.execute(insert(Participant), [row | {"role": "viewer"} for row in enrolled])
    for batch in in_batches(range(1, sittings + 1), 1000):
        with context.database.write() as session:
            session.execute(insert(Occurrence), [_sitting(number) for number in batch])
            session.execute(insert(Stay), [stay for number in batch for stay in _stays(number)])
            session.execute(insert(Gap), [_gap(number) for number in batch if number % 10 == 0] or [_gap(batch[0])])


def _start(number: int) -> datetime:
    return START + timedelta(hours=number // COURSES * 6, minutes=number % COURSES)


def _sitting(number: int) -> dict[str, object]:
    start, end = _start(number), _start(number) + timedelta(hours=1)
    times = {"original_start": start, "starts_at": start, "ends_at": end, "opens_at": start, "closes_at": end}
    return {"id": number, "course_id": number % COURSES + 1, "planned_at": START, "settled_at": end, **times}


def _stays(number: int) -> list[dict[str, object]]:
    course, start, found = number % COURSES + 1, _start(number), []
    for seat in range(PEOPLE):
        come, go = (number * 7 + seat * 13) % 25, 60 - (number * 5 + seat * 11) % 30
        found.append(_stay(number, f"{course:03d}{seat:02d}", start, come, come + (go - come) // 2))
        if seat % 3 == 0:
            found.append(_stay(number, f"{course:03d}{seat:02d}", start, come + (go - come) // 2 + 2, go))
    return found


def _stay(number: int, key: str, start: datetime, come: int, go: int) -> dict[str, object]:
    times = {"first_seen": start + timedelta(minutes=come), "last_seen": start + timedelta(minutes=max(go, come))}
    who = {"attendee_key": key, "full_name": "زهرا محمدی", "role": "VIEWER", "source": "poll"}
    return {"occurrence_id": number, **who, **times}


def _gap(number: int) -> dict[str, object]:
    start = _start(number)
    return {"occurrence_id": number, "first_at": start, "last_at": start + timedelta(minutes=5)}


def write(context: Context, form: exports.Format, target: Path) -> dict[str, float]:
    """Write once; what it cost."""
    tables_of_reports.write(context, "attendance", Wanted(occurrence=1), form, "en", NOW, target)
    before, started = _peak(), time.perf_counter()
    tables_of_reports.write(context, "attendance", Wanted(), form, "en", NOW, target)
    return {"seconds": time.perf_counter() - started, "megabytes": _peak() - before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", nargs="+", default=["csv", "xlsx"])
    parser.add_argument("--url", default="")
    parser.add_argument("--only-write", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_write:
        folder = Path(given.only_write)
        print(json.dumps(write(make(folder, given.url), given.format[0], folder / f"out.{given.format[0]}")))
        return
    with tempfile.TemporaryDirectory() as name:
        context = make(Path(name), given.url)
        fill(context, given.rows)
        context.database.dispose()
        for form in given.format:
            again = [sys.executable, "-m", "benchmarks.reports", "--format", form, "--url", given.url]
            done = subprocess.run([*again, "--only-write", name], capture_output=True, text=True, check=True)
            cost = json.loads(done.stdout)
            print(
                f"{form}: {given.rows} rows in {cost['seconds']:.1f} s, {given.rows / cost['seconds']:,.0f} a second, "
                f"{cost['megabytes']:.0f} MiB above the start"
            )


if __name__ == "__main__":
    main()
