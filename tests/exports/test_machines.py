"""CSV and JSON are for machines: ASCII headings, exact values, one row in memory."""

import io
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import pytest

from tests.exports.tables import NOON, csv_rows, json_rows, many, row, table, written
from worker.exports import Column, write


def test_csv_is_utf_8_with_a_byte_order_mark_and_ascii_headings():
    data = written(table([row()], "fa"), "csv")

    assert data.startswith(b"\xef\xbb\xbfoccurrence,starts_at,full_name,status,late,seconds_present,percent\r\n")
    assert csv_rows(table([row()], "fa"))[1] == [
        "1200", "2026-11-24T12:00:00+03:30", "زهرا محمدی", "present", "false", "90061", "83.25",
    ]  # fmt: skip


def test_json_is_a_list_of_objects_with_the_columns_keys_and_no_byte_order_mark():
    assert written(table([row()]), "json").startswith(b"[\n{")
    assert json_rows(table([row(extra="not a column")])) == [row(starts_at="2026-11-24T12:00:00+03:30")]


def test_no_rows_are_an_empty_list_and_a_lone_heading():
    assert json_rows(table([])) == []
    assert len(csv_rows(table([]))) == 1


def test_what_a_row_does_not_have_is_empty():
    assert csv_rows(table([{}]))[1] == [""] * 7
    assert set(json_rows(table([{}]))[0].values()) == {None}


def test_instants_come_back_exactly():
    moment = NOON + timedelta(microseconds=123456)

    assert datetime.fromisoformat(csv_rows(table([row(starts_at=moment)]))[1][1]) == moment
    assert datetime.fromisoformat(json_rows(table([row(starts_at=moment)]))[0]["starts_at"]) == moment


def test_a_row_may_stand_in_its_own_zone():
    rows = [row(timezone="Europe/Berlin"), row(timezone=None), row(timezone="../../etc/passwd"), row(timezone="Asia")]

    hours = [cells[1][10:] for cells in csv_rows(table(rows))[1:]]
    assert hours == ["T09:30:00+01:00", *["T12:00:00+03:30"] * 3]


def test_numbers_of_our_own_are_not_touched():
    columns = (Column("n", "number"),)
    rows = [{"n": value} for value in (-5, -0.5, Decimal("2.50"), Decimal("3"), float("nan"), timedelta(minutes=1))]

    assert [cells for (cells,) in csv_rows(table(rows, columns=columns))[1:]] == ["-5", "-0.5", "2.5", "3", "", "60.0"]
    assert [each["n"] for each in json_rows(table(rows, columns=columns))] == [-5, -0.5, 2.5, 3, None, 60.0]


def test_other_types_have_a_plain_form():
    class Role(StrEnum):
        VIEWER = "viewer"

    columns = (Column("a", "text"), Column("b", "date"), Column("c", "date"), Column("d", "flag"), Column("e", "text"))
    late = datetime(2026, 11, 24, 22, tzinfo=UTC)
    rows = [{"a": Role.VIEWER, "b": date(2026, 3, 2), "c": late, "d": 1, "e": ["x", "y"]}]

    expected = ["viewer", "2026-03-02", "2026-11-25"]
    assert csv_rows(table(rows, columns=columns))[1] == [*expected, "true", "x, y"]
    assert list(json_rows(table(rows, columns=columns))[0].values()) == [*expected, True, "x, y"]


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_rows_stream_by(form, tmp_path):
    count = 50_000 if form != "xlsx" else 5_000
    write(table(many(10)), form, tmp_path / "warm")
    tracemalloc.start()
    try:
        write(table(many(count)), form, tmp_path / "report")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


def test_rows_are_written_as_they_come():
    stream = io.BytesIO()
    seen = []

    def looking():
        for each in many(2_000):
            seen.append(len(stream.getvalue()))
            yield each

    write(table(looking()), "json", stream)

    assert 0 < seen[1_000] < seen[1_999]
