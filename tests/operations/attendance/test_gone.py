"""A room that is gone: ended by somebody, or lost by its server, by what the server tells of the ends of meetings."""

import pytest

from tests.operations.stage import Stage
from worker.simulator import Fault
from worker.store.tables import Meeting, Server

PAGE = "http://127.0.0.1:9"  # nobody hears there: a test says by itself what was told


@pytest.fixture
def context(make_context):
    return make_context(public_url=PAGE)


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def lesson(stage, server, make_course, make_occurrence):
    """Makes a class that has begun, its teacher inside. Answers its number and its room's id."""

    def _(code="alg", **columns):
        make_course(code, **columns)
        number = make_occurrence(code, start_in=0)
        stage.provision()
        room = next(each.external_id for each in stage.live() if each.occurrence_id == number)
        server.world.join(room, "t1", "Teacher", role="MODERATOR")
        return number, room

    return _


def knows(stage, untold):
    """So many ends in a row were not told; None: none ever was."""
    with stage.context.database.write() as session:
        session.get_one(Server, 1).untold_ends = untold


def tell(stage, *rooms, at=None):
    with stage.context.database.write() as session:
        for row in session.query(Meeting).where(Meeting.external_id.in_(rooms)):
            row.end_told_at = at or stage.clock()


@pytest.mark.parametrize(("untold", "ended"), [(None, True), (0, False), (2, False), (3, True)])
def test_a_room_gone_without_a_word_was_lost_where_the_server_tells_the_ends(stage, server, lesson, untold, ended):
    number, _ = lesson()
    knows(stage, untold)
    stage.polls(2)
    server.world.restart_web()
    stage.polls(2)
    assert bool(stage.occurrence(number).finished_at) is ended
    assert stage.provision() == ([] if ended else ["opened"])


def test_a_room_gone_with_a_word_was_ended(stage, server, lesson):
    number, room = lesson()
    knows(stage, 0)
    stage.polls(2)
    server.world.end_from_inside(room)
    tell(stage, room)
    stage.polls(2)
    assert stage.occurrence(number).finished_at
    assert stage.provision() == []


def test_teachers_who_end_their_classes_at_once_are_no_restart(stage, server, lesson):
    numbers, rooms = zip(*[lesson(code) for code in "ab"], strict=True)
    stage.polls(2)
    for room in rooms:
        server.world.end_from_inside(room)
    tell(stage, *rooms)
    stage.polls(2)
    assert all(stage.occurrence(number).finished_at for number in numbers)


def test_an_end_told_after_a_hole_in_our_polls_is_an_end(stage, server, lesson):
    number, room = lesson()
    stage.polls(2)
    server.world.faults.add(Fault("drop"))
    stage.polls(2)
    server.world.faults.clear()
    server.world.end_from_inside(room)
    tell(stage, room)
    stage.polls(2)
    assert stage.occurrence(number).finished_at


def test_a_word_about_a_room_that_was_seen_afterwards_is_none(stage, server, lesson):
    number, room = lesson()
    knows(stage, 0)
    tell(stage, room)
    stage.clock.advance(seconds=10)
    stage.polls(2)
    server.world.restart_web()
    stage.polls(2)
    assert stage.occurrence(number).finished_at is None


def test_a_course_whose_ends_are_told_elsewhere_is_judged_without_a_word(stage, server, lesson):
    number, _ = lesson(options={"meta_endcallbackurl": "https://elsewhere.example/"})
    knows(stage, 0)
    stage.polls(2)
    server.world.restart_web()
    stage.polls(2)
    assert stage.occurrence(number).finished_at


@pytest.mark.parametrize(
    ("before", "told", "after"), [(None, False, None), (None, True, 0), (0, False, 1), (2, False, 3), (5, True, 0)]
)
def test_each_meeting_that_we_end_shows_whether_the_server_tells_us(stage, server, lesson, before, told, after):
    _, room = lesson()
    knows(stage, before)
    stage.polls(2)
    stage.clock.advance(minutes=70)
    stage.end()
    stage.clock.advance(seconds=30)
    if told:
        tell(stage, room)
    stage.polls(2)
    assert stage.meetings()[0].close_reason == "ended"
    assert stage.rows(Server)[0].untold_ends == after
