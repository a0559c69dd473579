"""provision: exactly one room for a class that is about to begin, whatever goes wrong on the way."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.operations.meetings import provision, requesting
from worker.operations.timetable import arrange
from worker.simulator import Fault
from worker.store.tables import Meeting, Server

#: before and after T1, the call, T2
BOUNDARIES = range(6)


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(make_course, make_occurrence, server):
    make_course()
    return make_occurrence()


def external_ids(*servers):
    return [meeting.meeting_id for server in servers for meeting in server.world.meetings()]


def test_a_room_is_opened_within_the_lead(stage, server, occurrence):
    assert stage.provision() == ["opened"]
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.opened_at) == ("open", stage.clock())
    assert meeting.internal_id == server.world.meetings()[0].internal_id
    assert stage.story()[-2:] == ["requested", "opened"]


def test_nothing_is_opened_before_the_lead(stage, make_course, make_occurrence, server):
    make_course()
    make_occurrence(start_in=16)
    assert stage.provision() == []
    stage.clock.advance(minutes=1, seconds=stage.context.settings.spread_seconds)
    assert stage.provision() == ["opened"]


def test_nothing_is_opened_after_the_end(stage, occurrence):
    stage.clock.advance(minutes=70)
    assert stage.provision() == []
    assert stage.meetings() == []


def test_twice_is_once(stage, server, occurrence):
    stage.provision()
    assert stage.provision() == []
    assert provision.one(stage.context, occurrence, stage.clock()) == "idle"
    assert len(external_ids(server)) == len(stage.meetings()) == 1


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_crash_at_any_point_leaves_one_meeting(stage, server, occurrence, boundary):
    with pytest.raises(Crash):
        provision.one(crashing(stage.context, at=boundary), occurrence, stage.clock())
    stage.clock.advance(seconds=30)
    stage.provision()
    meeting = stage.only_meeting()
    assert meeting.state == "open"
    assert [each.internal_id for each in server.world.history()] == [meeting.internal_id]
    assert stage.story().count("opened") == 1


def test_e14_an_answer_lost_after_create_opens_no_second_meeting(stage, server, occurrence):
    server.world.faults.add(Fault("drop_after", call="create", count=1))
    assert stage.provision() == ["late"]
    created = server.world.meetings()[0]
    assert stage.only_meeting().state == "requested"
    stage.clock.advance(seconds=30)
    assert stage.provision() == ["opened"]
    assert stage.only_meeting().internal_id == created.internal_id
    assert len(server.world.history()) == 1


@pytest.mark.parametrize("kind", ["drop", "http_500", "html_502", "html_200", "empty", "truncate", "garbage"])
def test_e13_no_clear_answer_is_asked_again_and_said_once(stage, server, occurrence, kind):
    server.world.faults.add(Fault(kind, call="create", count=3, at=100))
    outcomes = [stage.provision()[0] for _ in range(4)]
    assert outcomes == ["late", "late", "late", "opened"]
    assert len(stage.story("create_failed")) == 1
    assert len(stage.meetings()) == len(server.world.history()) == 1


def test_e31_threads_at_once_open_one_meeting(stage, server, occurrence):
    together = threading.Barrier(6)

    def open_it(_):
        together.wait()
        return provision.one(stage.context, occurrence, stage.clock())

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(open_it, range(6)))
    assert outcomes.count("opened") == 1
    assert set(outcomes) <= {"opened", "idle"}
    assert len(stage.meetings()) == len(server.world.history()) == 1


def test_a_room_nobody_entered_is_kept_alive_until_somebody_comes(stage, server, occurrence):
    stage.run_until(lambda: stage.clock() >= stage.occurrence(occurrence).starts_at)
    runs = len(server.world.history())
    assert runs >= 2
    assert len(stage.live()) == 1
    assert len(stage.meetings()) == runs
    assert {meeting.close_reason for meeting in stage.meetings()} == {"expired", None}
    assert len({meeting.external_id for meeting in stage.meetings()}) == 1


def test_e35_a_class_whose_room_died_is_one_class_in_several_runs(stage, server, occurrence):
    stage.provision()
    stage.run_until(lambda: len(stage.meetings()) == 2 and stage.live())
    server.world.join(stage.live()[0].external_id, "u1", "Zahra")
    stage.polls(3)
    assert [key for key, _, _ in stage.stays(occurrence)] == ["u1"]


def test_e30_a_run_after_another_has_its_own_row_and_its_own_internal_id(stage, server, occurrence):
    stage.provision()
    stage.run_until(lambda: len(stage.meetings()) == 2)
    assert len({meeting.internal_id for meeting in stage.meetings()}) == 2


def test_a_run_believed_gone_is_taken_up_again(stage, server, occurrence):
    stage.provision()
    external_id = stage.only_meeting().external_id
    server.world.join(external_id, "u1", "Zahra")
    stage.polls(2)
    hide(server.world, stage, polls=2)
    assert stage.only_meeting().state == "closed"
    assert stage.provision() == ["reopened"]
    meeting = stage.only_meeting()
    assert (meeting.state, meeting.closed_at, meeting.misses, meeting.missed_at) == ("open", None, 0, None)
    stage.polls(2)
    assert len(server.world.history()) == 1
    assert {key for key, _, _ in stage.stays(occurrence)} == {"u1"}


def hide(world, stage, *, polls):
    """The server denies its meeting for so many polls, as a load balancer with a stale map does."""
    live, world._ledger.live = world._ledger.live, {}
    stage.polls(polls)
    world._ledger.live = live


def test_e19_a_foreign_meeting_of_our_id_is_never_adopted(stage, server, occurrence):
    context = stage.context
    with pytest.raises(Crash):
        provision.one(crashing(context, at=1), occurrence, stage.clock())
    client = context.connect(stage.server(server))
    _create(client, stage.only_meeting().external_id, meta={"mtz-origin": "somebody-else", "mtz-occurrence": "1"})
    assert stage.provision() == ["late"]
    assert stage.only_meeting().state == "requested"
    assert "not ours" in stage.story("create_failed")[0].detail


def test_e19_our_own_meeting_with_other_passwords_is_adopted_by_its_labels(stage, server, occurrence):
    context = stage.context
    with pytest.raises(Crash):
        provision.one(crashing(context, at=1), occurrence, stage.clock())
    meta = {"mtz-origin": context.settings.origin, "mtz-occurrence": str(occurrence)}
    made = _create(context.connect(stage.server(server)), stage.only_meeting().external_id, meta=meta)
    assert stage.provision() == ["opened"]
    meeting = stage.only_meeting()
    assert meeting.internal_id == made.internal_id
    assert context.vault.open_pair(meeting.passwords) == ("other-a", "other-m")


def _create(client, meeting_id, *, meta):
    return client.create(
        bbb.CreateParams(meeting_id=meeting_id, name="X1", attendee_pw="other-a", moderator_pw="other-m", meta=meta)
    )


def test_e18_the_request_is_the_same_however_often_it_is_made(stage, server, occurrence, monkeypatch):
    asked = []
    client = stage.context.connect(stage.server(server))
    real = type(client).create
    monkeypatch.setattr(type(client), "create", lambda self, params: (asked.append(params), real(self, params))[1])
    server.world.faults.add(Fault("drop_after", call="create", count=1))
    stage.provision()
    stage.clock.advance(seconds=45)
    stage.provision()
    assert asked[0] == asked[1]


def test_e34_the_duration_covers_lead_class_and_grace(stage, server, occurrence):
    stage.provision()
    assert server.world.meetings()[0].duration >= 15 + 60 + 10


def test_a_course_that_may_run_on_for_ever_has_no_duration(stage, server, make_course, make_occurrence):
    make_course(end_policy="never")
    make_occurrence()
    stage.provision()
    assert server.world.meetings()[0].duration == 0


def test_a_failing_server_is_given_up_for_another(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    make_course()
    make_occurrence()
    first.world.faults.add(Fault("drop", call="create"))
    assert [stage.provision()[0] for _ in range(3)] == ["late", "late", "opened"]
    (live,) = stage.live()
    assert live.server_id == second.server_id
    assert [meeting.close_reason for meeting in stage.meetings()] == ["abandoned", None]
    assert stage.story().count("abandoned") == 1


def test_a_server_known_to_be_down_is_given_up_at_once(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    make_course()
    make_occurrence()
    first.world.faults.add(Fault("drop"))
    stage.provision()
    for _ in range(stage.context.settings.server_down_after):
        stage.poll()
    assert stage.provision() == ["opened"]
    assert stage.live()[0].server_id == second.server_id


def test_a_request_just_opened_is_not_given_up_by_a_slower_worker(
    stage, add_server, make_course, make_occurrence, monkeypatch
):
    """The slower one read the row while it was requested: what it writes must not close an open room."""
    first, _ = add_server(), add_server()
    make_course()
    occurrence = make_occurrence()
    first.world.faults.add(Fault("drop", call="create", count=2))
    stage.provision()
    stage.provision()
    real = requesting.seating.able

    def meanwhile(session, **how):
        if session.get_bind().dialect.name != "sqlite":  # there the write lock lets nobody in between
            with stage.context.database.write() as other:
                values = {"state": "open", "internal_id": "i-1", "opened_at": stage.clock()}
                other.execute(update(Meeting).where(Meeting.state == "requested").values(**values))
        return real(session, **how)

    monkeypatch.setattr(requesting.seating, "able", meanwhile)
    provision.one(stage.context, occurrence, stage.clock())
    assert len(stage.live()) == 1
    assert [m.state for m in stage.meetings() if m.internal_id == "i-1"] in ([], ["open"])


def test_without_a_usable_server_it_is_said_once(stage, occurrence, server):
    with stage.context.database.write() as session:
        session.execute(update(Server).values(enabled=False))
    assert [stage.provision(), stage.provision()] == [["idle"], ["idle"]]
    assert stage.meetings() == []
    for _ in range(3):
        stage.clock.advance(minutes=4)
        stage.end()
    assert len(stage.story("no_server")) == 1


def test_a_draining_server_gets_no_new_meeting(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    with stage.context.database.write() as session:
        session.execute(update(Server).where(Server.id == first.server_id).values(draining=True))
    make_course()
    make_occurrence()
    stage.provision()
    assert stage.only_meeting().server_id == second.server_id


def test_classes_at_one_hour_are_spread_over_the_servers(stage, add_server, make_course, make_occurrence):
    servers = [add_server(), add_server()]
    for number in range(6):
        make_course(f"c{number}")
        make_occurrence(f"c{number}")
    stage.provision()
    assert [len(server.world.meetings()) for server in servers] == [3, 3]


def test_a_poisoned_course_stops_no_other_and_is_named_once(stage, server, make_course, make_occurrence):
    make_course("bad")
    make_course("good")
    bad, good = make_occurrence("bad"), make_occurrence("good")
    with pytest.raises(Crash):
        provision.one(crashing(stage.context, at=1), bad, stage.clock())
    with stage.context.database.write() as session:
        session.execute(update(Meeting).values(passwords=b"nonsense"))
    assert sorted(stage.provision()) == ["late", "opened"]
    assert stage.provision() == ["late"]
    assert [event.occurrence_id for event in stage.story("poisoned")] == [bad]
    assert [meeting.occurrence_id for meeting in stage.live() if meeting.state == "open"] == [good]


def test_a_cancelled_class_is_not_opened(stage, server, occurrence):
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    assert stage.provision() == []
    assert provision.one(stage.context, occurrence, stage.clock()) == "idle"
    assert server.world.history() == []


def test_a_title_of_one_letter_is_still_a_name(stage, add_server, make_course, make_occurrence):
    add_server("E")
    make_course(title="X")
    make_occurrence()
    assert stage.provision() == ["opened"]


@pytest.mark.parametrize("profile", ["A", "B", "C", "D", "E", "meetingz", "scalelite"])
def test_every_era_is_opened_and_asked_again_without_a_second_meeting(
    stage, add_server, make_course, make_occurrence, profile
):
    server = add_server(profile)
    make_course(title="جبر ۱")
    make_occurrence()
    server.world.faults.add(Fault("drop_after", call="create", count=1))
    assert [stage.provision(), stage.provision()] == [["late"], ["opened"]]
    assert len(server.world.history()) == len(stage.meetings()) == 1


@pytest.mark.parametrize("failing", [False, True])
def test_workers_with_the_same_batch_in_another_order_open_each_room_once(
    stage, server, make_course, make_occurrence, failing
):
    for number in range(12):
        make_course(f"c{number}")
    made = [make_occurrence(f"c{number}") for number in range(12)]
    if failing:
        server.world.faults.add(Fault("drop_after", call="create", count=12))
        stage.provision()
        server.world.faults.clear()
    orders = [made, made[::-1], made[6:] + made[:6]]
    together = threading.Barrier(len(orders))

    def open_them(order):
        together.wait()
        return provision.some(stage.context, order, stage.clock)

    with ThreadPoolExecutor(len(orders)) as pool:
        outcomes = [outcome for each in pool.map(open_them, orders) for outcome in each]
    assert outcomes.count("opened") == 12
    assert set(outcomes) <= {"opened", "idle"}
    assert len(stage.live()) == len(stage.meetings()) == len(server.world.history()) == 12
    assert stage.story("poisoned") == []
