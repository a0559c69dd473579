"""The ways to write a report that benchmarks/reports.py compares: ours, and what others would do on the same tables.

All give the same columns of the same sittings. Where an alternative leaves something out (guests, fonts, colours), that
is to its own advantage.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from benchmarks.school_year import NOW
from worker.domain import marks
from worker.domain.attendance import Span
from worker.domain.marks import Mark
from worker.exports.text import guarded
from worker.operations.context import Context
from worker.operations.reports import report, report_people, report_sql, tables_of_reports
from worker.operations.reports.report import Wanted
from worker.operations.reports.report_statement import JUDGED
from worker.store.tables import Correction, Course, Gap, Occurrence, Participant, Stay
from worker.store.upsert import in_batches

Case = Callable[[Context, Path], int]
_EVERYTHING = Wanted()
_FETCHED = 2000
#: What is known of each person in each sitting: a row a stay, and one for who never came. Guests are left out.
_FACTS = """
SELECT o.id, c.code, c.timezone, o.starts_at, o.ends_at, p.user_id, p.full_name, p.role, s.first_seen, s.last_seen
FROM occurrences o JOIN courses c ON c.id = o.course_id JOIN participants p ON p.course_id = o.course_id
LEFT JOIN stays s ON s.occurrence_id = o.id AND s.attendee_key = p.user_id
ORDER BY o.starts_at, o.id, p.role, p.user_id, s.first_seen
"""


def ours(form: str) -> Case:
    """The report as the command writes it."""

    def write(context: Context, target: Path, wanted: Wanted = _EVERYTHING) -> int:
        rows: list[int] = []
        tables_of_reports.write(context, "attendance", wanted, form, "en", NOW, target, seen=rows.append)  # type: ignore[arg-type]
        return sum(rows)

    return write


def our_totals(context: Context, target: Path) -> int:
    """A row a person, counted in SQL."""
    return sum(row["occurrences"] for row in report_people.by_person(context, Wanted(), NOW))  # type: ignore[misc]


def csv_by_objects(context: Context, target: Path) -> int:
    """ORM objects, a hundred sittings at a time; statuses in Python; csv.writer."""
    with target.open("w", encoding="utf-8-sig", newline="") as file, context.database.read() as session:
        writer, count = csv.writer(file), 0
        rosters = defaultdict(list)
        for one in session.scalars(select(Participant).order_by(Participant.role, Participant.user_id)):
            rosters[one.course_id].append(one)
        courses = {course.id: course for course in session.scalars(select(Course))}
        ids = session.scalars(select(Occurrence.id).order_by(Occurrence.starts_at, Occurrence.id)).all()
        for batch in in_batches(ids, 100):
            stays, gaps, changed = defaultdict(list), defaultdict(list), {}
            for stay in session.scalars(select(Stay).where(Stay.occurrence_id.in_(batch))):
                stays[stay.occurrence_id, stay.attendee_key].append(Span(stay.first_seen, stay.last_seen))
            for gap in session.scalars(select(Gap).where(Gap.occurrence_id.in_(batch))):
                gaps[gap.occurrence_id].append(Span(gap.first_at, gap.last_at))
            for each in session.scalars(select(Correction).where(Correction.occurrence_id.in_(batch))):
                changed[each.occurrence_id, each.user_id] = (each.status, each.by, each.reason)
            sittings = select(Occurrence).where(Occurrence.id.in_(batch)).order_by(Occurrence.starts_at, Occurrence.id)
            for sitting in session.scalars(sittings):
                course, window = courses[sitting.course_id], Span(sitting.starts_at, sitting.ends_at)
                for person in rosters[sitting.course_id]:
                    key = (sitting.id, person.user_id)
                    mark = marks.mark(stays.get(key, []), gaps.get(sitting.id, []), window, context.rules)
                    who = (person.user_id, person.full_name, person.role)
                    writer.writerow(
                        _line(sitting.id, course.code, course.timezone, window, who, mark, changed.get(key))
                    )
                    count += 1
            session.expunge_all()
    return count


def csv_by_facts(context: Context, target: Path) -> int:
    """A server-side cursor over what is known; statuses in Python; csv.writer."""
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer, count = csv.writer(file), 0
        for line in _judged(context):
            writer.writerow(_line(*line))
            count += 1
    return count


def csv_by_rows(context: Context, target: Path) -> int:
    """A server-side cursor over the statement of ours, its texts and times written out by PostgreSQL; csv.writer."""
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer, count = csv.writer(file), 0
        writer.writerow(report_sql.KEYS)
        cells = f"SELECT {', '.join(report_sql._CELLS)} FROM ({report_sql._finished(guard=False)}) AS m"
        statement = f"{JUDGED} {cells} ORDER BY {report_sql._ORDER}"
        for row in _fetched(context, statement, _values(context)):
            writer.writerow([guarded(cell) if type(cell) is str else cell for cell in row])
            count += 1
    return count


def xlsx_by_openpyxl(context: Context, target: Path) -> int:
    """Openpyxl's write-only mode: finished rows from a server-side cursor, no fonts, no colours, no widths."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet, count = book.create_sheet("Attendance"), 0
    sheet.append(report_sql.KEYS)
    for row in _local(context):
        sheet.append(row)
        count += 1
    book.save(target)
    return count


def xlsx_by_xlsxwriter(context: Context, target: Path) -> int:
    """xlsxwriter's constant memory: the same rows, with formats for times and durations."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(target), options)
    sheet, count = book.add_worksheet("Attendance"), 0
    at, length = book.add_format({"num_format": "yyyy-mm-dd hh:mm"}), book.add_format({"num_format": "[h]:mm:ss"})
    sheet.write_row(0, 0, report_sql.KEYS)
    for count, row in enumerate(_local(context), start=1):
        for column, cell in enumerate(row):
            if type(cell) is str:
                sheet.write_string(count, column, cell)
            elif isinstance(cell, datetime):
                sheet.write_datetime(count, column, cell, at)
            elif isinstance(cell, bool):
                sheet.write_boolean(count, column, cell)
            elif cell is not None:
                sheet.write_number(count, column, cell, length if column in (12, 13) else None)
    book.close()
    return count


def totals_by_facts(context: Context, target: Path) -> int:
    """A server-side cursor over what is known; statuses and totals in Python."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for _, _, _, _, who, mark, changed in _judged(context):
        found[who[0]].update({changed[0] if changed else mark.status: 1, "seconds": round(mark.seconds_present * 1000)})
    return sum(sum(count for word, count in total.items() if word != "seconds") for total in found.values())


def totals_by_rows(context: Context, target: Path) -> int:
    """A server-side cursor over the finished rows of our statement; totals in Python."""
    found: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in _fetched(context, report_sql._ROWS, _values(context)):
        found[row[4]].update({row[7]: 1, "seconds": round(row[12] * 1000)})
    return sum(sum(count for word, count in total.items() if word != "seconds") for total in found.values())


CASES: dict[str, Case] = {
    "csv: ours": ours("csv"),
    "csv: ORM loop": csv_by_objects,
    "csv: csv.writer on a server-side cursor, statuses in Python": csv_by_facts,
    "csv: csv.writer on a server-side cursor over our own statement": csv_by_rows,
    "xlsx: ours": ours("xlsx"),
    "xlsx: openpyxl, write-only": xlsx_by_openpyxl,
    "xlsx: xlsxwriter, constant_memory": xlsx_by_xlsxwriter,
    "totals: ours": our_totals,
    "totals: Python over what is known": totals_by_facts,
    "totals: Python over the rows of our own statement": totals_by_rows,
}


def _line(
    number: int, code: str, timezone: str, window: Span, who: tuple[str, ...], mark: Mark, changed: Any
) -> tuple[Any, ...]:
    zone = ZoneInfo(timezone)
    status, by, reason = changed or (mark.status, None, None)
    times = [
        at and at.astimezone(zone).isoformat() for at in (window.start, window.end, mark.first_seen, mark.last_seen)
    ]
    return (
        *(
            code,
            number,
            times[0],
            times[1],
            guarded(who[0]),
            guarded(who[1]),
            who[2],
            status,
            mark.late,
            mark.left_early,
        ),
        *(times[2], times[3], round(mark.seconds_present, 3), round(mark.seconds_unknown, 3), round(mark.percent, 2)),
        *(mark.joins, False, mark.status, by, reason),
    )


def _judged(context: Context) -> Iterator[tuple[Any, ...]]:
    gaps, changed = defaultdict(list), {}
    with context.database.read() as session:
        for number, first, last in session.execute(select(Gap.occurrence_id, Gap.first_at, Gap.last_at)):
            gaps[number].append(Span(first, last))
        kept = select(Correction.occurrence_id, Correction.user_id, Correction.status, Correction.by, Correction.reason)
        for number, user_id, *rest in session.execute(kept):
            changed[number, user_id] = rest
    for key, rows in groupby(_fetched(context, _FACTS, {}), key=lambda row: row[:8]):
        number, code, timezone, start, end, *who = key
        stays, window = [Span(row[8], row[9]) for row in rows if row[8] is not None], Span(start, end)
        mark = marks.mark(stays, gaps.get(number, []), window, context.rules)
        yield number, code, timezone, window, who, mark, changed.get((number, who[0]))


def _local(context: Context) -> Iterator[list[Any]]:
    for *row, timezone in _fetched(context, report_sql._ROWS, _values(context)):
        zone = ZoneInfo(timezone)
        yield [cell.astimezone(zone).replace(tzinfo=None) if isinstance(cell, datetime) else cell for cell in row]


def _values(context: Context) -> dict[str, Any]:
    with context.database.read() as session:
        ids = session.scalars(report.begun(session, Wanted(), NOW)).all()
        return report_sql._parameters(session.connection().connection.cursor(), context, ids, None)


def _fetched(context: Context, statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of a server-side cursor, in one statement with time and memory enough."""
    with context.database.read() as session:
        for setting in ("statement_timeout = 0", "work_mem = '256MB'", "enable_nestloop = off"):
            session.execute(text(f"SET LOCAL {setting}"))
        driver: Any = session.connection().connection.driver_connection
        with driver.cursor("fetched") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(statement, values)
            yield from cursor
