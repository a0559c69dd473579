"""The join page: too early, open, over, cancelled; and previews of the address, which must leave nobody in the room."""

import re

import pytest
import structlog

from tests.operations.stage import Stage
from tests.web.conftest import Person
from worker.operations.meetings import joining
from worker.operations.timetable import arrange
from worker.web import join


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


@pytest.fixture
def invited(stage, site, users, add_server, make_course, make_occurrence, program):
    """A learner with an address for a class in an hour. Answers somebody at a browser, the path, and the server."""
    server = add_server("E")
    make_course(title="Algebra", teacher_id="t-1")
    number = make_occurrence(start_in=60)
    answer = program("admin", ["join"]).post(f"/occurrences/{number}/invitation", {"user_id": "u-1", "name": "Zahra"})
    assert answer.status_code == 200
    return Person(site), answer.json()["url"].removeprefix(site), server


def test_too_early_there_is_a_countdown_and_no_button(invited, stage):
    person, path, server = invited
    text = person.get(path).text
    assert "Zahra" in text
    assert "0:45:00" in text
    assert "<button" not in text
    assert person.post(path, token=False).headers["location"] == path
    assert server.world.history() == []


def test_looking_at_the_address_lets_nobody_in(invited, stage, clock):
    person, path, server = invited
    clock.advance(minutes=50)
    stage.provision()
    for method in ("GET", "HEAD", "GET"):
        assert person.http.request(method, person.base + path, timeout=20).status_code in (200, 405)
    (meeting,) = server.world.meetings()
    assert meeting.people == []
    assert "<button" in person.get(f"{path}/door").text


def test_the_button_leads_into_the_room_as_the_one_who_was_invited(invited, stage, clock):
    person, path, server = invited
    clock.advance(minutes=50)
    stage.provision()
    text = person.post(path, token=False).text
    link = re.search(r'href="([^"]+join\?[^"]+)"', text)[1].replace("&amp;", "&")
    person.http.get(link, timeout=20)
    (meeting,) = server.world.meetings()
    assert [(each.user_id, each.full_name, each.role) for each in meeting.people] == [("u-1", "Zahra", "VIEWER")]


def test_a_moved_class_takes_its_links_along(invited, stage, clock, context):
    person, path, _ = invited
    start = clock() + 3 * (stage.occurrence(1).ends_at - stage.occurrence(1).starts_at)
    arrange.move(context, 1, start, start + (stage.occurrence(1).ends_at - stage.occurrence(1).starts_at), clock())
    assert "2:45:00" in person.get(path).text


@pytest.mark.parametrize("how", ["over", "cancelled"])
def test_what_is_over_or_cancelled_is_said(invited, clock, context, how):
    person, path, _ = invited
    if how == "over":
        clock.advance(minutes=121)
    else:
        arrange.cancel(context, 1, "the teacher is ill", clock())
    text = person.get(path).text
    assert ("is over" in text) if how == "over" else ("the teacher is ill" in text)
    assert "<button" not in text


def test_trouble_on_the_way_leaves_no_ticket_in_the_log(invited, monkeypatch):
    person, path, _ = invited
    monkeypatch.setattr(join.entrances, "of", None)
    with structlog.testing.capture_logs() as lines:
        assert person.get(path).status_code == 500
    assert [line["path"] for line in lines if line["event"] == "web.broken"] == ["/join/{ticket}"]


def test_an_address_that_was_changed_is_worth_nothing(invited):
    person, path, _ = invited
    for wrong in (path[:-2] + "xx", path.replace(".", "x."), "/join/x", "/join/" + "x" * 5000):
        assert person.get(wrong).status_code == 404
        assert person.post(wrong, token=False).status_code == 404


@pytest.fixture
def ended(invited, stage, clock, context):
    """The class in the middle of its time, after its teacher has ended it, or what looks like that."""
    person, path, server = invited
    clock.advance(minutes=60)
    stage.provision()
    room = stage.only_meeting().external_id
    server.world.join(room, "t-1", "Noor", role="MODERATOR")
    stage.polls(1)
    server.world.end_from_inside(room)
    stage.polls(2)
    facts = {"user_id": "t-1", "name": "Noor", "role": "moderator", "now": clock()}
    return person, path, f"/join/{joining.ticket(context, 1, **facts)}"


def test_a_teacher_who_finds_the_class_ended_before_its_time_opens_it_again(ended, stage):
    person, _, teachers = ended
    assert "Open it again" in person.get(teachers).text
    assert stage.provision() == []  # looking opens nothing
    assert person.post(teachers, token=False).headers["location"] == teachers
    assert (stage.story("reopen_asked")[0].actor, stage.story().count("reopen_asked")) == ("t-1", 1)
    assert "being opened" in person.get(teachers).text
    assert stage.provision() == ["opened"]
    assert "Join now" in person.get(teachers).text
    person.post(teachers, token=False)
    assert stage.story().count("reopen_asked") == 1


def test_a_learner_does_not_nor_does_a_teacher_once_its_time_is_over(ended, stage, clock):
    person, learners, teachers = ended
    assert "is over" in person.get(learners).text
    assert "<button" not in person.get(learners).text
    person.post(learners, token=False)
    clock.advance(minutes=60)
    assert "<button" not in person.get(teachers).text
    person.post(teachers, token=False)
    assert stage.story().count("reopen_asked") == 0
