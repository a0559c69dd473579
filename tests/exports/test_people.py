"""XLSX and HTML are for people: their words, their calendar, their digits, and cells a spreadsheet can count with."""

from datetime import date, datetime, timedelta

import pytest

from tests.exports.tables import COLUMNS, NOON, book, many, page, row, table
from worker.exports import Column, Table, people, to_xlsx, words


def texts(tree, path):
    return [element.text_content() for element in tree.xpath(path)]


def test_xlsx_cells_are_typed_and_can_be_counted_with():
    sheet = book(table([row()])).worksheets[0]
    number, start, name, status, late, seconds, percent = sheet[2]

    assert (number.value, start.value) == (1200, datetime(2026, 11, 24, 12, 0))  # noqa: DTZ001 - the wall clock
    assert (name.value, status.value, late.value) == ("زهرا محمدی", "Present", "No")
    assert (seconds.value, seconds.number_format) == (timedelta(seconds=90_061), "[h]:mm:ss")
    assert (percent.value, percent.number_format) == (0.8325, "0.0%")


def test_xlsx_has_a_frozen_filtered_heading_and_coloured_statuses():
    sheet = book(table([row(), row()])).worksheets[0]

    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G3"
    (rules,) = [each.rules for each in sheet.conditional_formatting if str(each.sqref) == "D2:D3"]
    assert [rule.formula for rule in rules][:1] == [['"Present"']]
    assert sheet.column_dimensions["C"].width >= len("زهرا محمدی")


MATRIX = (
    Column("role", "status"),
    Column("1", "status", "2026-11-24 12:00"),
    Column("2", "status", "2026-11-25 12:00"),
)
LETTERS = [{"role": "viewer", "1": first, "2": second} for first, second in ("PA", "LE", "UP")]


def test_xlsx_colours_the_letters_of_a_matrix_as_their_words():
    sheet = book(table(LETTERS, columns=MATRIX)).worksheets[0]
    (rules,) = [each.rules for each in sheet.conditional_formatting if str(each.sqref) == "B2:B4"]
    colours = {rule.formula[0].strip('"'): rule.dxf.fill.bgColor.rgb for rule in rules}

    assert len({colours[letter] for letter in "PLAEU"}) == 5
    pairs = (("P", "Present"), ("L", "Partial"), ("A", "Absent"), ("E", "Excused"), ("U", "Unknown"))
    assert all(colours[letter] == colours[word] for letter, word in pairs)
    assert [sheet.column_dimensions[letter].width < 14 for letter in "BC"] == [True, True]


@pytest.mark.parametrize(
    ("title", "sheets"),
    [
        ("History", ["Sheet", "Sheet (2)", "Notes"]),
        ("[]:*?/\\", ["Sheet", "Sheet (2)", "Notes"]),
        ("Introduction to the theory of numbers", [
            "Introduction to the theory of n", "Introduction to the theory (2)", "Notes",
        ]),
    ],
)  # fmt: skip
def test_xlsx_names_its_sheets_as_excel_lets_it(monkeypatch, title, sheets):
    monkeypatch.setattr(to_xlsx, "SHEET_ROWS", 3)

    assert book(table(many(3), title=title)).sheetnames == sheets


def test_xlsx_has_room_for_the_zone_of_a_time_from_elsewhere():
    sheet = book(table([row(timezone="America/St_Johns")])).worksheets[0]

    assert sheet.column_dimensions["B"].width > len("2026-11-24 12:00 America/St_Johns")


def test_xlsx_in_persian_takes_its_jalali_date_from_a_date_too():
    sheet = book(table([{"date": date(2026, 11, 24)}], "fa", columns=(Column("date", "date"),))).worksheets[0]

    assert [cell.value for cell in sheet[2]][1:] == ["۱۴۰۵/۰۹/۰۳"]


def test_xlsx_in_persian_runs_from_the_right_with_a_jalali_column():
    made = book(table([row()], "fa"))
    sheet = made.worksheets[0]

    assert made.sheetnames == ["حضور و غیاب", "یادداشت‌ها"]
    assert all(each.sheet_view.rightToLeft for each in made.worksheets)
    assert [cell.value for cell in sheet[1]][-1] == "تاریخ شمسی"
    assert [cell.value for cell in sheet[2]][2:5] == ["زهرا محمدی", "حاضر", "خیر"]
    assert sheet[2][7].value == "۱۴۰۵/۰۹/۰۳"


def test_what_stands_beside_a_status_is_not_counted_with_it():
    columns = (*COLUMNS, Column("observed_status", "status"))
    corrected = row() | {"observed_status": "absent"}
    tree = page(table([corrected], columns=columns))
    assert texts(tree, "//*[@class='tally']/li") == ["Present 1"]


def test_a_page_says_what_it_is_and_of_what():
    assert texts(page(table([row()], "fa", title="ALG-101")), "//h1") == ["حضور و غیاب · ALG-101"]


def test_xlsx_goes_on_in_another_sheet_where_one_is_full(monkeypatch):
    monkeypatch.setattr(to_xlsx, "SHEET_ROWS", 4)
    made = book(table(many(7)))

    assert made.sheetnames == ["Attendance", "Attendance (2)", "Attendance (3)", "Notes"]
    assert [sheet.max_row for sheet in made.worksheets[:3]] == [4, 4, 2]
    assert [cell.value for cell in made.worksheets[2]["A"]] == ["Class no.", 6]


def test_xlsx_says_in_which_zone_a_time_is():
    made = book(table([row(), row(timezone="Europe/Berlin")], notes=("Seen every 30 s.",), generated_at=NOON))
    there = made.worksheets[0]["B3"]

    assert there.value == datetime(2026, 11, 24, 9, 30)  # noqa: DTZ001 - the wall clock
    assert there.number_format == 'yyyy-mm-dd hh:mm "Europe/Berlin"'
    assert [cell.value for cell in made["Notes"]["A"]] == [
        "Attendance", "Times: Asia/Tehran, Europe/Berlin", "Generated 2026-11-24 12:00", "Seen every 30 s.",
    ]  # fmt: skip


def test_xlsx_writes_what_excel_has_no_type_for_as_text():
    columns = (Column("date", "date"), Column("n", "integer"))
    (day, number) = book(table([{"date": date(1850, 1, 1), "n": 10**18}], columns=columns)).worksheets[0][2]

    assert (day.value, number.value) == ("1850-01-01", str(10**18))


@pytest.mark.parametrize(("name", "rows", "charts"), [("totals", 5, 1), ("totals", 0, 0), ("sessions", 5, 0)])
def test_xlsx_draws_totals_over_time(name, rows, charts):
    columns = (Column("at", "instant"), Column("participants", "integer"))
    made = book(Table(name, columns, ({"at": NOON, "participants": n} for n in range(rows))))

    assert sum(len(sheet._charts) for sheet in made.worksheets) == charts


def test_html_in_english():
    tree = page(table([row(), row(status="absent", late=True)], generated_at=NOON, notes=("Seen every 30 s.",)))

    assert (tree.get("lang"), tree.get("dir")) == ("en", "ltr")
    assert texts(tree, "//th") == ["Class no.", "Starts", "Name", "Status", "Late", "Time present", "Percent"]
    assert texts(tree, "//tr[1]/td") == ["1200", "2026-11-24 12:00", "زهرا محمدی", "Present", "No", "25:01:01", "83.3%"]
    assert texts(tree, "//*[@class='facts']/span") == ["2 rows", "Generated 2026-11-24 12:00", "Times: Asia/Tehran"]
    assert texts(tree, "//*[@class='tally']/li") == ["Present 1", "Absent 1"]
    assert texts(tree, "//footer//li") == ["Seen every 30 s."]


def test_html_counts_each_status_in_one_order_whatever_comes_first():
    said = ("excused", "absent", "unknown", "partial", "present", "viewer", "brand-new", "partial")
    counted = ["Present 1", "Partial 2", "Absent 1", "Excused 1", "Unknown 1", "Viewer 1"]

    assert texts(page(table([row(status=word) for word in said])), "//*[@class='tally']/li") == counted
    letters = page(table([row(status=letter) for letter in "UAPEL"]))
    assert texts(letters, "//*[@class='tally']/li") == ["P 1", "L 1", "A 1", "E 1", "U 1"]


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({"status": "present", "late": False}, ["badge present", "flag false"]),
        ({"status": "partial", "late": True}, ["badge partial", "flag true"]),
        ({"status": "P"}, ["badge present", "flag false"]),
        ({"status": "L"}, ["badge partial", "flag false"]),
        ({"status": "A"}, ["badge absent", "flag false"]),
        ({"status": "E"}, ["badge excused", "flag false"]),
        ({"status": "U"}, ["badge unknown", "flag false"]),
        ({"status": "viewer"}, ["badge", "flag false"]),
        ({"full_name": "x" * 40}, ["badge present", "flag false"]),
        ({"full_name": "x" * 41}, ["long", "badge present", "flag false"]),
    ],
)
def test_html_gives_each_status_each_flag_and_a_long_text_a_look_of_its_own(changes, looks):
    assert page(table([row(**changes)])).xpath("//tbody//td/*/@class") == looks


def test_words_of_ours_are_said_in_the_readers_language_and_those_of_others_are_not():
    said = {"verdict": "short", "role": "viewer", "state": "live", "ended_by": "worker", "close_reason": "empty"}
    columns = tuple(Column(key, "text") for key in (*said, "title"))
    tree = page(table([said | {"title": "empty"}], "fa", columns=columns))

    shown = ["کوتاه‌تر", "شرکت‌کننده", "در حال برگزاری", "سامانه", "خروج همگان", "empty"]
    assert texts(tree, "//tbody//td") == shown


def test_html_in_persian():
    tree = page(table([row()], "fa", title="ریاضی ۱"))

    assert (tree.get("lang"), tree.get("dir")) == ("fa", "rtl")
    cells = ["۱۲۰۰", "۱۴۰۵/۰۹/۰۳ ۱۲:۰۰", "زهرا محمدی", "حاضر", "خیر", "۲۵:۰۱:۰۱", "۸۳٫۳٪"]
    assert texts(tree, "//tr[1]/td") == cells
    assert tree.xpath("//time/@datetime") == ["2026-11-24T12:00:00+03:30"]


def test_html_names_the_zone_of_a_time_from_elsewhere():
    tree = page(table([row(timezone="Europe/Berlin")]))

    assert texts(tree, "//td[2]") == ["2026-11-24 09:30Europe/Berlin"]


def test_html_says_when_there_is_nothing():
    assert texts(page(table([])), "//p[@class='nothing']") == ["Nothing to report."]


def test_html_asks_nobody_for_anything_and_allows_only_its_own_style():
    tree = page(table([row()]))
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not tree.xpath("//script | //link | //img | //@src | //@href | //@style")
    assert "url(" not in tree.xpath("//style")[0].text
    assert "@import" not in tree.xpath("//style")[0].text


def test_every_word_is_there_in_both_languages():
    for known in (words.HEADINGS, words.VALUES, words.PHRASES):
        for said in known.values():
            assert said["en"].isascii()
            assert any("\u0600" < sign < "\u06ff" for sign in said["fa"])
            assert not set(said["fa"]) & set("يك")


def test_an_unknown_word_is_shown_as_it_is():
    assert words.heading("peak_of_the_day", "fa") == "Peak of the day"
    assert words.value("brand-new", "fa") == "brand-new"


def test_numbers_round_as_in_a_spreadsheet():
    assert people.percent(83.25, "en") == "83.3%"
    assert people.percent(100.0, "fa") == "۱۰۰٪"
    assert people.number(1234.5, "fa") == "۱٬۲۳۴٫۵"
    assert people.duration(-61, "en") == "-0:01:01"
    assert people.duration(59.6, "en") == "0:01:00"
    assert people.jalali(date(1, 1, 1)) == "۰۰۰۱-۰۱-۰۱"
