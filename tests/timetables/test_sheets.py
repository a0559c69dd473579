"""Workbooks: typed cells, drop-downs, and files that are none."""

import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta

import openpyxl
import pytest

from worker.timetables import BadFile, SlotDraft, detect_format, read_roster, read_timetable, sheets, template


def book(tmp_path, *rows, name="t.xlsx"):
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(tmp_path / name)
    return tmp_path / name


def read(path):
    return read_timetable(path, timezone="Asia/Tehran").courses


def test_typed_cells(tmp_path):
    path = book(tmp_path, [None], ["code", "title", "cron", "minutes", "from", "record"],
                [101, "Algebra", "0 9 * * 6", 90, datetime(2026, 9, 19), True])  # fmt: skip  # noqa: DTZ001
    assert detect_format(path) == "xlsx"
    course = read(path)[0]
    assert (course.code, course.record) == ("101", "always")
    assert course.slots == (SlotDraft("0 9 * * 6", 90, date(2026, 9, 19)),)


@pytest.mark.parametrize(
    ("start", "end"),
    [(time(8, 5), time(9, 35)), (timedelta(hours=8, minutes=5), timedelta(hours=9, minutes=35)), ("08:05", "09:35")],
)
def test_times_as_a_spreadsheet_keeps_them(tmp_path, start, end):
    path = book(tmp_path, ["code", "title", "day", "start", "end"], ["A", "A", "شنبه", start, end])
    assert read(path)[0].slots == (SlotDraft("5 8 * * SAT", 90),)


def test_a_date_with_its_time_in_one_cell(tmp_path):
    moment = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - the wall clock
    path = book(tmp_path, ["code", "title", "start", "minutes"], ["A", "A", moment, 90])
    (sitting,) = read(path)[0].sittings
    assert sitting.starts_at == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


def test_the_first_sheet_that_holds_anything_is_read(tmp_path):
    workbook = openpyxl.load_workbook(book(tmp_path, [None]))
    plan = workbook.create_sheet("plan")
    plan.append(["code", "title", "cron", "minutes", "record"])
    plan.append(["A", "A", "0 9 * * 6", 90, False])
    workbook.create_sheet("notes").append(["nothing of interest"])
    workbook.save(tmp_path / "t.xlsx")
    assert [(course.code, course.record) for course in read(tmp_path / "t.xlsx")] == [("A", "never")]


def test_a_workbook_that_is_too_large_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_LARGEST", 100)
    with pytest.raises(BadFile, match="larger than"):
        read(book(tmp_path, ["code", "title", "cron", "minutes"], ["A", "A", "0 9 * * 6", 90]))


def test_a_page_without_a_table_is_said(write):
    with pytest.raises(BadFile, match="holds no table"):
        read(write("<html><body><p>Please sign in</p></body></html>", "list.xls"))


ROWS = (
    "<tr><td>code</td><td>title</td><td>cron</td><td>minutes</td></tr><tr><td>A</td><td>{}</td><td>0 9 * * 6</td><td>90"
)


@pytest.mark.parametrize(
    ("cell", "title"),
    [
        ("Algebra<br>1", "Algebra 1"),
        ("<p>Algebra</p><p>for<br/>all</p>", "Algebra for all"),
        ("<div>Algebra</div>1", "Algebra 1"),
        ("<ul><li>Algebra<li>Geometry</ul>", "Algebra Geometry"),
        ("<b>Alg</b>ebra<span>-1</span><!-- a note -->", "Algebra-1"),
    ],
)
def test_lines_within_a_cell_of_a_page_are_words_apart(write, cell, title):
    assert read(write(f"<html><table>{ROWS.format(cell)}</table></html>", "list.xls"))[0].title == title


def test_a_table_within_a_table_of_layout_is_read(write):
    page = f"<table><tr><td>Menu<tr><td><table>{ROWS.format('Algebra')}</table><tr><td>a<tr><td>b<tr><td>c</table>"
    (course,) = read(write(f"<html>{page}</html>", "list.xls"))
    assert (course.code, course.title, course.slots) == ("A", "Algebra", (SlotDraft("0 9 * * 6", 90),))


def test_errors_name_the_row_of_the_sheet(tmp_path):
    path = book(tmp_path, ["code", "title", "cron", "minutes"], [None], ["A", "A", "x", 90])
    with pytest.raises(BadFile) as caught:
        read(path)
    assert (caught.value.row, caught.value.column) == (3, "cron")


def test_a_roster_in_a_workbook(tmp_path):
    path = book(tmp_path, ["course", "user_id", "full_name", "role"], ["A", 9912345, "علی", "viewer"])
    assert read_roster(path).entries[0].user_id == "9912345"


def test_files_that_are_no_workbooks(write):
    for data in (b"PK\x03\x04rubbish", b"\xd0\xcf\x11\xe0rubbish", b"code,title\n"):
        with pytest.raises(BadFile, match="workbook"):
            read(write(data, "t.xlsx"))


@pytest.mark.parametrize("language", ["en", "fa", "xx"])
def test_the_template_can_be_filled_in(tmp_path, language):
    stream = io.BytesIO()
    template(stream, language)
    workbook = openpyxl.load_workbook(io.BytesIO(stream.getvalue()))
    sheet = workbook.worksheets[0]
    lists = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert len(lists) == 3
    header = [cell.value for cell in sheet[1]]
    day, weeks, record = (lists[place].strip('"').split(",") for place in ("C2:C2001", "H2:H2001", "K2:K2001"))
    for number, (each_day, each_week) in enumerate(zip(day, weeks * 3, strict=False)):
        sheet.append(
            [f"C{number}", "ریاضی", each_day, "08:00", "09:30", "1405/07/01", None, each_week, None, "نوری", record[0]]
        )
    workbook.save(tmp_path / "filled.xlsx")
    courses = read(tmp_path / "filled.xlsx")
    assert len(header) == 13
    assert [course.slots[0].every_weeks for course in courses] == [1, 2, 2, 1, 2, 2, 1]
    assert courses[0].slots[0].cron == "0 8 * * SAT"
    assert courses[0].record == "never"


@pytest.mark.parametrize(
    ("language", "rtl", "words"), [("en", None, ("code", "day", "weeks")), ("fa", True, ("کد درس", "روز", "هفته"))]
)
def test_the_template_explains_itself_and_lets_several_days_be_typed(language, rtl, words):
    stream = io.BytesIO()
    template(stream, language)
    sheet, explained = openpyxl.load_workbook(io.BytesIO(stream.getvalue())).worksheets
    rules = {str(rule.sqref)[0]: rule for rule in sheet.data_validations.dataValidation}
    assert {column: (rule.errorStyle, rule.showErrorMessage) for column, rule in rules.items()} == {
        "C": ("information", False),
        "H": (None, True),
        "K": (None, True),
    }
    assert set(words) <= {cell.value for cell in explained["A"]}
    assert all(cell.value for cell in explained["B"])
    assert sheet.sheet_view.rightToLeft == explained.sheet_view.rightToLeft == rtl


@pytest.mark.parametrize("mark", ["<text:line-break/>", "<text:tab />", "<text:line-break></text:line-break>"])
def test_line_breaks_in_open_document_are_words_apart(tmp_path, mark):
    assert read(open_document(tmp_path, f"جبر{mark}خطی"))[0].title == "جبر خطی"


def test_open_document(tmp_path):
    assert read(open_document(tmp_path, "ریاضی"))[0].slots == (SlotDraft("0 9 * * 6", 90),)


def open_document(tmp_path, title):
    space = "urn:oasis:names:tc:opendocument:xmlns:"
    rows = [["code", "title", "cron", "minutes"], ["A", title, "0 9 * * 6", "90"]]
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    body = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    content = (
        f'<office:document-content xmlns:office="{space}office:1.0" xmlns:table="{space}table:1.0" '
        f'xmlns:text="{space}text:1.0"><office:body><office:spreadsheet><table:table table:name="t">{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{space}manifest:1.0"/>')
        archive.writestr("content.xml", content)
    return tmp_path / "t.ods"
