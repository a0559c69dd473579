"""Alarms, tickets, rates and rules of a course at the door."""

from datetime import UTC, datetime

import pytest

from tests.cli.conftest import ROSTER, timetable
from tests.cli.test_bad_files import refused
from worker.operations import context as contexts
from worker.settings import Settings
from worker.store.tables import Alarm


@pytest.fixture
def sitting(meetingz, here):
    """The number of the next class of a small timetable."""
    (here / "timetable.csv").write_text(timetable(), encoding="utf-8")
    (here / "roster.csv").write_text(ROSTER, encoding="utf-8")
    assert meetingz("timetable", "import", "timetable.csv").code == 0
    assert meetingz("roster", "import", "roster.csv").code == 0
    return meetingz("occurrence", "list", "--json").json[0]["id"]


def test_without_trouble_no_alarm_stands(meetingz):
    assert meetingz("alarms").out == "no alarm stands\n"
    assert meetingz("alarms", "--all", "--json").json == []


def test_a_server_that_is_down_stands_among_the_alarms_and_in_doctor(meetingz, monkeypatch):
    monkeypatch.setenv("NORTH", "a secret")
    assert (
        meetingz("server", "add", "north", "http://127.0.0.1:9/x/", "--secret-env", "NORTH", "--rate", "2.5").code == 0
    )
    for _ in range(3):
        meetingz("run", "poll")
    meetingz("run", "end")
    (alarm,) = meetingz("alarms", "--json").json
    assert (alarm["kind"], alarm["recovered_at"]) == ("server_down", None)
    assert "north" in meetingz("alarms").out
    assert "alarm server_down" in meetingz("doctor").out
    assert meetingz("server", "list", "--json").json[0]["rate_limit"] == 2.5
    assert "failures in a row" in meetingz("server", "list").out


def test_alarms_that_recovered_are_listed_only_among_all_and_the_newest_first(meetingz, here):
    context = contexts.make(Settings())
    assert meetingz("alarms").code == 0
    with context.database.write() as session:
        for day, recovered in ((1, 5), (2, None), (3, None)):
            at, until = (None if each is None else datetime(2026, 3, each, tzinfo=UTC) for each in (day, recovered))
            session.add(
                Alarm(kind="server_down", cause=str(day), detail=f"no. {day}", raised_at=at, recovered_at=until)
            )
    context.database.dispose()

    def listed(*words):
        return [each["cause"] for each in meetingz("alarms", "--json", *words).json]

    assert listed() == ["3", "2"]
    assert listed("--all") == ["3", "2", "1"]
    assert listed("--all", "--limit", "2") == ["3", "2"]


def test_a_ticket_is_printed_only_with_a_public_address(meetingz, sitting, monkeypatch):
    words = ("join", sitting, "--user-id", "u1", "--name", "پریسا صادقی", "--link")
    refused(meetingz(*words), "MEETINGZ_PUBLIC_URL is not set: nobody could open a link of ours")
    monkeypatch.setenv("MEETINGZ_PUBLIC_URL", "https://class.example")
    assert meetingz(*words).out.startswith("https://class.example/join/")


def test_a_course_is_pinned_and_ends_as_it_is_told(meetingz, sitting):
    refused(meetingz("course", "set", "ALG-101", "--server", "nowhere"), "there is no server 'nowhere'")
    refused(meetingz("course", "set", "ALG-101", "--end-policy", "later"), "one of end, spare, never")
    assert meetingz("course", "set", "ALG-101", "--end-policy", "spare").code == 0
    assert meetingz("course", "show", "ALG-101", "--json").json["end_policy"] == "spare"


def test_a_wrong_option_of_create_is_refused_in_one_line_with_its_course(meetingz, here):
    row = "code,title,cron,minutes,options\nX1,Physics,0 9 * * 6,90,muteOnStart=perhaps\n"
    (here / "bad.csv").write_text(row, encoding="utf-8")
    refused(meetingz("timetable", "import", "bad.csv"), "course 'X1', column options: the option muteOnStart=perhaps")
