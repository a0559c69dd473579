"""A bell that rings twice at once: the second worker has looked before the first one's room was open."""

import pytest

from worker.operations.meetings import requesting
from worker.store.tables import Meeting, Server


@pytest.fixture
def opened_meanwhile(stage, add_server, make_course, make_occurrence, monkeypatch):
    """A class whose room was asked for when the second worker looked, and is open when it goes on."""
    add_server()
    add_server()
    make_course()
    occurrence = make_occurrence(start_in=0)
    with stage.context.database.read() as session:
        looked = requesting._still_due(session, [occurrence], stage.clock())
    assert stage.provision() == ["opened"]
    monkeypatch.setattr(requesting, "_still_due", lambda *_: looked)
    return occurrence


def ask(stage, occurrence):
    with stage.context.database.write() as session:
        return requesting.request_all(stage.context, session, [occurrence], stage.clock())


def test_a_room_that_another_worker_has_just_opened_is_kept(stage, opened_meanwhile):
    assert ask(stage, opened_meanwhile) == []
    assert [meeting.state for meeting in stage.meetings()] == ["open"]
    assert stage.story("abandoned") == []


def test_also_where_its_server_takes_no_more(stage, opened_meanwhile):
    with stage.context.database.write() as session:
        session.get_one(Server, stage.only_meeting().server_id).draining = True
    assert ask(stage, opened_meanwhile) == []
    assert [meeting.state for meeting in stage.meetings()] == ["open"]


def test_a_room_that_nobody_joined_on_a_server_that_is_down_is_still_moved(stage, opened_meanwhile):
    with stage.context.database.write() as session:
        session.get_one(Server, stage.only_meeting().server_id).healthy = False
    (request,) = ask(stage, opened_meanwhile)
    assert [meeting.state for meeting in stage.rows(Meeting)] == ["closed", "requested"]
    assert request.server.id != stage.meetings()[0].server_id
