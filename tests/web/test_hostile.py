"""What strangers send: names that would be markup, bodies without end, NULs, addresses that would be files."""

import html
import http.client
import re
from pathlib import Path

import pytest

from tests.web.conftest import Person
from tests.web.test_authorisation import courses  # noqa: F401 - a fixture
from worker.web.shield import LARGEST

NUL = "a\0b"
TIMETABLE = "code,title,cron,minutes\nalg,Algebra,0 9 * * 1,90\n"


def test_a_name_is_never_markup(visit, make_course, make_occurrence, beating):
    hostile = "<script>alert(1)</script>\u202e\x07"
    make_course("x", title=hostile, teacher_name=hostile, roster=[("u", hostile, "viewer")])
    number = make_occurrence("x")
    person = visit("admin")
    for path in ("/", "/timetable", "/courses", "/courses/1", "/sittings", f"/sittings/{number}", "/people"):
        text = person.get(path).text
        assert "alert(1)" in text, path
        assert "<script>alert" not in text, path
        assert not set("\u202e\x07") & set(text), path


@pytest.mark.usefixtures("courses")
def test_a_nul_is_refused_in_one_line(visit, program):
    person, robot = visit("admin"), program()
    assert person.get("/people", params={"search": NUL}).status_code in (200, 422)
    assert person.get("/sittings", params={"course": NUL}).status_code in (404, 422)
    assert person.get("/people/one", params={"user": NUL}).status_code in (404, 422)
    assert person.post("/sittings/1/cancel", {"reason": NUL}).status_code in (303, 422)
    assert person.sign_in(NUL).status_code in (401, 422)
    assert robot.get("/course", params={"code": NUL}).status_code in (404, 422)
    assert robot.post("/occurrences/2/cancel", {"reason": NUL}).status_code in (200, 422)


@pytest.mark.usefixtures("courses")
def test_a_number_that_no_column_and_no_clock_holds_is_refused_in_one_line(visit):
    person = visit("admin")
    for path in ("/courses/1/add", "/sittings/1/move"):
        for minutes in ("9999999999", "1441", "0", "-5"):
            answer = person.post(path, {"start": "2026-03-03 10:00", "minutes": minutes})
            assert (answer.status_code, "write 1 to 1440" in answer.text) == (422, True), (path, minutes)
    for number in ("2147483648", "9223372036854775808", "0"):
        assert person.get(f"/reports/attendance.csv?sitting={number}").status_code == 422


@pytest.mark.usefixtures("courses")
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2200-01-01T00:00:00Z"])
def test_a_time_that_not_every_zone_has_is_refused(program, moment):
    robot, good = program(), "2026-03-03T10:00:00Z"
    for side in ("since", "until"):
        assert robot.get("/occurrences", params={side: moment}).status_code == 422
    for span in ((moment, good), (good, moment), (moment, moment)):
        body = dict(zip(("starts_at", "ends_at"), span, strict=True))
        assert robot.post("/course/occurrences?code=own", body).status_code == 422
        assert robot.post("/occurrences/1/move", body).status_code == 422


@pytest.mark.parametrize("origin", ["http://[", "null", "", "http://elsewhere.example"])
def test_a_form_from_a_place_that_is_none_is_refused_behind_our_headers(site, origin):
    answer = Person(site).http.post(site + "/login", headers={"Origin": origin}, timeout=20)
    assert answer.status_code == 403
    assert "Content-Security-Policy" in answer.headers


def test_a_body_without_end_is_cut_short(site):
    person, form = Person(site), {"Content-Type": "application/x-www-form-urlencoded"}

    def endless():
        for _ in range(LARGEST // 2**20 + 2):
            yield b"x" * 2**20

    try:
        answer = person.http.post(site + "/login", data=endless(), timeout=20, headers=form)
    except OSError:
        return  # the door was shut while we were still talking
    assert answer.status_code in (400, 413)


def test_a_body_that_says_it_is_too_long_is_not_read(site):
    answer = Person(site).http.post(site + "/login", data=b"x" * (LARGEST + 1), timeout=20)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"])
def test_only_static_files_are_static(site, path):
    connection = http.client.HTTPConnection(site.removeprefix("http://"), timeout=20)
    connection.request("GET", path)
    assert connection.getresponse().status in (303, 404)
    connection.close()


@pytest.mark.parametrize("key", ["../secret.key", "..%2fsecret.key", "x.csv", "/etc/passwd", "A" * 16 + ".csv"])
def test_a_preview_is_one_of_ours(visit, key):
    assert visit("admin").post("/import/confirm", {"key": key}).status_code == 404


@pytest.mark.parametrize("name", ["x.csv", "x.xlsx", "x.ics", "x.fet", "x", "../../x.csv"])
def test_a_file_that_is_none_is_said_in_one_line_and_not_kept(visit, context, name):
    person = visit("admin")
    answer = person.post("/import", files={"file": (name, b"\0\x01 no timetable", "text/plain")})
    assert answer.status_code == 422
    assert str(context.settings.data_dir) not in answer.text
    assert list((context.settings.data_dir / "uploads").iterdir()) == []


def test_what_is_wrong_when_it_is_confirmed_is_said_by_the_name_of_the_file_as_well(visit, context):
    person = visit("admin")
    text = person.post("/import", files={"file": ("Autumn & winter.csv", TIMETABLE)}).text
    fields = dict(re.findall(r'<input type="hidden" name="(key|file)" value="([^"]*)"', text))
    (kept,) = (context.settings.data_dir / "uploads").iterdir()
    kept.write_text("no timetable")
    answer = person.post("/import/confirm", {name: html.unescape(value) for name, value in fields.items()})
    assert answer.status_code == 422
    assert "Autumn &amp; winter.csv" in answer.text
    assert kept.name not in answer.text
    assert str(kept.parent) not in answer.text


def test_two_files_at_once_do_not_stumble_over_the_old_ones(visit, monkeypatch):
    person = visit("admin")
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "removed-by-the-other.csv"]))
    answer = person.post("/import", files={"file": ("x.csv", TIMETABLE)})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "asked", ["since=x", "since=1405/13/40", "since=9999-12-31&until=9999-12-31", "skip=-5", "skip=x"]
)
def test_dates_and_numbers_that_are_none_are_said_in_one_line(visit, asked):
    person = visit("admin")
    for path in ("/sittings", "/recordings"):
        assert person.get(f"{path}?{asked}").status_code in (200, 422)
    assert person.get("/timetable?day=9999-12-31").status_code in (200, 422)
    assert person.get("/timetable?day=1900-01-01").status_code == 200
