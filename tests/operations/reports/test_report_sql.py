"""What PostgreSQL judges by itself is what Python judges, for any class whatever: as rows, and as CSV."""

import csv
import io
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from lxml import html
from openpyxl import load_workbook

from tests.exports import test_hostile_names as hostile
from worker.exports import write
from worker.exports.text import guarded, harmless
from worker.operations.attendance import corrections
from worker.operations.reports import report, report_attendance, report_people, tables_of_reports
from worker.operations.reports.report import Wanted
from worker.store.tables import Correction, Course, Gap, Occurrence, Participant, Stay

NAMES = ["Sara", "زهرا", "=1+1", "x;=2", "a\tb", '"q", r', "\u202eevil", "  -3", "", "😀", "O'Connor", "＝1", "w\n=x"]
KEYS = [f"u{number}" for number in range(6)] + ["w_abcdefghij12", "?nobody", "=cmd", "v_0912"]


@pytest.fixture
def context(make_context, database_url):
    return make_context()


def fill(context, dice, start):
    """Random courses, rosters, stays to the microsecond, gaps, corrections and thresholds."""
    with context.database.write() as session:
        for number in range(3):
            zone = dice.choice(["Asia/Tehran", "UTC", "America/St_Johns"])
            own = {"present_percent": dice.choice([None, 50.0]), "late_seconds": dice.choice([None, 60.0])}
            course = Course(
                code=dice.choice(["A", "=B", "ج"]) + str(number), title="T", timezone=zone, options={}, **own
            )
            session.add(course)
            session.flush()
            for key in dice.sample(KEYS[:6], 4):
                days = [None, date(2026, 3, 2), date(2026, 3, 3), date(2026, 2, 1)]
                name, role = dice.choice(NAMES), dice.choice(["viewer", "moderator"])
                days = {"valid_from": dice.choice(days), "valid_until": dice.choice([None, *days[1:]])}
                session.add(Participant(course_id=course.id, user_id=key, full_name=name, role=role, **days))
            for _ in range(5):
                sitting(session, dice, course, start)


def sitting(session, dice, course, start):
    first = start + timedelta(seconds=dice.randrange(30 * 3600))
    last = first + timedelta(minutes=dice.choice([1, 45, 90]))
    times = {"original_start": first, "starts_at": first, "ends_at": last, "opens_at": first, "closes_at": last}
    cancelled = dice.choice([None] * 9 + [start])
    row = Occurrence(course_id=course.id, planned_at=start, settled_at=last, cancelled_at=cancelled, **times)
    session.add(row)
    session.flush()
    length = (last - first).total_seconds()
    for key in dice.sample(KEYS, dice.randrange(len(KEYS))):
        edges = [dice.uniform(-0.2, 1.2) * length for _ in range(2 * dice.randrange(1, 4))]
        times = sorted(first + timedelta(seconds=dice.choice([round(edge), round(edge, 6)])) for edge in edges)
        for come, go in zip(times[::2], times[1::2], strict=True):
            who = {"full_name": dice.choice(NAMES), "role": dice.choice(["VIEWER", "MODERATOR", "DIAL-IN-USER"])}
            session.merge(Stay(occurrence_id=row.id, attendee_key=key, first_seen=come, last_seen=go, **who))
        if dice.random() < 0.3:
            given = {"before": "absent", "status": dice.choice(corrections.STATUSES), "by": "=noor", "at": last}
            undone = dice.choice([None, last])
            session.add(Correction(occurrence_id=row.id, user_id=key, reason="\tso", undone_at=undone, **given))
    for dark, light in _gaps(dice, session, row.id, first, length):
        session.add(Gap(occurrence_id=row.id, first_at=dark, last_at=light))


def _gaps(dice, session, number, first, length):
    """Anywhere, or exactly between two stays of somebody: that is no new coming."""
    stays = session.query(Stay).filter_by(occurrence_id=number).order_by(Stay.attendee_key, Stay.first_seen)
    between = [
        (one.last_seen, other.first_seen)
        for one, other in pairwise(stays)
        if one.attendee_key == other.attendee_key and one.last_seen < other.first_seen
    ]
    if between and dice.random() < 0.5:
        return [dice.choice(between)]
    edges = sorted(dice.uniform(-0.2, 1.2) * length for _ in range(2 * dice.randrange(3)))
    return [
        tuple(first + timedelta(seconds=edge) for edge in pair) for pair in zip(edges[::2], edges[1::2], strict=True)
    ]


def parsed(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def both(context, wanted, now):
    """The same report, judged in Python and by the database where that can: as rows, and as the lines of a CSV."""
    python, sql = report.attendance_rows(context, wanted, now), report_attendance.rows(context, wanted, now)
    table = tables_of_reports.make(context, "attendance", wanted, "en", now)
    lines, copied = io.BytesIO(), io.BytesIO()
    write(replace(table, rows=report.attendance_rows(context, wanted, now)), "csv", lines)
    report_attendance.write_csv(context, table, wanted, now, copied, lambda rows: None)
    return (list(python), lines.getvalue()), (list(sql), copied.getvalue())


@pytest.mark.parametrize("seed", range(12))
def test_postgresql_and_python_say_the_same(context, clock, seed, monkeypatch):
    dice = random.Random(seed)
    start = clock() + timedelta(days=5 * (seed % 2))  # five days on, clocks change in America
    now, half = start + timedelta(days=3), start + timedelta(hours=15)
    monkeypatch.setattr(report_attendance, "_LINES", dice.choice([1, 10, 1000]))
    fill(context, dice, start)
    if dice.random() < 0.3:
        with context.database.write() as session:
            session.query(Occurrence).filter_by(id=dice.randrange(1, 15)).update({"settled_at": None})
    with context.database.read() as session:
        code = session.query(Course.code).order_by(Course.id).first()[0]
    for wanted in (
        Wanted(),
        Wanted(code),
        Wanted(since=half),
        Wanted(until=half),
        Wanted(user_id="u1"),
        Wanted(occurrence=2),
    ):
        (rows, lines), (others, copied) = both(context, wanted, now)
        assert others == rows
        assert parsed(copied) == parsed(lines)
        assert len(parsed(lines)) == len(rows) + 1
        assert copied.count(b"\n") == copied.count(b"\r\n")


def test_settled_sittings_are_left_to_postgresql_and_no_others(context, clock):
    fill(context, random.Random(1), clock())
    with context.database.write() as session:
        session.query(Occurrence).update({"cancelled_at": None})
        session.query(Occurrence).filter_by(id=1).update({"settled_at": None})
    found = report_attendance.batches(context, Wanted(), clock() + timedelta(days=3), 1)
    assert {number for batch in found for number in batch.ids if not batch.in_sql} == (
        set(range(1, 16)) if context.database.is_sqlite else {1}
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_persons_totals_are_the_sum_of_their_rows_whoever_adds_them_up(context, clock, seed, monkeypatch):
    dice, now = random.Random(seed), clock() + timedelta(days=3)
    monkeypatch.setattr(report_people, "_PEOPLE", dice.choice([1, 1000]))
    fill(context, dice, clock())
    rows = list(report.attendance_rows(context, Wanted(), now))
    found = list(report_people.by_person(context, Wanted(), now))

    key = [row["user_id"] or f"?{row['full_name']}" for row in rows]
    assert sorted(total["user_id"] or f"?{total['full_name']}" for total in found) == sorted(set(key))
    for total in found:
        own = [row for row, who in zip(rows, key, strict=True) if who == (total["user_id"] or f"?{total['full_name']}")]
        counts = Counter(row["status"] for row in own)
        came, missed = counts["present"] + counts["partial"], counts["absent"]
        assert total["occurrences"] == len(own)
        assert {word: total[word] for word in corrections.STATUSES} == {w: counts[w] for w in corrections.STATUSES}
        assert total["late"] == sum(row["late"] and row["status"] in ("present", "partial") for row in own)
        assert total["seconds_present"] == round(sum(row["seconds_present"] for row in own), 3)
        assert total["percent"] == (round(100 * came / (came + missed), 2) if came + missed else None)
        assert total["guest"] == all(row["guest"] for row in own)
        assert total["full_name"] == min((row["guest"], row["full_name"]) for row in own)[1]
    assert [total["guest"] for total in found] == sorted(total["guest"] for total in found)


def test_totals_of_one_person_and_one_course_leave_out_the_others(context, clock):
    fill(context, random.Random(3), clock())
    now = clock() + timedelta(days=3)
    with context.database.read() as session:
        code = session.query(Course.code).order_by(Course.id).first()[0]
    rows = list(report.attendance_rows(context, Wanted(code, user_id="u1"), now))
    found = list(report_people.by_person(context, Wanted(code, user_id="u1"), now))

    assert [total["occurrences"] for total in found] == ([len(rows)] if rows else [])


@pytest.mark.parametrize("seed", range(3))
def test_a_workbook_is_the_same_by_both_ways(context, clock, seed):
    dice, now = random.Random(seed), clock() + timedelta(days=3)
    fill(context, dice, clock())
    table = tables_of_reports.make(context, "attendance", Wanted(), "fa", now)
    books = []
    for rows in (report.attendance_rows, report_attendance.rows):
        stream = io.BytesIO()
        write(replace(table, rows=rows(context, Wanted(), now)), "xlsx", stream)
        book = load_workbook(stream)
        books.append([[(cell.value, cell.number_format) for cell in row] for row in book.worksheets[0].iter_rows()])

    assert books[0] == books[1]
    assert len(books[0]) == len(list(report.attendance_rows(context, Wanted(), now))) + 1


#: What neither a database nor the protocol takes is left to tests/exports.
STORED = [name[:512] for name in hostile.NAMES if name and "\x00" not in name and "\ud800" not in name]


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "html"])
def test_no_name_of_a_member_or_a_guest_runs_or_breaks_out_whoever_makes_the_rows(context, clock, form):
    times = {"original_start": clock(), "starts_at": clock(), "ends_at": clock() + timedelta(hours=1)}
    times |= {"opens_at": clock(), "closes_at": clock() + timedelta(hours=1)}
    with context.database.write() as session:
        session.add(Course(id=1, code="A", title="T", timezone="UTC", options={}))
        session.flush()
        session.add(Occurrence(id=1, course_id=1, planned_at=clock(), settled_at=clock(), **times))
        session.flush()
        for number, name in enumerate(STORED):
            session.add(Participant(course_id=1, user_id=f"m{number:03}", full_name=name, role="viewer"))
            seen = {"first_seen": clock(), "last_seen": clock(), "role": "VIEWER"}
            session.add(Stay(occurrence_id=1, attendee_key=f"z{number:03}", full_name=name, **seen))
    stream = io.BytesIO()
    tables_of_reports.write(context, "attendance", Wanted(), form, "en", clock() + timedelta(days=1), stream)

    assert READERS[form](stream.getvalue()) == [WRITTEN[form](name) for name in STORED] * 2


WRITTEN = {"csv": guarded, "xlsx": harmless, "json": str, "html": harmless}
READERS = {
    "csv": lambda data: [row[5] for row in parsed(data)[1:]],
    "xlsx": lambda data: [
        cells[5].value.replace("_x005F_", "_")
        for cells in load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(min_row=2)
    ],
    "json": lambda data: [row["full_name"] for row in json.loads(data)],
    "html": lambda data: [
        cell.text_content()
        for cell in html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8")).xpath("//tr/td[6]")
    ],
}
