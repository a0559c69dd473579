"""A server's web application starts again in the middle of classes: no teacher ended them (E43)."""

import pytest


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def two_classes(stage, server, make_course, make_occurrence):
    """Two classes with their teachers in."""
    for code in ("alg", "geo"):
        make_course(code)
        make_occurrence(code, start_in=0)
    assert stage.provision() == ["opened", "opened"]
    for meeting in stage.meetings():
        server.world.join(meeting.external_id, "t", "Teacher", role="MODERATOR")
    stage.polls(2)


def test_classes_are_opened_again_after_their_server_forgot_them(stage, server, two_classes):
    server.world.restart_web()
    stage.polls(2)
    assert stage.provision() == ["opened", "opened"]


@pytest.mark.parametrize("polls_before", [0, 1])
def test_also_where_another_room_was_made_there_meanwhile(
    stage, server, two_classes, make_course, make_occurrence, polls_before
):
    server.world.restart_web()
    stage.polls(polls_before)
    make_course("chem")
    make_occurrence("chem", start_in=0)
    assert stage.provision() == ["opened"]
    stage.polls(2 - polls_before)
    assert stage.provision() == ["opened", "opened"]


def test_a_class_that_its_teacher_ended_stays_ended_while_others_go_on(stage, server, two_classes):
    server.world.end_from_inside(stage.meetings()[0].external_id)
    stage.polls(2)
    assert stage.provision() == []
