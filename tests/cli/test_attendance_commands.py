"""attendance, person, course set, report and live, as they are typed."""

import csv
import io
from datetime import timedelta

import pytest
from lxml import html
from openpyxl import load_workbook

from tests.operations.klass import Held
from tests.operations.stage import Stage
from worker import clock
from worker.cli import door
from worker.operations import context as contexts
from worker.operations.installation import servers
from worker.operations.reports import report_totals
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.store.tables import Gap, Occurrence, Stay

HOSTILE = '=HYPERLINK("http://evil.example")<script>\x1b[31m'


@pytest.fixture
def stage(here, school):
    """The installation in this folder, by the real clock."""

    class Now:
        now = clock.now().replace(microsecond=0)

        def __call__(self):
            return self.now

    context = contexts.make(Settings(timezone="UTC"))
    yield Stage(context, Now())
    context.database.dispose()


@pytest.fixture
def held(stage):
    """An hour of algebra that ended a minute ago; u1 was there to the end, a guest with a hostile name to the half."""
    now = stage.clock.now
    server = servers.add(stage.context, "quiet", "http://192.0.2.1/bigbluebutton/", "a secret", now)
    start = now - timedelta(minutes=61)
    number = arrange.add(stage.context, "ALG-101", start, start + timedelta(hours=1), start)
    room = Held(stage, server, number)
    room.saw((0, 30, {"u1": "Parisa", "x1": HOSTILE}), (30.5, 60, {"u1": "Parisa"})).over()
    with stage.context.database.write() as session:
        for minute in range(60):
            report_totals.note(session, server, room.at(minute), meetings=1, people=minute % 7)
    return room


REPORTS = [
    ("attendance",), ("matrix", "--course", "ALG-101"), ("sessions", "--course", "ALG-101"), ("person", "u1"),
    ("totals",), ("totals", "--by", "server"), ("totals", "--by", "course"), ("totals", "--by", "person"),
]  # fmt: skip


@pytest.mark.parametrize("words", REPORTS, ids=" ".join)
@pytest.mark.parametrize("language", ["en", "fa"])
def test_every_report_comes_in_every_format(meetingz, held, here, words, language):
    for form in ("csv", "json", "xlsx", "html", "pdf"):
        made = meetingz("report", *words, "--lang", language, "-o", f"out.{form}")
        assert (made.code, made.out, made.err) == (0, f"wrote out.{form}\n", "")
    rows = meetingz("report", *words, "--format", "json").json
    with (here / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1
    sheet = load_workbook(here / "out.xlsx").worksheets[0]
    assert sheet.max_row == len(rows) + 1
    assert sheet.sheet_view.rightToLeft is (language == "fa" or None) or language == "en"
    tree = html.parse(here / "out.html").getroot()
    assert (tree.get("lang"), len(tree.xpath("//tbody/tr"))) == (language, len(rows))


@pytest.mark.parametrize("words", REPORTS[:2], ids=" ".join)
def test_a_hostile_name_is_harmless_in_every_new_report(meetingz, held, here, words):
    table = list(csv.reader(io.StringIO(meetingz("report", *words).out.lstrip("\ufeff"), newline="")))
    assert [cell[:2] for row in table for cell in row if "HYPERLINK" in cell] == ["'="]
    meetingz("report", *words, "-o", "out.xlsx")
    cells = [cell for row in load_workbook(here / "out.xlsx").worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if "HYPERLINK" in str(cell.value)} == {"s"}
    meetingz("report", *words, "-o", "out.html")
    assert not html.parse(here / "out.html").getroot().xpath("//script")


@pytest.mark.parametrize("words", [("totals",), ("sessions",)])
def test_reports_over_time_have_a_chart(meetingz, held, here, words, stage):
    start = stage.clock.now - timedelta(minutes=10)
    other = arrange.add(stage.context, "ALG-101", start, stage.clock.now + timedelta(minutes=1), start)
    Held(stage, held.server_id, other).saw((0, 5, {"u1": "Parisa"})).over()
    meetingz("report", *words, "-o", "out.html")
    (drawn,) = html.parse(here / "out.html").getroot().xpath("//figure/svg")
    assert drawn.xpath(".//polyline/@points")
    assert not drawn.xpath(".//@style")
    meetingz("report", *words, "-o", "out.xlsx")
    assert sum(len(sheet._charts) for sheet in load_workbook(here / "out.xlsx").worksheets) == 1


def test_marks_for_moodle(meetingz, held):
    made = meetingz("report", "attendance", "--occurrence", held.occurrence, "--format", "moodle")
    assert made.out.lstrip("\ufeff").splitlines()[0] == "user,scantime,status"
    assert {line.rsplit(",", 1)[1] for line in made.out.splitlines()[1:]} <= {"P", "L", "A", "E"}


def test_a_status_is_corrected_undone_and_remembered(meetingz, held):
    number = held.occurrence
    told = meetingz("attendance", "correct", number, "t1", "excused", "--reason", "was at a funeral").out
    assert told == f"t1 is excused in occurrence {number}, was absent\n"
    rows = {row["user_id"]: row for row in meetingz("report", "attendance", "--format", "json").json}
    assert rows["t1"]["status"] == "excused"
    assert rows["t1"]["corrected_by"] == door.person()
    assert meetingz("attendance", "undo", number, "t1").out == f"t1 is absent in occurrence {number} again\n"
    (kept,) = meetingz("attendance", "history", number, "--json").json
    assert (kept["before"], kept["status"], kept["undone_by"]) == ("absent", "excused", door.person())
    assert "funeral" in meetingz("attendance", "history", number, "t1").out
    assert f"by {door.person()}" in meetingz("attendance", "history", number, "t1").out
    assert meetingz("attendance", "history", number, "u1").out == "nothing was corrected\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("attendance", "correct", "999", "u1", "absent", "--reason", "r"), "no occurrence 999"),
        (("attendance", "undo", "999", "u1"), "no occurrence 999"),
        (("person", "forget", "nobody", "--yes"), "nobody with the id"),
        (("course", "set", "ALG-101", "--present-percent", "5"), "do not fit"),
        (("course", "set", "ALG-101", "--late-seconds", "-1"), "late_seconds cannot be -1; write 0 to 86400"),
        (("course", "set", "ALG-101", "--late-seconds", "nan"), "late_seconds cannot be nan"),
        (("course", "set", "ALG-101", "--left-early-seconds", "inf"), "left_early_seconds cannot be inf"),
        (("course", "set", "ALG-101", "--present-percent", "nan"), "do not fit"),
        (("recordings", "policy", "ALG-101", "--keep-archive-days", "0"), "keep_archive_days: 0 days are not possible"),
        (("recordings", "policy", "ALG-101", "--keep-server-days", "9999999999"), "write 1 to 36500, or 'ever'"),
        (("user", "token", "ada", "--label", "x", "--scope", "read", "--days", "1e9"), "cannot hold for 1e+09 days"),
        (("report", "matrix"), "--course"),
        (("report", "attendance", "--course", "nothing"), "no course 'nothing'"),
        (("report", "sessions", "--course", "nothing", "--format", "json"), "no course 'nothing'"),
        (("report", "totals", "--course", "ALG-101"), "--by course"),
        (("report", "attendance", "--format", "moodle"), "--occurrence"),
    ],
)
def test_what_cannot_be_is_one_line(meetingz, school, words, says):
    made = meetingz(*words)
    assert (made.code, made.out) == (1, "")
    assert says in made.err
    assert made.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("course", "set", "ALG-101"), ("live", "--watch", "--json"), ("report", "totals", "--lang", "xx")]
)
def test_wrong_use_is_exit_2(meetingz, school, words):
    assert meetingz(*words).code == 2


def test_folding_again_from_the_command_gives_the_same_to_the_byte(meetingz, held, stage):
    def everything():
        rows = [[getattr(row, key) for key in keys] for table, keys in columns.items() for row in stage.rows(table)]
        files = [meetingz("report", "attendance", "--format", form).out for form in ("csv", "json", "html")]
        files[2] = files[2].partition("<tbody")[2]  # above it stands the minute in which it was made
        assert all(files)
        return rows, files

    columns = {table: table.__table__.columns.keys() for table in (Stay, Gap)}
    before = everything()
    assert len(before[0]) >= 2
    for words in (("--course", "ALG-101"), (), ("--from", held.at(-1).date())):
        assert meetingz("attendance", "refold", *words).out == "folded 1 sittings again\n"
        assert everything() == before


def test_a_sitting_whose_observations_are_gone_keeps_its_stays(meetingz, held, stage):
    with stage.context.database.write() as session:
        session.get_one(Occurrence, held.occurrence).pruned_at = stage.clock.now
    told = meetingz("attendance", "refold").out
    assert told == "folded 0 sittings again; 1 keep their stays, their observations are pruned\n"


def test_a_report_of_one_sitting_in_the_language_of_the_school(meetingz, held, stage, here, monkeypatch):
    start = stage.clock.now - timedelta(minutes=10)
    other = arrange.add(stage.context, "ALG-101", start, stage.clock.now + timedelta(minutes=1), start)
    monkeypatch.setenv("MEETINGZ_LANGUAGE", "fa")
    assert meetingz("report", "attendance", "--occurrence", other, "-o", "R.HTML").code == 0
    tree = html.parse(here / "R.HTML").getroot()
    assert (tree.get("lang"), len(tree.xpath("//tbody/tr"))) == ("fa", 2)


def test_a_late_comer_is_late_by_the_courses_own_measure(meetingz, held):
    def marks():
        rows = meetingz("report", "attendance", "--format", "json").json
        return {row["user_id"]: (row["late"], row["left_early"]) for row in rows if row["user_id"] == "x1"}

    assert marks() == {"x1": (False, True)}
    assert meetingz("course", "set", "ALG-101", "--left-early-seconds", "3600").code == 0
    assert marks() == {"x1": (False, False)}
    assert meetingz("course", "set", "ALG-101", "--defaults", "--late-seconds", "0").code == 0
    assert marks()["x1"][1] is True


def test_a_course_gets_thresholds(meetingz, held):
    assert meetingz("course", "set", "ALG-101", "--present-percent", "40").code == 0
    rows = {row["user_id"]: row for row in meetingz("report", "attendance", "--format", "json").json}
    assert rows["x1"]["status"] == "present"
    assert meetingz("course", "set", "ALG-101", "--defaults").code == 0
    rows = {row["user_id"]: row for row in meetingz("report", "attendance", "--format", "json").json}
    assert rows["x1"]["status"] == "partial"


def test_somebody_is_forgotten_only_after_a_yes(meetingz, held):
    asked = meetingz("person", "forget", "u1", stdin="n\n")
    assert asked.code == 1
    assert asked.err.startswith("u1: 1 roster entries, 1 stays, ")
    assert " 0 " not in asked.err
    assert "u1" in meetingz("report", "attendance").out
    assert meetingz("person", "forget", "u1", stdin="y\n").code == 0
    assert "u1" not in meetingz("report", "attendance").out
    assert "forgotten-" in meetingz("report", "attendance").out


def test_live_is_drawn_anew_until_ctrl_c(meetingz, held, monkeypatch):
    drawn = []

    def sleep(seconds):
        drawn.append(seconds)
        if len(drawn) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    made = meetingz("live", "--watch", "--every", "2")
    assert made.code == 0
    assert drawn == [2, 2, 2]
    assert "0 people in 0 open meetings" in made.out
