"""Seats: how large a class is thought to be, batches of classes chosen at once, rates, pinned courses."""

import pytest
from sqlalchemy import event, update

from worker.errors import InputError, Unknown
from worker.operations.installation import servers
from worker.operations.meetings import creating, provision, seating
from worker.operations.timetable import course_rules
from worker.simulator import Fault
from worker.store.tables import Course, Server


def size_of(stage, code="alg"):
    with stage.context.database.read() as session:
        course = session.query(Course).filter_by(code=code).one()
        return seating.sizes(session, [course], stage.clock())[course.id]


def roster(count):
    return [(f"u{number}", "Somebody", "viewer") for number in range(count)]


def test_what_the_course_expects_goes_before_its_roster(stage, make_course):
    make_course(expected=40, roster=roster(3))
    assert size_of(stage) == 40


def test_a_roster_goes_before_the_past(stage, make_course):
    make_course(roster=roster(7))
    assert size_of(stage) == 7


def test_who_came_the_last_times_is_the_next_best_guess(stage, add_server, make_course, make_occurrence):
    server = add_server()
    make_course()
    for people in (2, 4):
        occurrence = make_occurrence(start_in=0, minutes=5)
        stage.provision()
        for number in range(people):
            server.world.join(stage.live()[0].external_id, f"u{number}", "Somebody")
        stage.polls(2)
        stage.run_until(lambda occurrence=occurrence: stage.occurrence(occurrence).settled_at)
    assert size_of(stage) == 3


def test_a_course_of_which_nothing_is_known_has_a_default_size(stage, make_course):
    make_course()
    assert size_of(stage) == seating.UNKNOWN_SIZE


def test_whoever_has_not_come_after_a_while_will_not_come(stage, add_server, make_course, make_occurrence):
    server = add_server()
    make_course(expected=30)
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.poll()
    assert load(stage) == {server.server_id: (1, 29)}
    stage.clock.advance(minutes=20)
    assert load(stage) == {server.server_id: (1, 0)}


def load(stage):
    with stage.context.database.read() as session:
        return seating.load(session, stage.clock())


def many(stage, make_course, make_occurrence, count, **columns):
    for number in range(count):
        make_course(f"c{number}", **columns)
    return [make_occurrence(f"c{number}") for number in range(count)]


def test_a_large_class_and_five_small_ones_are_spread_by_people(stage, add_server, make_course, make_occurrence):
    both = [add_server(), add_server()]
    make_course("big", expected=100)
    make_occurrence("big")
    many(stage, make_course, make_occurrence, 5, expected=20)
    stage.provision()
    assert sorted(len(server.world.meetings()) for server in both) == [1, 5]


def test_people_of_others_on_a_server_count(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    with stage.context.database.write() as session:
        session.execute(update(Server).where(Server.id == first.server_id).values(people=200))
    many(stage, make_course, make_occurrence, 3)
    stage.provision()
    assert {meeting.server_id for meeting in stage.live()} == {second.server_id}


def test_a_hundred_classes_are_chosen_in_one_transaction(stage, add_server, make_course, make_occurrence):
    add_server()
    ids = many(stage, make_course, make_occurrence, 40)
    commits = []
    event.listen(stage.context.database.engine, "commit", commits.append)
    assert provision.some(stage.context, ids, stage.clock) == ["opened"] * 40
    assert len(commits) < 20


def test_one_silent_server_delays_no_room_on_another(stage, add_server, make_course, make_occurrence):
    good, bad = add_server(), add_server()
    bad.world.faults.add(Fault("drop"))
    many(stage, make_course, make_occurrence, 12)
    assert sorted(set(stage.provision())) == ["late", "opened"]
    assert {meeting.server_id for meeting in stage.live() if meeting.state == "open"} == {good.server_id}


def test_a_server_gets_no_more_creates_a_period_than_its_rate(
    stage, add_server, make_course, make_occurrence, monkeypatch
):
    server = add_server()
    three_a_period = 3.01 / stage.context.settings.provision_period_seconds
    with stage.context.database.write() as session:
        session.execute(update(Server).values(rate_limit=three_a_period))
    many(stage, make_course, make_occurrence, 7)
    monkeypatch.setattr(creating, "sleep", lambda seconds: None)
    opened = []
    for _ in range(3):
        stage.provision()
        opened.append(len(server.world.meetings()))
        stage.clock.advance(seconds=30)
    assert opened == [3, 6, 7]


def test_creates_on_a_server_with_a_rate_are_paced(stage, add_server, make_course, make_occurrence, monkeypatch):
    add_server()
    with stage.context.database.write() as session:
        session.execute(update(Server).values(rate_limit=2))
    many(stage, make_course, make_occurrence, 4)
    waits = []
    monkeypatch.setattr(creating, "sleep", waits.append)
    monkeypatch.setattr(creating, "monotonic", lambda: 0.0)
    stage.provision()
    assert sorted(waits) == [0.0, 0.5, 1.0, 1.5]


# Rules of a course


def test_a_pinned_course_goes_to_its_server(stage, add_server, make_course, make_occurrence):
    _, second = add_server(), add_server()
    with stage.context.database.write() as session:
        session.execute(update(Server).where(Server.id == second.server_id).values(people=500))
    make_course()
    course_rules.put(stage.context, "alg", stage.clock(), server=second.name)
    make_occurrence()
    stage.provision()
    assert stage.only_meeting().server_id == second.server_id
    course_rules.put(stage.context, "alg", stage.clock(), server="any")
    assert stage.rows(Course)[0].server_id is None


def test_a_pinned_course_is_not_without_a_room_when_its_server_is_down(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    make_course(server_id=second.server_id)
    with stage.context.database.write() as session:
        session.execute(update(Server).where(Server.id == second.server_id).values(healthy=False))
    make_occurrence()
    stage.provision()
    assert stage.only_meeting().server_id == first.server_id


def test_seats_of_a_pinned_class_ahead_are_kept(stage, add_server, make_course, make_occurrence):
    first, second = add_server(), add_server()
    make_course("pinned", server_id=first.server_id, expected=90)
    make_occurrence("pinned", start_in=30)
    make_course("free")
    make_occurrence("free", minutes=90)
    stage.provision()
    assert stage.only_meeting().server_id == second.server_id


def test_wrong_rules_are_refused(stage, make_course):
    make_course()
    with pytest.raises(InputError, match="end, spare, never"):
        course_rules.put(stage.context, "alg", stage.clock(), end_policy="sometimes")
    with pytest.raises(Unknown):
        course_rules.put(stage.context, "alg", stage.clock(), server="nowhere")


def test_a_rate_is_kept_and_taken_away(stage, add_server):
    server = add_server()
    servers.change(stage.context, server.name, servers.Changes(rate=2.5), stage.clock())
    assert stage.server(server).rate_limit == 2.5
    servers.change(stage.context, server.name, servers.Changes(rate=0), stage.clock())
    assert stage.server(server).rate_limit is None
    with pytest.raises(InputError, match="above 0"):
        servers.change(stage.context, server.name, servers.Changes(rate=-1), stage.clock())
