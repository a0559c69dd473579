"""The attendance report: a row a person and sitting, however many there are, a batch of sittings at a time.

Settled sittings are judged by PostgreSQL, where there is one; those that go on, and all on SQLite, in Python. Every
batch is read in a session of its own: a slow reader at the other end of a pipe holds no transaction open.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from itertools import groupby
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO

from sqlalchemy import func, select

from worker.exports import Table, to_csv
from worker.operations.context import Context
from worker.operations.reports import ahead, report, report_sql
from worker.operations.reports.report import Row, Wanted
from worker.store.tables import Occurrence, Participant

#: People a batch, more or less: those judged in Python and finished rows are held in memory, lines in a file.
_JUDGED, _ROWS, _LINES = 3_000, 5_000, 30_000
_SPOOL = 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """Some sittings in order of time, and whether the database can judge them."""

    ids: Sequence[int]
    in_sql: bool


def rows(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a person and sitting: everyone on the roster of that day, and then everyone else who was seen."""

    def read(batch: Batch) -> Sequence[Row]:
        return _rows(context, wanted, batch, now)

    for found in ahead.read(context, batches(context, wanted, now, _ROWS), read):
        yield from found


def write_csv(
    context: Context, table: Table, wanted: Wanted, now: datetime, stream: BinaryIO, seen: Callable[[int], None]
) -> None:
    """The same rows as CSV. ``seen`` is told after each batch how many it had."""

    def read(batch: Batch) -> tuple[int, IO[bytes]]:
        return _lines(context, table, wanted, batch, now)

    to_csv.begin(table, stream)
    for count, lines in ahead.read(context, batches(context, wanted, now, _LINES), read):
        with lines:
            shutil.copyfileobj(lines, stream)
        seen(count)


def _lines(context: Context, table: Table, wanted: Wanted, batch: Batch, now: datetime) -> tuple[int, IO[bytes]]:
    if not batch.in_sql:
        found, held = _rows(context, wanted, batch, now), BytesIO()
        to_csv.append(replace(table, rows=found), held)
        held.seek(0)
        return len(found), held
    spool = SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - who reads it closes it
    with context.database.read() as session:
        count = report_sql.lines(session, context, batch.ids, wanted.user_id, spool)
    spool.seek(0)
    return count, spool


def _rows(context: Context, wanted: Wanted, batch: Batch, now: datetime) -> Sequence[Row]:
    with context.database.read() as session:
        if batch.in_sql:
            return report_sql.rows(session, context, batch.ids, wanted.user_id)
        return list(report.rows_of(report.judged_batch(session, context, batch.ids, now), wanted))


def batches(context: Context, wanted: Wanted, now: datetime, people: int) -> Iterator[Batch]:
    """The sittings that have begun, as many together as about so many people are enrolled in; fewer for Python."""
    with context.database.read() as session:
        columns = (Occurrence.id, Occurrence.course_id, Occurrence.settled_at.is_not(None))
        found = session.execute(report.begun(session, wanted, now).with_only_columns(*columns)).all()
        counted = select(Participant.course_id, func.count()).group_by(Participant.course_id)
        heads: dict[int, int] = dict(session.execute(counted).all())
    for settled, sittings in groupby(found, key=lambda row: row[2]):
        in_sql = settled and not context.database.is_sqlite
        most = people if in_sql else _JUDGED
        ids: list[int] = []
        size = 0
        for number, course, _ in sittings:
            ids.append(number)
            size += heads.get(course, 0) + 1
            if size >= most:
                yield Batch(ids, in_sql)
                ids, size = [], 0
        if ids:
            yield Batch(ids, in_sql)
