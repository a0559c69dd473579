"""What stands on the pages, and what their buttons do."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.operations.stage import Stage
from tests.web.conftest import Person
from worker.operations import pulse
from worker.operations.installation import alarms
from worker.operations.recordings import harvest
from worker.operations.timetable import arrange
from worker.store.tables import Correction, Event, Recording, Server
from worker.web import recordings, serving, sittings


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


@pytest.fixture
def live(stage, add_server, make_course, make_occurrence, clock, site):
    """A class of two people that is going on, and its room. Answers the served world."""
    server = add_server("E", capacity=50)
    make_course(title="Algebra", teacher_id="t-1", record="always", roster=[("u-1", "Zahra", "viewer")])
    make_occurrence(start_in=10)
    stage.provision()
    server.room = stage.only_meeting().external_id
    server.world.join(server.room, "u-1", "Zahra")
    server.world.join(server.room, "t-1", "Ada", "MODERATOR")
    clock.advance(minutes=10)
    stage.polls(3)
    return server


def test_now_shows_who_is_on_where_and_since_when_the_loops_are_silent(visit, live, beating, clock):
    text = visit("admin").get("/").text
    for shown in ("Algebra", "server-1", "<strong>2</strong>", "<strong>1</strong>"):
        assert shown in text
    assert 'role="alert"' not in text
    clock.advance(minutes=30)
    assert 'role="alert"' in visit("viewer").get("/now/live").text


def test_what_a_loop_failed_of_is_told_to_administrators_alone(visit, beating, context, clock):
    clock.advance(seconds=1)
    with pytest.raises(ValueError, match="no row"), pulse.sweep(context, "poll", clock):
        raise ValueError("no row")
    texts = {role: visit(role).get("/now/live").text for role in ("viewer", "admin", "teacher")}
    assert [role for role, text in texts.items() if "no row" in text] == ["admin"]


def test_an_alarm_that_stands_is_shown_to_whom_it_concerns(context, clock, visit, live, make_course, make_occurrence):
    make_course("foreign", teacher_id="t-2")
    number = make_occurrence("foreign")
    with context.database.write() as session:
        alarms.raised(session, "not_opened", "occurrence:2", clock(), "no answer", occurrence_id=number)
    assert "Room could not be opened" in visit("admin").get("/").text
    assert "Room could not be opened" not in visit("teacher").get("/").text


def test_a_teacher_ends_the_class_now_and_it_stays_ended(visit, live, stage, clock, context):
    assert visit("teacher").post("/sittings/1/end").status_code == 303
    clock.advance(seconds=30)
    stage.run_until(lambda: not stage.live())
    stage.provision()
    assert stage.live() == []
    assert stage.only_meeting().close_reason == "ended"
    with context.database.read() as session:
        told = session.query(Event).where(Event.kind == "end_asked").one()
    assert told.actor == "teacher"
    assert visit("teacher").post("/sittings/1/reopen").status_code == 303
    stage.provision()
    assert len(stage.live()) == 1


def test_a_server_that_is_silent_is_told_in_one_line(visit, live):
    live.stop()
    answer = visit("admin").post("/sittings/1/end")
    assert answer.status_code == 502
    assert "It was not done" in answer.text


def test_whoever_joins_as_moderator_is_one(visit, live):
    page = visit("teacher").post("/sittings/1/enter").text
    assert 'http-equiv="refresh"' in page
    assert "fullName=teacher" in page


ODD = ["u\u200e1\u202a", "tab\tid", " lead", "two\nlines", "100%41"]


def test_a_person_whose_id_is_not_shown_as_it_is_can_be_corrected(visit, stage, make_course, make_occurrence, clock):
    make_course(teacher_id="t-1", roster=[(each, "Zahra", "viewer") for each in ODD])
    number = make_occurrence(start_in=10)
    clock.advance(minutes=20)
    person, reason = visit("teacher"), {"status": "excused", "reason": "ill"}
    sent = re.findall(r'/correct".*?name="user_id" value="([^"]*)"', person.get(f"/sittings/{number}").text)
    for each in sent:
        fields = {"user_id": html.unescape(each)}
        assert person.post(f"/sittings/{number}/correct", fields | reason).status_code == 303, each
        assert person.post(f"/sittings/{number}/undo", fields).status_code == 303, each
    assert sorted(row.user_id for row in stage.rows(Correction) if row.undone_at) == sorted(ODD)


@pytest.mark.parametrize("name", ["attendance", "matrix", "sessions"])
@pytest.mark.parametrize("format", ["csv", "xlsx", "html", "json", "pdf"])
def test_every_report_comes_in_every_format(visit, live, name, format):
    answer = visit("teacher").get(f"/reports/{name}.{format}?course=alg")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content


def test_a_report_that_is_none_is_said_in_one_line(visit, live):
    assert visit("admin").get("/reports/nothing.csv").status_code == 422
    assert visit("admin").get("/reports/attendance.odt").status_code == 422
    assert visit("admin").get("/reports/person.csv").status_code == 422


def test_the_file_says_what_the_page_says(visit, live):
    text = visit("viewer").get("/reports/attendance.csv?sitting=1").content.decode("utf-8-sig")
    rows = {row["user_id"]: row["status"] for row in csv.DictReader(io.StringIO(text))}
    page = visit("viewer").get("/sittings/1").text
    assert set(rows) == {"u-1", "t-1"}
    assert all(user in page for user in rows)


def test_a_server_takes_no_new_classes_and_takes_them_again(visit, live, stage):
    person = visit("admin")
    assert person.post("/servers/server-1/drain").status_code == 303
    assert stage.rows(Server)[0].draining
    assert "No new classes" in person.get("/servers").text
    assert person.post("/servers/server-1/enable").status_code == 303
    assert not stage.rows(Server)[0].draining
    assert person.post("/servers/nowhere/drain").status_code == 404
    assert person.post("/servers/server-1/explode").status_code == 403


def test_a_recording_is_hidden_shown_and_deleted(visit, live, stage, clock):
    live.world.leave(live.room, "u-1")
    live.world.leave(live.room, "t-1")
    stage.run_until(lambda: not stage.live() and clock() > stage.occurrence(1).closes_at, seconds=300)

    def one():
        return stage.rows(Recording)[0]

    for _ in range(40):
        clock.advance(minutes=30)
        harvest.sweep(stage.context, clock)
        if stage.rows(Recording) and one().published:
            break
    person = visit("admin")
    address = "/recordings?since=2026-03-01&until=2026-03-31"
    assert "Published" in person.get(address).text
    assert person.post(f"/recordings/{one().id}/unpublish").status_code == 303
    assert not one().published
    assert person.post(f"/recordings/{one().id}/publish").status_code == 303
    assert one().published
    assert person.post(f"/recordings/{one().id}/delete").status_code == 303
    assert one().delete_requested_at is not None


@pytest.mark.parametrize("page", ["sittings", "recordings"])
def test_a_day_of_25_hours_is_asked_for_whole(make_context, make_course, clock, users, page):
    context = make_context(timezone="Europe/Berlin")
    make_course("alg", record="always", timezone="Europe/Berlin")
    start = datetime(2026, 10, 25, 22, 15, tzinfo=UTC)
    arrange.add(context, "alg", start, start + timedelta(minutes=30), clock())
    clock.now = start + timedelta(hours=2)
    with serving.Beside(context, "127.0.0.1", 0, clock=clock) as served:
        person = Person(served.url)
        person.sign_in("admin")
        text = person.get(f"/{page}?since=2026-10-25&until=2026-10-25").text
    assert re.findall(r'name="(?:since|until)" value="([^"]*)"', text) == ["2026-10-25"] * 2
    assert "23:15" in text


def test_in_persian_dates_are_jalali_and_digits_persian(visit, live):
    text = visit("admin", "fa").get("/sittings/1").text
    assert 'dir="rtl"' in text
    assert "۱۴۰۴/۱۲/۱۱" in text
    assert "2026-03-02" not in text


def test_a_sitting_is_moved_by_a_jalali_date_in_persian_digits(visit, make_course, make_occurrence, stage, site):
    make_course(teacher_id="t-1")
    number = make_occurrence(start_in=600)
    answer = visit("teacher", "fa").post(f"/sittings/{number}/move", {"start": "۱۴۰۴/۱۲/۱۲ ۱۰:۰۰", "minutes": "۹۰"})
    assert answer.status_code == 303
    moved = stage.occurrence(number)
    assert moved.starts_at.isoformat() == "2026-03-03T10:00:00+00:00"
    assert (moved.ends_at - moved.starts_at).total_seconds() == 90 * 60


def test_what_the_operation_refuses_is_said_on_the_page(visit, live):
    answer = visit("admin").post("/sittings/1/move", {"start": "2026-03-03 10:00", "minutes": "60"})
    assert answer.status_code == 409
    assert "has its room open already" in answer.text


def test_health_tells_machines_and_no_secrets(visit, beating, clock):
    stranger = visit()
    assert stranger.get("/readyz").json() == {"ok": True, "database": True, "late": []}
    clock.advance(minutes=30)
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert "loop poll" in answer.json()["late"]
    assert stranger.get("/healthz").status_code == 200


@pytest.mark.parametrize("code", ["ALG-101", "alg-101", "ALG-۱۰۱"])
def test_a_course_is_found_in_any_spelling(visit, program, make_course, make_occurrence, code):
    make_course("ALG-101")
    number = make_occurrence("ALG-101")
    assert f'href="/sittings/{number}"' in visit("admin").get("/sittings", params={"course": code}).text
    assert [each["id"] for each in program().get("/occurrences", params={"course": code}).json()] == [number]


def test_a_long_list_is_counted_whole_and_asked_for_by_state(visit, context, clock, make_course, make_occurrence):
    make_course()
    numbers = [make_occurrence(start_in=minutes) for minutes in range(1, 103)]
    arrange.cancel(context, numbers[-1], "ill", clock())
    person = visit("admin")
    text = person.get("/sittings").text
    assert "102 in all" in text
    assert text.count('href="/sittings/') == 100
    assert person.get("/sittings?skip=100").text.count('href="/sittings/') == 2
    text = person.get("/sittings?state=cancelled").text
    assert "1 in all" in text
    assert f'href="/sittings/{numbers[-1]}"' in text


def test_a_program_is_never_given_a_part_for_the_whole(program, make_course, make_occurrence, monkeypatch):
    make_course()
    for minutes in (1, 2, 3):
        make_occurrence(start_in=minutes)
    monkeypatch.setattr(sittings, "_MOST", 3)
    assert len(program().get("/occurrences").json()) == 3
    monkeypatch.setattr(sittings, "_MOST", 2)
    answer = program().get("/occurrences")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("these are more than 2 classes; ask for fewer days")


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("كريمي، علي", "کریمی"),
        ("کریمی", "كريمي"),
        ("CAFÉ Élan", "café é"),
        ("گروه ۱۲", "گروه 12"),
        ("می\u200cنویسد", "مینویسد"),
        ("100% x_y", "% x_"),
        (r"a\b", "a\\"),
    ],
)
def test_a_name_is_found_however_it_is_spelt(visit, make_course, stored, asked):
    make_course("K-1", title=stored, roster=[("u-1", stored, "viewer")])
    make_course("K-2", title="another", roster=[("u-2", "another", "viewer")])
    person = visit("admin")
    found = person.get("/courses", params={"search": asked}).text
    assert ("/courses/1" in found, "/courses/2" in found) == (True, False)
    found = person.get("/people", params={"search": asked}).text
    assert ("u-1" in found, "u-2" in found) == (True, False)


def test_recordings_of_more_classes_than_are_looked_at_are_said_to_be_so(
    visit, clock, make_course, make_occurrence, monkeypatch
):
    make_course("alg", record="always")
    make_course("never", record="never")
    for minutes in (1, 2, 3):
        make_occurrence("alg", start_in=minutes)
        make_occurrence("never", start_in=minutes)
    clock.advance(minutes=120)
    monkeypatch.setattr(recordings, "_LOOKED_AT", 3)
    text = visit("admin").get("/recordings").text
    assert "3 in all" in text
    assert "newest" not in text
    monkeypatch.setattr(recordings, "_LOOKED_AT", 2)
    text = visit("admin").get("/recordings").text
    assert "2 in all" in text
    assert "Only the newest 2 classes" in text
