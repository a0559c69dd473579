"""Crowds and their director."""

import itertools
import time

import pytest

from worker.simulator import Act, Director, Person, Script, crowd


def test_a_crowd_is_repeatable_by_seed():
    assert crowd(7, 30, length=100) == crowd(7, 30, length=100) != crowd(8, 30, length=100)


@pytest.mark.parametrize("seed", range(40))
def test_nobody_is_there_or_away_for_less_than_the_shortest_gap(seed):
    for script in crowd(seed, 30, length=60, gap=5):
        for device in {act.device for act in script.acts}:
            acts = [act for act in script.acts if act.device == device]
            assert [act.kind for act in acts] == ["join", "leave"] * (len(acts) // 2)
            assert all(later.at - sooner.at >= 5 - 1e-9 for sooner, later in itertools.pairwise(acts))


def test_a_crowd_has_all_kinds_of_people():
    scripts = crowd(1, 60, length=3600)
    assert len(scripts) == len({script.person.user_id for script in scripts}) == 60
    assert [script.person.role for script in scripts].count("MODERATOR") == 1
    assert any(act.device == "2" for script in scripts for act in script.acts)
    assert any(script.acts[0].at > 0.1 * 3600 for script in scripts)
    assert any(script.acts[-1].at < 0.9 * 3600 for script in scripts)
    assert any(len(script.acts) == 4 and script.acts[3].device == "1" for script in scripts)
    assert any(ord(script.person.full_name[0]) > 0x600 for script in scripts)
    assert any(script.person.full_name.isascii() for script in scripts)


def test_a_crowd_without_a_teacher():
    assert all(script.person.role == "VIEWER" for script in crowd(1, 5, length=60, teacher=False, prefix="x"))


def script(*acts):
    return [Script(Person("u1", "Zahra", "VIEWER"), [Act(*act) for act in acts])]


@pytest.fixture
def director(world):
    return Director(world)


def play(director, clock, seconds):
    for _ in range(seconds):
        director.step()
        clock.forward(1)


def stays(call, start):
    return [(s.joined_at - start, s.left_at and s.left_at - start) for s in call.world.truth()]


def test_acts_are_played_when_their_time_has_come(call, clock, director):
    call.create()
    start = clock.now
    director.cast("m1", script((2, "join"), (5, "leave"), (8, "join")), start)
    play(director, clock, 10)
    assert stays(call, start) == [(2, 5), (8, None)]
    assert director.done


def test_a_join_waits_for_its_meeting(call, clock, director):
    start = clock.now
    director.cast("m1", script((0, "join"), (20, "leave")), start)
    play(director, clock, 5)
    assert stays(call, start) == []
    call.create()
    play(director, clock, 20)
    assert stays(call, start) == [(5, 20)]


def test_who_leaves_before_the_meeting_exists_never_came(call, clock, director):
    director.cast("m1", script((0, "join"), (3, "leave")), clock.now)
    play(director, clock, 5)
    call.create()
    play(director, clock, 5)
    assert call.world.truth() == []
    assert director.done


def test_a_whole_class_is_played_and_told_truly(call, clock, director):
    call.create()
    scripts = crowd(3, 30, length=600)
    director.cast("m1", scripts, clock.now + 15)
    play(director, clock, 630)
    truth = call.world.truth()
    assert len(truth) == sum(act.kind == "join" for script in scripts for act in script.acts)
    assert all(stay.left_at is not None for stay in truth)


def test_a_director_may_run_by_itself(make, clock):
    call = make()
    call.create()
    director = Director(call.world)
    director.cast("m1", script((0, "join")), clock.now)
    director.run_in_thread(every=0.001)
    deadline = time.monotonic() + 5
    while not director.done and time.monotonic() < deadline:
        time.sleep(0.002)
    director.stop()
    assert call.names() == ["u1"]
