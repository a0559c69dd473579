"""Whatever a server does to a create or an end, and wherever we are killed: one live meeting, and none forgotten."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.operations.installation import watch
from worker.operations.meetings import end, provision, strays
from worker.operations.timetable import arrange
from worker.simulator import KINDS, Fault
from worker.store.tables import Alarm, Meeting, Server

#: What spoils an answer, whether the call took effect or not. `latency` and `slow_body` only take time.
SPOILING = KINDS - {"latency", "slow_body", "restart_web", "no_charset", "declared"}
#: One of each sort: not executed, executed and lost, executed and cut, another's answer, "gone", refused.
SORTS = ("drop", "drop_after", "cut", "html_200", "not_found_blip", "checksum_error")
#: before and after T1, the call, T2
OPENING = range(6)
#: before and after the claim, the second look, the request, the note
ENDING = range(8)


@pytest.fixture
def servers(add_server):
    """Two servers that keep an unused room for an hour, so that a forgotten one is found here, not by their clocks."""
    return add_server("E"), add_server("E")


@pytest.fixture
def occurrence(make_course, make_occurrence, servers):
    make_course(options={"meetingExpireIfNoUserJoinedInMinutes": "60", "meetingExpireWhenLastUserLeftInMinutes": "60"})
    return make_occurrence()


def on_servers(servers):
    return sorted(meeting.internal_id for server in servers for meeting in server.world.meetings())


def in_tables(stage):
    return sorted(meeting.internal_id for meeting in stage.live())


def quarter_of_an_hour(stage):
    for _ in range(15):
        stage.tick(seconds=60)


# What a server does is the same whichever database we have: the whole square is tried on one.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("boundary", OPENING)
@pytest.mark.parametrize("kind", SORTS)
def test_a_fault_during_create_and_a_kill_at_any_step_leave_one_meeting_and_forget_none(
    stage, servers, occurrence, kind, boundary
):
    for server in servers:
        server.world.faults.add(Fault(kind, call="create", count=2, at=100))
    with suppress(Crash):
        provision.one(crashing(stage.context, at=boundary), occurrence, stage.clock())
    quarter_of_an_hour(stage)
    assert len(in_tables(stage)) == 1
    assert on_servers(servers) == in_tables(stage)
    assert stage.rows(Meeting, Meeting.doubted_at.is_not(None)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("boundary", ENDING)
@pytest.mark.parametrize("kind", SORTS)
def test_a_fault_during_end_and_a_kill_at_any_step_leave_nothing_running(stage, servers, occurrence, kind, boundary):
    stage.provision()
    meeting = stage.only_meeting()
    running = next(server for server in servers if server.server_id == meeting.server_id)
    running.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    stage.clock.advance(minutes=80)
    running.world.faults.add(Fault(kind, call="end", count=2))
    with suppress(Crash):
        end.one(crashing(stage.context, at=boundary), meeting.id, stage.clock())
    quarter_of_an_hour(stage)
    assert on_servers(servers) == in_tables(stage) == []
    assert stage.occurrence(occurrence).settled_at is not None


@pytest.mark.parametrize("kind", sorted(SPOILING - set(SORTS)))
def test_every_other_fault_leaves_one_meeting_and_ends_it(stage, servers, occurrence, kind):
    for server in servers:
        for call in ("create", "end"):
            server.world.faults.add(Fault(kind, call=call, count=2, at=100))
    for _ in range(8):
        stage.tick()
    assert on_servers(servers) == in_tables(stage)
    assert len(in_tables(stage)) == 1
    stage.clock.advance(minutes=90)
    quarter_of_an_hour(stage)
    assert on_servers(servers) == in_tables(stage) == []


def give_up_first(stage, servers, kind="drop_after"):
    """The chosen server executes two creates and never answers; the class goes to the other one."""
    for _ in range(2):
        for server in servers:
            server.world.faults.add(Fault(kind, call="create", count=1))
        stage.provision()
        stage.clock.advance(seconds=30)
    for server in servers:
        server.world.faults.clear()
    stage.provision()
    return next(server for server in servers if server.server_id != stage.live()[0].server_id)


def test_e14_a_create_that_a_server_given_up_did_execute_is_found_and_ended(stage, servers, occurrence):
    old = give_up_first(stage, servers)
    assert len(old.world.meetings()) == 1
    stage.end()
    stage.clock.advance(seconds=10)
    assert old.world.meetings() == []
    assert len(stage.live()) == 1


def test_a_server_that_answers_only_later_is_asked_when_it_does(stage, servers, occurrence):
    old = give_up_first(stage, servers)
    old.world.faults.add(Fault("drop"))
    for _ in range(10):
        stage.tick()
    assert len(old.world.meetings()) == 1
    old.world.faults.clear()
    for _ in range(10):
        stage.tick()
    assert old.world.meetings() == []


def test_a_create_that_arrives_later_than_we_asked_is_found_in_the_list(stage, servers, occurrence):
    """The request hung in some queue until long after its server had said that there is no such meeting."""
    old = give_up_first(stage, servers, kind="drop")
    for _ in range(10):
        stage.tick()
    row = stage.meetings()[0]
    assert row.doubted_at is None
    attendee, moderator = stage.context.vault.open_pair(row.passwords)
    live = next(s for s in servers if s is not old).world.meetings()[0]
    meta = {"mtz-origin": stage.context.settings.origin, "mtz-occurrence": str(occurrence)}
    expiry = {"meeting_expire_if_no_user_joined_minutes": 60}
    params = bbb.CreateParams(
        meeting_id=row.external_id, name="Late", attendee_pw=attendee, moderator_pw=moderator, meta=meta, **expiry
    )
    stage.context.connect(stage.server(old)).create(params)
    for _ in range(3):
        stage.tick()
    assert old.world.meetings() == []
    assert stage.story().count("stray") == 1
    assert on_servers(servers) == [live.internal_id]


def test_a_foreign_meeting_under_the_id_of_a_run_we_gave_up_is_left_alone(stage, servers, occurrence):
    old = give_up_first(stage, servers, kind="drop")
    attendee, moderator = stage.context.vault.open_pair(stage.meetings()[0].passwords)
    theirs = bbb.CreateParams(
        meeting_id=stage.meetings()[0].external_id,
        name="Theirs",
        attendee_pw=attendee,
        moderator_pw=moderator,
        meta={"mtz-origin": "somebody-else"},
    )
    stage.context.connect(stage.server(old)).create(theirs)
    for _ in range(6):
        stage.tick()
    assert [meeting.name for meeting in old.world.meetings()] == ["Theirs"]


def test_back_on_the_server_that_was_given_up_it_is_no_stray(stage, servers, occurrence):
    """Given up on both in turn, the class comes back to the first, which has had it all along."""
    give_up_first(stage, servers)
    live = stage.live()[0]
    first = stage.meetings()[0]
    with stage.context.database.write() as session:
        closed = {"state": "closed", "closed_at": stage.clock(), "close_reason": "abandoned"}
        session.execute(update(Meeting).where(Meeting.id == live.id).values(**closed, doubted_at=stage.clock()))
        session.execute(update(Server).where(Server.id == live.server_id).values(healthy=False))
    stage.provision()
    assert stage.live()[0].server_id == first.server_id
    assert strays.one(stage.context, first.id, stage.clock()) is False
    (again,) = stage.rows(Meeting, Meeting.id == first.id)
    assert again.doubted_at is None


def test_a_class_cancelled_while_its_request_was_out_leaves_no_room(stage, servers, occurrence):
    for server in servers:
        server.world.faults.add(Fault("drop_after", call="create", count=1))
    stage.provision()
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    quarter_of_an_hour(stage)
    assert on_servers(servers) == []


# Another server while nobody has come


def down(stage, server):
    with stage.context.database.write() as session:
        session.execute(update(Server).where(Server.id == server.server_id).values(healthy=False))


def server_of(stage, servers):
    return next(server for server in servers if server.server_id == stage.live()[0].server_id)


def test_an_open_room_that_nobody_joined_leaves_a_server_that_is_down(stage, servers, occurrence):
    stage.provision()
    old = server_of(stage, servers)
    old.world.faults.add(Fault("drop"))
    stage.polls(3)
    assert stage.provision() == ["opened"]
    assert server_of(stage, servers) is not old
    assert [meeting.close_reason for meeting in stage.meetings()] == ["abandoned", None]
    old.world.faults.clear()
    quarter_of_an_hour(stage)
    assert on_servers(servers) == in_tables(stage)


def test_a_room_that_people_were_in_is_never_moved(stage, servers, occurrence):
    stage.provision()
    old = server_of(stage, servers)
    external_id = stage.live()[0].external_id
    old.world.join(external_id, "u1", "Zahra")
    stage.polls(1)
    old.world.leave(external_id, "u1")
    stage.clock.advance(seconds=60)
    stage.polls(1)
    assert stage.live()[0].people == 0
    down(stage, old)
    assert stage.provision() == []
    assert server_of(stage, servers) is old


def test_without_another_server_it_stays_where_it_is(stage, servers, occurrence):
    stage.provision()
    for server in servers:
        down(stage, server)
    assert stage.provision() == ["idle"]
    assert stage.only_meeting().state == "open"


def test_a_room_whose_server_forgot_it_is_opened_again_on_the_same_server(stage, servers, occurrence):
    stage.provision()
    old = server_of(stage, servers)
    old.world.end_from_inside(stage.live()[0].external_id)
    stage.polls(2)
    stage.provision()
    assert server_of(stage, servers) is old


def test_a_run_that_is_taken_up_again_was_never_asked_to_end(stage, servers, occurrence):
    """Asked to end as a stray, in vain, it becomes the class's room again: no alarm, and no reason why it closed."""
    stage.provision()
    first, old = stage.live()[0], server_of(stage, servers)
    down(stage, old)
    assert stage.provision() == ["opened"]
    old.world.faults.add(Fault("drop", call="end"))
    for _ in range(4):
        with stage.context.database.write() as session:
            session.execute(update(Server).values(healthy=True))
        stage.clock.advance(seconds=60)
        stage.end()
    assert stage.meetings()[0].end_requests == 4
    old.world.faults.clear()
    down(stage, server_of(stage, servers))
    assert stage.provision() == ["reopened"]
    (live,) = stage.live()
    assert (live.id, live.end_requested_at, live.end_requests, live.end_refused) == (first.id, None, 0, None)


def test_nobody_is_alarmed_for_ever_about_a_run_that_is_looked_for_no_longer(stage, servers, occurrence):
    old = give_up_first(stage, servers)
    old.world.faults.add(Fault("drop", call="end"))
    for _ in range(11):
        stage.clock.advance(seconds=60)
        stage.end()
    stray = f"meeting:{stage.meetings()[0].id}"
    assert stray in standing(stage)
    stage.clock.advance(minutes=24 * 60)
    watch.sweep(stage.context, stage.clock())
    assert stray not in standing(stage)


def standing(stage):
    return [row.cause for row in stage.rows(Alarm, Alarm.recovered_at.is_(None))]


def test_doubled_bells_ask_a_stray_once(stage, servers, occurrence):
    old = give_up_first(stage, servers)
    old.world.faults.add(Fault("drop", call="end"))
    number = stage.meetings()[0].id
    for _ in range(3):
        strays.some(stage.context, [number], stage.clock)
    assert stage.meetings()[0].end_requests == 1


def test_a_run_that_is_doubted_anew_is_looked_for_at_once(stage, servers, occurrence):
    give_up_first(stage, servers)
    number = stage.meetings()[0].id
    earlier = stage.clock() - timedelta(seconds=1)
    with stage.context.database.write() as session:
        asked = update(Meeting).where(Meeting.id == number)
        session.execute(asked.values(end_requested_at=earlier, doubted_at=stage.clock()))
    assert strays.due_meetings(stage.context, stage.clock()) == [number]
    with stage.context.database.write() as session:
        session.execute(asked.values(doubted_at=earlier))
    assert strays.due_meetings(stage.context, stage.clock()) == []


class _Meanwhile:
    """A server's client; something happens while it is asked."""

    def __init__(self, client, happens):
        self._client, self._happens = client, happens

    def __getattr__(self, name):
        self._happens()
        return getattr(self._client, name)


def test_a_doubt_that_is_newer_than_the_question_is_kept(stage, servers, occurrence):
    old = give_up_first(stage, servers, kind="drop")
    number = stage.meetings()[0].id
    stage.clock.advance(minutes=3)
    later = stage.clock() + timedelta(seconds=1)

    def doubted_again():
        with stage.context.database.write() as session:
            session.execute(update(Meeting).where(Meeting.id == number).values(doubted_at=later))

    context = replace(stage.context, connect=lambda server: _Meanwhile(stage.context.connect(server), doubted_again))
    assert old.world.meetings() == []
    strays.one(context, number, stage.clock())
    assert stage.meetings()[0].doubted_at == later


def test_not_there_is_believed_only_after_two_minutes(stage, servers, occurrence):
    give_up_first(stage, servers, kind="drop")
    number = stage.meetings()[0].id
    assert strays.one(stage.context, number, stage.clock()) is False
    assert stage.meetings()[0].doubted_at is not None
    stage.clock.advance(minutes=2)
    assert strays.one(stage.context, number, stage.clock()) is True
    assert stage.meetings()[0].doubted_at is None
