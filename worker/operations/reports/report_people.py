"""Totals of each person over all sittings asked for: how often they were there, and for how long.

Counted by PostgreSQL for settled sittings, where there is one, and in Python for the others. A figure is a sum of
counts and of whole milliseconds, so that it does not depend on who added it up.
"""

from collections.abc import Iterator
from datetime import datetime
from operator import add
from typing import NamedTuple

from worker.operations.context import Context
from worker.operations.reports import ahead, report, report_attendance, report_sql
from worker.operations.reports.report import Person, Row, Wanted
from worker.operations.reports.report_attendance import Batch

#: People a batch, more or less.
_PEOPLE = 100_000
STATUSES = ("present", "partial", "absent", "excused", "unknown")


class Part(NamedTuple):
    """What some sittings add to a person's totals: milliseconds there, and how often each word was said of them."""

    user_id: str | None
    full_name: str
    guest: bool
    milliseconds: int
    late: int
    present: int
    partial: int
    absent: int
    excused: int
    unknown: int


def by_person(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a person, guests last; those whose id nobody knows are told apart by their names."""
    found: dict[str, Part] = {}

    def read(batch: Batch) -> list[Part]:
        return _parts(context, wanted, batch, now)

    for parts in ahead.read(context, report_attendance.batches(context, wanted, now, _PEOPLE), read):
        for part in parts:
            key = part.user_id or f"?{part.full_name}"
            found[key] = _sum(found[key], part) if key in found else part
    for part in sorted(found.values(), key=lambda one: (one.guest, one.user_id or "", one.full_name)):
        yield _row(part)


def _sum(one: Part, other: Part) -> Part:
    # The name on a roster before one that somebody chose.
    guest, name = min((one.guest, one.full_name), (other.guest, other.full_name))
    return Part(one.user_id, name, guest, *map(add, one[3:], other[3:]))


def _row(part: Part) -> Row:
    came, missed = part.present + part.partial, part.absent
    return {
        "user_id": part.user_id,
        "full_name": part.full_name,
        "occurrences": came + missed + part.excused + part.unknown,
        **{word: getattr(part, word) for word in (*STATUSES, "late")},
        "seconds_present": part.milliseconds / 1000,
        # Who is excused, or what nobody watched, speaks neither for nor against.
        "percent": round(100 * came / (came + missed), 2) if came + missed else None,
        "guest": part.guest,
    }


def _parts(context: Context, wanted: Wanted, batch: Batch, now: datetime) -> list[Part]:
    with context.database.read() as session:
        if batch.in_sql:
            return [Part(*row) for row in report_sql.totals(session, context, batch.ids, wanted.user_id)]
        judged = report.judged_batch(session, context, batch.ids, now)
    people = (person for sitting in judged for person in sitting.people)
    return [_part(person) for person in people if wanted.user_id in (None, person.user_id)]


def _part(person: Person) -> Part:
    late = person.mark.late and person.status in ("present", "partial")
    counts = [int(person.status == status) for status in STATUSES]
    return Part(
        person.user_id, person.full_name, person.guest, round(person.mark.seconds_present * 1000), int(late), *counts
    )
