"""A process that is stopped in the middle of a poll and woken much later must not tell old times from new answers."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from worker.operations.attendance import poll
from worker.operations.attendance.observe import Recent
from worker.store.tables import Attendee, LoadPoint, Observation


class Sleeper:
    """A client whose process is stopped, for so many seconds, between the decision to ask and the question."""

    def __init__(self, client, clock, seconds, meanwhile):
        self._client, self._clock, self._seconds, self._meanwhile = client, clock, seconds, meanwhile

    def __getattr__(self, name):
        def call(*given, **named):
            self._clock.advance(seconds=self._seconds)
            self._meanwhile()
            return getattr(self._client, name)(*given, **named)

        return call


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def room(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    assert stage.provision() == ["opened"]
    return stage.only_meeting().external_id


@pytest.fixture
def asleep(context, clock):
    def _(seconds, meanwhile):
        return replace(context, connect=lambda server: Sleeper(context.connect(server), clock, seconds, meanwhile))

    return _


def test_an_answer_that_came_long_after_its_question_says_nothing_of_people(stage, server, room, asleep, clock):
    server.world.join(room, "t", "Teacher", role="MODERATOR")
    stage.polls(1)
    woken = asleep(120, lambda: server.world.join(room, "u1", "Zahra"))
    assert poll.one(woken, server.server_id, clock)
    assert [row.user_id for row in stage.rows(Attendee)] == ["t"]
    assert len(stage.rows(Observation)) == 1
    assert stage.only_meeting().people == 2


def test_a_slow_answer_is_still_an_observation(stage, server, room, asleep, clock):
    slow = asleep(60, lambda: server.world.join(room, "u1", "Zahra"))
    assert poll.one(slow, server.server_id, clock)
    assert [row.user_id for row in stage.rows(Attendee)] == ["u1"]


def test_a_meeting_that_is_gone_is_missed_however_late_the_answer(stage, server, room, asleep, clock):
    server.world.join(room, "t", "Teacher", role="MODERATOR")
    stage.polls(1)
    late = asleep(120, lambda: server.world.meetings() and server.world.end_from_inside(room))
    assert poll.one(late, server.server_id, clock)
    assert stage.only_meeting().misses == 1


def test_an_answer_that_came_long_after_its_question_counts_people_when_it_came(stage, server, room, asleep, clock):
    stage.polls(1)
    began = clock()
    poll.one(asleep(120, lambda: server.world.join(room, "u1", "Zahra")), server.server_id, clock)
    counted = [(row.minute >= began + timedelta(minutes=1), row.people) for row in stage.rows(LoadPoint)]
    assert counted == [(False, 0), (True, 1)]


def test_a_room_is_missed_since_the_answer_not_since_a_question_of_long_ago(stage, server, room, asleep, clock):
    """Meanwhile another worker saw people in it."""
    server.world.join(room, "u1", "Zahra")
    stage.polls(2)
    asked = clock()

    def meanwhile():
        clock.now = asked
        stage.polls(90)  # 45 minutes
        server.world.end_from_inside(room)

    woken = asleep(0, once(meanwhile))
    object.__setattr__(woken, "recent", defaultdict(Recent))
    poll.one(woken, server.server_id, clock)
    stage.polls(2)
    meeting = stage.only_meeting()
    assert meeting.state == "closed"
    assert meeting.missed_at >= meeting.last_seen_at > asked


def once(function):
    called = []
    return lambda: called or called.append(function())
