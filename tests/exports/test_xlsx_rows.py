"""Rows of workbooks are written by us, not by xlsxwriter: two other parsers read what was meant, whatever it is."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from python_calamine import CalamineWorkbook

from tests.exports.tables import NOON, book, many, names, row, table, written
from worker.exports import Column, to_xlsx
from worker.exports.text import harmless

SHEET = "xl/worksheets/sheet1.xml"
COLUMNS = (
    Column("text", "text"),
    Column("number", "number"),
    Column("at", "instant"),
    Column("day", "date"),
    Column("length", "seconds"),
    Column("flag", "flag"),
)
ROWS = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(max_size=40),
        "number": st.none() | st.integers(-(10**14), 10**14) | st.floats(-1e14, 1e14),
        "at": st.none() | st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "day": st.none() | st.dates(date(1900, 3, 1), date(2100, 1, 1)),
        "length": st.none() | st.floats(0, 1e6),
        "flag": st.none() | st.booleans(),
        "timezone": st.sampled_from(["Asia/Tehran", "UTC", "America/St_Johns"]),
    }
)


def xml(made):
    with zipfile.ZipFile(io.BytesIO(written(made, "xlsx"))) as parts:
        return etree.fromstring(parts.read(SHEET))


def close(one, other):
    return one == other or (one is not None and other is not None and abs(one - other) <= 1e-9 * max(1, abs(other)))


@given(st.lists(ROWS, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_is_read_is_what_was_written(rows):
    found = openpyxl.load_workbook(io.BytesIO(written(table(rows, columns=COLUMNS), "xlsx"))).worksheets[0]

    for given_row, cells in zip(rows, found.iter_rows(min_row=2, max_row=len(rows) + 1, max_col=6), strict=True):
        text, number, at, day, length, flag = (cell.value for cell in cells)
        shown = harmless(given_row["text"] or "")
        assert (text or "").replace("_x005F_", "_") == shown
        assert close(number, given_row["number"])
        if given_row["at"] is not None:
            wall = given_row["at"].astimezone(ZoneInfo(given_row["timezone"])).replace(tzinfo=None)
            assert abs(at - wall) <= timedelta(milliseconds=1)
        assert (day and day.date()) == given_row["day"]
        seconds = length.total_seconds() if isinstance(length, timedelta) else length
        assert seconds is None or abs(seconds - given_row["length"]) < 0.01
        assert flag == {None: None, True: "Yes", False: "No"}[given_row["flag"]]


def test_a_second_parser_reads_the_same():
    made = table([row(), row(full_name=" <b>&amp; _x0041_ ", timezone="Europe/Berlin")])
    rows = CalamineWorkbook.from_filelike(io.BytesIO(written(made, "xlsx"))).get_sheet_by_index(0).to_python()

    assert [cells[2] for cells in rows[1:]] == ["زهرا محمدی", " <b>&amp; _x0041_ "]
    assert [cells[1] for cells in rows[1:]] == [datetime(2026, 11, 24, 12, 0), datetime(2026, 11, 24, 9, 30)]  # noqa: DTZ001
    assert [cells[3:5] for cells in rows[1:]] == [["Present", "No"]] * 2


def test_a_reader_that_trusts_a_sheets_dimension_misses_no_row():
    stream = io.BytesIO(written(table(many(1000)), "xlsx"))

    assert len(list(openpyxl.load_workbook(stream, read_only=True).worksheets[0].iter_rows())) == 1001


def test_cells_are_numbers_and_inline_strings_and_nothing_else():
    cells = xml(table([row(), row(full_name="=1+1", timezone="Europe/Berlin")])).iter("{*}c")

    assert {(cell.get("t"), *(child.tag.split("}")[1] for child in cell)) for cell in cells} == {
        ("inlineStr", "is"),
        (None, "v"),
    }


def test_every_row_and_cell_has_its_address():
    sheet = xml(table([row(full_name=None), row()]))

    addresses = ["".join(cell.get("r") for cell in each) for each in sheet.iter("{*}row")]
    assert addresses == ["A1B1C1D1E1F1G1", "A2B2D2E2F2G2", "A3B3C3D3E3F3G3"]
    assert [each.get("r") for each in sheet.iter("{*}row")] == ["1", "2", "3"]


def test_a_sheet_ends_before_its_part_grows_too_large_for_old_readers(monkeypatch):
    monkeypatch.setattr(to_xlsx, "SHEET_BYTES", 100_000)
    made = book(table(many(1000)))

    assert len(made.worksheets) > 2
    assert sum(sheet.max_row - 1 for sheet in made.worksheets[:-1]) == 1000


def test_a_column_is_as_wide_as_the_texts_at_the_beginning_need():
    sheet = book(names("x" * 30, "y")).worksheets[0]

    assert sheet.column_dimensions["A"].width >= 30


def test_a_zone_met_late_has_its_own_format_and_the_others_keep_theirs():
    rows = [*many(600), row(timezone="Europe/Berlin"), row(timezone="Asia/Kabul"), row()]
    sheet = book(table(rows)).worksheets[0]

    formats = [sheet.cell(number, 2).number_format for number in (2, 602, 603, 604)]
    ours = "yyyy-mm-dd hh:mm"
    assert formats == [ours, f'{ours} "Europe/Berlin"', f'{ours} "Asia/Kabul"', ours]
    assert sheet["B2"].font.sz == sheet["B602"].font.sz == 10


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_workbook_without_rows_is_one_all_the_same(language):
    made = book(table([], language))

    assert [sheet.max_row > 1 for sheet in made.worksheets] == [False, True]


def test_a_day_before_excels_first_is_text_and_after_its_false_leap_day_a_date():
    days = [{"day": day} for day in (date(1899, 12, 31), date(1900, 3, 1), NOON.date())]
    sheet = book(table(days, columns=(Column("day", "date"),))).worksheets[0]

    assert [cell.value for (cell,) in sheet.iter_rows(min_row=2)] == [
        "1899-12-31",
        datetime(1900, 3, 1),  # noqa: DTZ001
        datetime(2026, 11, 24),  # noqa: DTZ001
    ]
