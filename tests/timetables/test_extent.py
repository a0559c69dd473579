"""Workbooks with a cell far from all others: refused in one line, where opening them would ask for all memory."""

import zipfile

import pytest
import xlsxwriter

from worker.timetables import BadFile, SlotDraft, extent, read_timetable

TABLE = (["code", "title", "cron", "minutes"], ["A", "Algebra", "0 9 * * 6", "90"])
SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
EMPTY = '<table:table-cell table:number-columns-repeated="{}"/>'


def workbook(path, *far, formatted=()):
    book = xlsxwriter.Workbook(path)
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    for number, row in enumerate(TABLE):
        sheet.write_row(number, 0, row)
    for cell in far:
        sheet.write_string(cell, " ")
    for cell in formatted:
        sheet.write_blank(cell, None, bold)
    book.close()
    return path


def cell(text, attributes=""):
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p></table:table-cell>'


def row(cells, attributes=""):
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def open_document(path, *rows):
    body = "".join(row(map(cell, each)) for each in TABLE) + "".join(rows)
    content = (
        f'<office:document-content xmlns:office="{SPACE}office:1.0" xmlns:table="{SPACE}table:1.0" '
        f'xmlns:text="{SPACE}text:1.0"><office:body><office:spreadsheet><table:table table:name="plan">{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(path, {"content.xml": content})


def zipped(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{SPACE}manifest:1.0"/>')
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def slots(path):
    return read_timetable(path, timezone="Asia/Tehran").courses[0].slots


def refusal(path):
    with pytest.raises(BadFile) as caught:
        slots(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("far", "named"),
    [
        (("A1048576", "XFD1"), "row 1, column XFD: cell XFD1 of 'sheet1' is too far"),
        (("A1048576",), "row 1048576, column A: cell A1048576"),
        (("SG1",), "row 1, column SG: cell SG1"),
        (("Z180000",), "row 180000, column Z: cell Z180000"),
    ],
)
def test_a_cell_far_from_the_table_is_named(tmp_path, far, named):
    assert f"t.xlsx, {named}" in refusal(workbook(tmp_path / "t.xlsx", *far))


def test_cells_that_are_only_formatted_take_no_room(tmp_path):
    path = workbook(tmp_path / "t.xlsx", formatted=("A1048576", "XFD1"))
    assert slots(path) == (SlotDraft("0 9 * * 6", 90),)


def test_cells_that_do_not_say_where_they_are_follow_the_one_before(tmp_path):
    parts = {
        "xl/worksheets/s.xml": f"<worksheet><sheetData><row>{'<c><v>1</v></c>' * 501}</row></sheetData></worksheet>"
    }
    assert "cell SG1 of 's'" in refusal(zipped(tmp_path / "t.xlsx", parts))


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([row([EMPTY.format(16383), cell("x")])], "cell XFD3 of 'plan'"),
        ([row([cell("x", 'table:number-columns-repeated="4000000000"')])], "3 of 'plan'"),
        ([row([EMPTY.format(4)], 'table:number-rows-repeated="1048000"'), row([cell("x")])], "cell A1048003"),
        ([row([cell("x")], 'table:number-rows-repeated="4000000000"')], "cell A4000000002"),
    ],
)
def test_what_open_document_repeats_is_counted(tmp_path, rows, named):
    assert named in refusal(open_document(tmp_path / "t.ods", *rows))


def test_empty_rows_to_the_end_of_an_open_document_take_no_room(tmp_path):
    path = open_document(tmp_path / "t.ods", row([EMPTY.format(1024)], 'table:number-rows-repeated="1048574"'))
    assert slots(path) == (SlotDraft("0 9 * * 6", 90),)


def test_what_unpacks_to_more_than_memory_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(extent, "_BYTES", 1 << 20)
    path = zipped(tmp_path / "t.xlsx", {"xl/sharedStrings.xml": f"<sst>{' ' * (2 << 20)}</sst>"})
    assert "is larger than 1 MB unpacked" in refusal(path)


def test_a_binary_workbook_is_refused_by_name(tmp_path):
    assert "is a binary workbook (XLSB); save it as XLSX" in refusal(
        zipped(tmp_path / "t.xlsb", {"xl/workbook.bin": ""})
    )


def test_columns_that_are_empty_on_the_left_stay(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    sheet = book.add_worksheet()
    for number, cells in enumerate(TABLE):
        sheet.write_row(number, 1, cells)
    book.close()
    assert "'' is not a known column" in refusal(tmp_path / "t.xlsx")
