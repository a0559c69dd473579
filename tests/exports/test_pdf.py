"""PDF: the page of HTML on paper, whole or not at all, and nobody is asked for anything."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.exports.tables import NOON, leftovers, many, names, row, table, written
from worker.errors import InputError
from worker.exports import Column, offered, to_pdf, write

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    '<img src="http://127.0.0.1:9/a.png">', "</style><style>@import url(http://127.0.0.1:9/b.css);</style>",
    '<iframe src="file:///etc/passwd">', '<a href="javascript:x">b</a>', "<script>alert(1)</script>", "\u202eexe.gnp",
)  # fmt: skip


def read(made):
    return PdfReader(io.BytesIO(written(made, "pdf")))


def text(made):
    return " ".join(" ".join(page.extract_text() for page in read(made).pages).split())


def fonts(made):
    named = [font.get_object() for page in read(made).pages for font in page["/Resources"]["/Font"].values()]
    return {font["/BaseFont"].partition("+")[2].partition("-")[0] for font in named}


def test_english_can_be_read_back():
    said = text(
        table([row(full_name="Sara Ahmadi")], title="Algebra 1", generated_at=NOON, notes=("Seen every 30 s.",))
    )

    for part in ("Algebra 1", "Sara Ahmadi", "Present", "25:01:01", "83.3%", "Generated 2026-11-24 12:00", "1 / 1"):
        assert part in said
    assert "Seen every 30 s." in said


def test_persian_can_be_read_back_and_needs_no_font_of_the_system():
    made = table([row()], "fa")
    said = text(made)

    for part in ("زهرا", "محمدی", "حاضر", "۱۴۰۵/۰۹/۰۳"[::-1]):  # pypdf turns Persian digits round with the letters
        assert part in said
    assert fonts(made) == {"Vazirmatn"}


def test_pages_are_a4_across_and_each_has_the_headings_again():
    pages = read(table(many(60))).pages

    assert len(pages) > 1
    assert {(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in pages} == {(842, 595)}
    assert all("Time present" in page.extract_text() for page in pages)


@pytest.mark.parametrize(("sittings", "width"), [(14, 842), (15, 1191), (28, 1191), (29, 1684), (46, 1684)])
def test_a_wide_matrix_gets_wider_paper_and_loses_no_column(sittings, width):
    days = [Column(f"s{n}", "status", f"2026-11-{n % 28 + 1:02} 12:00") for n in range(sittings)]
    columns = (Column("user_id", "text"), Column("full_name", "name"), Column("role", "status"), *days)
    columns += (*(Column(key, "integer") for key in "present late absent excused unknown".split()),)  # noqa: SIM905
    columns += (Column("percent", "percent"), Column("guest", "flag"))
    one = {"user_id": "40110023", "full_name": "زهرا محمدی", "role": "viewer", "guest": True, "percent": 80.0}
    (page,) = read(table([one | {day.key: "P" for day in days}], columns=columns)).pages
    reach = []
    page.extract_text(visitor_text=lambda said, at, put, *_: said.strip() and reach.append(at[4] + put[4] * at[0]))

    assert round(float(page.mediabox.width)) == width
    assert max(reach) < width - 34  # the margin of 12 mm


def test_what_no_paper_holds_is_refused_before_it_is_laid_out(monkeypatch):
    monkeypatch.setattr(to_pdf, "CELLS", 70)
    written(table(many(10)), "pdf")

    with pytest.raises(InputError, match="10 rows of this report at most"):
        written(table(many(11)), "pdf")
    with pytest.raises(InputError, match="56 columns at most"):
        written(table([{}], columns=tuple(Column(f"c{n}", "text") for n in range(57))), "pdf")


def test_a_hostile_name_is_words_and_nothing_is_fetched(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda *given: asked.append(given))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", _noting(asked))
    made = names(*HOSTILE)
    said = text(made)

    assert asked
    assert {address.partition(":")[0] for address in asked} == {"data"}
    for word in ("<img", "@import", "<iframe", "<script>alert(1)</script>", "exe.gnp"):
        assert word in said
    raw = written(made, "pdf")
    assert not any(mark in raw for mark in (b"/JavaScript", b"/URI", b"/Launch", b"/EmbeddedFile"))


def _noting(asked):
    from urllib.request import OpenerDirector

    opening = OpenerDirector.open

    def open(self, wanted, *rest, **more):
        asked.append(getattr(wanted, "full_url", wanted))
        return opening(self, wanted, *rest, **more)

    return open


def test_markup_that_slipped_in_could_ask_for_data_alone(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda *given: asked.append(given))
    page = '<img src="http://127.0.0.1:9/a.png"><img src="file:///etc/passwd"><p>there'
    monkeypatch.setattr(to_pdf, "rendered", lambda table: [page])

    assert "there" in text(table([]))
    assert asked == []


BLOCKED = """
import io, sys
from tests.exports.tables import table
from worker.exports import write
from worker.errors import WorkerError
from pathlib import Path
{blocking}
try:
    write(table([]), "pdf", Path("r.pdf"))
except WorkerError as error:
    print(error)
"""
BLOCKINGS = {
    "no library": "sys.modules['weasyprint'] = None",
    "no pango": """
import cffi
def absent(self, *given):
    raise OSError("no such file")
cffi.FFI.dlopen = absent""",
}


@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
def test_what_is_missing_is_said_in_one_line_and_an_old_file_stays(tmp_path, blocking):
    (tmp_path / "r.pdf").write_text("old")
    script = [sys.executable, "-c", BLOCKED.format(blocking=blocking)]
    done = subprocess.run(
        script, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )

    (line,) = done.stdout.splitlines()
    assert "pip install 'meetingz-worker[pdf]'" in line
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in line
    assert done.stderr == ""
    assert leftovers(tmp_path) == ["r.pdf"]
    assert (tmp_path / "r.pdf").read_text() == "old"


def test_people_are_offered_pdf_only_where_the_library_is(monkeypatch):
    assert "pdf" in offered()
    monkeypatch.setattr("worker.exports.find_spec", lambda name: None)

    assert offered() == ("csv", "xlsx", "html", "json")


def test_a_failing_layout_keeps_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "r.pdf").write_text("old")
    monkeypatch.setattr(to_pdf, "_sheet", lambda table: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        write(table([row()]), "pdf", tmp_path / "r.pdf")

    assert (tmp_path / "r.pdf").read_text() == "old"
    assert leftovers(tmp_path) == ["r.pdf"]


@pytest.mark.parametrize("form", ["pdf", "xlsx"])
def test_a_terminal_is_asked_to_name_a_file(tmp_path, form):
    reading, terminal = os.openpty()
    command = [sys.executable, "-m", "worker", "report", "attendance", "--format", form]
    environment = os.environ | {"MEETINGZ_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    try:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False
        )
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)
    finally:
        os.close(terminal)
        os.close(reading)

    assert done.returncode == 2
    assert f"{form} is nothing for a terminal" in done.stderr
