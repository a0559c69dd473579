"""Whoever joins a meeting chooses a name. No name may run, break out, turn its surroundings round or vanish."""

import csv
import io
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exports.tables import book, csv_rows, json_rows, names, page, written
from worker.exports.text import clipped, guarded, harmless

FORMULAS = [
    '=HYPERLINK("http://evil.example","Sara")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tSara",
    "   =1",
    "\u00a0=1",
    "\u200f=1",
    "\ufeff=1",
    "\u202e=1",
    "\u2068=1\u2069",
    "\x00=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "﹦1",
    "−1",
]
NAMES = [
    *FORMULAS,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>x</script>",
    "{{ 7 * 7 }}",
    'O\'Brien; Åsa, "Doc"',
    "\u202eexe.gnp",
    "\x1b[31mred\x07",
    "a\x00b\x85c\u2028d",
    "\ud800 half",
    "_x0041_",
    "http://evil.example/",
    "0012",
    "😀 سارا",
    "علی‌رضا",
    "x" * 10_000,
    "",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_csv_cell_that_could_be_a_formula_starts_with_an_apostrophe(name):
    cell = csv_rows(names(name))[1][0]

    assert cell == "'" + harmless(name)


def test_csv_splits_no_formula_off_behind_a_semicolon():
    assert csv_rows(names("Sara;=1+1"))[1] == ["Sara;'=1+1"]
    assert csv_rows(names('Sara;"=1+1";x'))[1] == ['Sara;\'"=1+1";x']
    assert csv_rows(names("a;;;; =1"))[1] == ["a;;;;' =1"]
    assert csv_rows(names("Sara; Ali"))[1] == ["Sara; Ali"]


def test_a_name_of_nothing_but_signs_takes_no_time():
    started = time.perf_counter()
    written(names(";" * 200_000, ";" + " " * 200_000), "csv")

    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("name", ["Sara", "علی‌رضا", "😀", "a=b", "5-3", "(Ali)", "'Ali'", "x" * 10_000, "0012"])
def test_a_harmless_name_is_written_as_it_is(name):
    assert csv_rows(names(name))[1] == [name]
    assert book(names(name)).worksheets[0]["A2"].value == name
    assert page(names(name)).xpath("//td/bdi")[0].text == name


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_csv_has_one_line_a_row_and_one_cell_a_name_whatever_the_names(texts):
    lines = written(names(*texts), "csv").decode("utf-8-sig").split("\r\n")

    assert len(lines) == len(texts) + 2
    assert [cells[0] if cells else "" for cells in csv.reader(lines[1:-1])] == [guarded(text) for text in texts]


def test_json_holds_every_name_exactly():
    rows = json_rows(names(*NAMES))

    assert [row["full_name"] for row in rows] == [name.replace("\ud800", "\ufffd") for name in NAMES]


def test_json_sends_no_control_character_to_a_terminal():
    text = written(names(*NAMES), "json").decode()

    assert not set(text) & set("\x00\x07\x1b\x7f\x85\u2028\u202e")


def test_xlsx_holds_every_name_as_a_string_and_no_formula_or_link():
    made = names(*(name for name in NAMES if name))
    cells = [cell for (cell,) in book(made).worksheets[0].iter_rows(min_row=2)]

    assert {cell.data_type for cell in cells} == {"s"}
    # Excel reads _x005F_ as an underscore, so that nobody's name is taken for an escape; openpyxl leaves it.
    assert [cell.value.replace("_x005F_", "_") for cell in cells] == [harmless(name) for name in NAMES if name]
    assert not any(cell.hyperlink for cell in cells)
    with zipfile.ZipFile(io.BytesIO(written(made, "xlsx"))) as parts:
        assert b"<f>" not in b"".join(parts.read(part) for part in parts.namelist() if "worksheets/" in part)


def test_xlsx_says_where_a_text_was_cut():
    cell = book(names("😀" * 40_000)).worksheets[0]["A2"].value

    kept, _, missing = cell.partition(" … ")
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    assert missing == f"[+{40_000 - len(kept)}]"


def test_html_holds_every_name_as_text():
    tree = page(names(*NAMES))

    assert [cell.text_content() for cell in tree.xpath("//td")] == [harmless(name) for name in NAMES]
    assert not tree.xpath("//script | //img | //link | //iframe | //@src | //@href | //@onerror")


def test_html_frames_each_name_and_lets_none_break_out():
    tree = page(names("\u2069\u202c\u202eexe.gnp"))

    assert tree.xpath("//td/bdi")[0].text == "\ufffdexe.gnp"


def test_titles_notes_and_headings_are_strangers_too():
    made = names("Sara")
    hostile = type(made)("</h1><script>", made.columns, made.rows, title="<script>\u202e[*]", notes=("=1\x00",))

    assert page(hostile).xpath("//h1/bdi")[0].text == "</h1><script> · <script>\ufffd[*]"
    sheets = book(type(made)("x", made.columns, [], title="'[a]:*?/\\'" + "b" * 40, notes=("=1\x00",)))
    assert len(sheets.sheetnames[0]) <= 31
    assert [cell.value for cell in sheets.worksheets[-1]["A"]][-1] == "=1␀"


@pytest.mark.parametrize("text", ["x" * 20, "😀" * 10])
def test_a_text_that_just_fits_is_not_clipped(text):
    assert clipped(text, 20) == text
    assert clipped(text + "x", 20) != text + "x"


@given(st.text(max_size=60), st.integers(20, 60))
def test_clipped_text_is_never_longer_than_the_limit(text, limit):
    text = text.encode("utf-16-le", "replace").decode("utf-16-le")

    assert len(clipped(text, limit).encode("utf-16-le")) // 2 <= limit
