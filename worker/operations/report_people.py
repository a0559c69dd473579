"""Totals of each person over all sittings asked for: how often they were there, and for how long.

Counted by PostgreSQL for settled sittings, where there is one, and in Python for the others. A figure is a sum of
counts and of whole milliseconds, so that it does not depend on who added it up.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from worker.operations import report, report_attendance, report_sql
from worker.operations.context import Context
from worker.operations.report import Person, Row, Wanted
from worker.operations.report_attendance import Batch

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


@dataclass(slots=True)
class _Total:
    user_id: str | None
    names: set[tuple[bool, str]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    milliseconds: int = 0

    def add(self, part: Part) -> None:
        self.names.add((part.guest, part.full_name))
        self.counts.update({word: getattr(part, word) for word in (*STATUSES, "late")})
        self.milliseconds += part.milliseconds

    def row(self) -> Row:
        guest, name = min(self.names)  # the name on a roster before one that somebody chose
        came, missed = self.counts["present"] + self.counts["partial"], self.counts["absent"]
        return {
            "user_id": self.user_id,
            "full_name": name,
            "occurrences": sum(self.counts[status] for status in STATUSES),
            **{word: self.counts[word] for word in (*STATUSES, "late")},
            "seconds_present": self.milliseconds / 1000,
            # Who is excused, or what nobody watched, speaks neither for nor against.
            "percent": round(100 * came / (came + missed), 2) if came + missed else None,
            "guest": guest,
        }


def by_person(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a person, guests last; those whose id nobody knows are told apart by their names."""
    found: dict[str, _Total] = {}
    for batch in report_attendance.batches(context, wanted, now, _PEOPLE):
        for part in _parts(context, wanted, batch, now):
            found.setdefault(part.user_id or f"?{part.full_name}", _Total(part.user_id)).add(part)
    rows = [total.row() for total in found.values()]
    yield from sorted(rows, key=lambda row: (row["guest"], row["user_id"] or "", row["full_name"]))


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
