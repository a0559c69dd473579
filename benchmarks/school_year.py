"""A year of attendance to write reports of: settled sittings of 30, with stays, gaps, guests and corrections.

Truth-like: a tenth are absent, a third came twice, every tenth class was not watched for five minutes, guests come with
names of their own, a few statuses were corrected.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.operations.context import Context
from worker.store import migrate
from worker.store.bulk import insert_many
from worker.store.tables import Correction, Course, Gap, Occurrence, Participant, Stay
from worker.store.upsert import in_batches

PEOPLE, COURSES = 30, 300
START = datetime(2025, 9, 1, 4, 30, tzinfo=UTC)
NOW = START + timedelta(days=900)
_FIRST = ("زهرا", "فاطمه", "علی", "محمد", "Sara", "Omid", "مریم", "رضا")
_LAST = ("محمدی", "حسینی", "احمدی", "Karimi", "رضایی", "Nouri", "موسوی", "کاظمی")
_SITTINGS = ("id", "course_id", "original_start", "starts_at", "ends_at", "opens_at", "closes_at", "planned_at")
_STAYS = ("occurrence_id", "attendee_key", "first_seen", "last_seen", "full_name", "role", "source")


def fill(context: Context, rows: int) -> int:
    """Make an empty database one of about so many rows of attendance. Returns how many sittings it has."""
    migrate.upgrade(context.database)
    sittings = -(-rows // PEOPLE)
    with context.database.write() as session:
        insert_many(session, Course, ("id", "code", "title", "timezone", "options"), list(_courses()))
        insert_many(session, Participant, ("course_id", "user_id", "full_name", "role"), list(_roster()))
    for batch in in_batches(range(1, sittings + 1), 1000):
        with context.database.write() as session:
            insert_many(session, Occurrence, (*_SITTINGS, "settled_at"), [_sitting(number) for number in batch])
            insert_many(session, Stay, _STAYS, [stay for number in batch for stay in _stays(number)])
            gaps = [_gap(number) for number in batch if number % 10 == 0]
            insert_many(session, Gap, ("occurrence_id", "first_at", "last_at"), gaps)
            changed = [_correction(number) for number in batch if number % 20 == 0]
            keys = ("occurrence_id", "user_id", "before", "status", "reason", "by", "at")
            insert_many(session, Correction, keys, changed)
    return sittings


def _courses() -> Iterator[tuple[Any, ...]]:
    for number in range(1, COURSES + 1):
        yield number, f"C{number:03d}", "A course", "Asia/Tehran", "{}"


def _roster() -> Iterator[tuple[Any, ...]]:
    for course in range(1, COURSES + 1):
        for seat in range(PEOPLE):
            yield course, _key(course, seat), _name(course * 31 + seat), "viewer" if seat else "moderator"


def _key(course: int, seat: int) -> str:
    return f"{course:03d}{seat:02d}"


def _name(number: int) -> str:
    return f"{_FIRST[number % 8]} {_LAST[number // 8 % 8]} {number}"


def _start(number: int) -> datetime:
    return START + timedelta(hours=number // COURSES * 6, minutes=number % COURSES)


def _sitting(number: int) -> tuple[Any, ...]:
    start, end = _start(number), _start(number) + timedelta(hours=1)
    return number, number % COURSES + 1, start, start, end, start, end, START, end


def _stays(number: int) -> Iterator[tuple[Any, ...]]:
    course, start = number % COURSES + 1, _start(number)
    for seat in range(PEOPLE):
        come, go = (number * 7 + seat * 13) % 25, 60 - (number * 5 + seat * 11) % 30
        if (number + seat) % 10 == 0:
            continue
        key, name = _key(course, seat), _name(course * 31 + seat)
        half = come + (go - come) // 2
        yield _stay(number, key, name, start, come, half if seat % 3 == 0 else go)
        if seat % 3 == 0:
            yield _stay(number, key, name, start, half + 2, max(go, half + 2))
    if number % 8 == 0:
        yield _stay(number, f"?Guest {number % 50}", f"Guest {number % 50}", start, 5, 50)


def _stay(number: int, key: str, name: str, start: datetime, come: int, go: int) -> tuple[Any, ...]:
    first, last = start + timedelta(minutes=come, microseconds=number), start + timedelta(minutes=go)
    return number, key, first, max(first, last), name, "VIEWER", "poll"


def _gap(number: int) -> tuple[Any, ...]:
    return number, _start(number), _start(number) + timedelta(minutes=5)


def _correction(number: int) -> tuple[Any, ...]:
    return number, _key(number % COURSES + 1, 3), "absent", "excused", "was ill", "office", START
