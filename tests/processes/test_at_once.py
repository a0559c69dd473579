"""Processes that do the same thing at the same time, on both databases: it is done once."""

import multiprocessing
from datetime import datetime

import pytest

from tests.operations.stage import Stage
from worker.operations import context as contexts
from worker.operations import pulse
from worker.operations.attendance import poll
from worker.operations.installation import servers
from worker.operations.meetings import provision
from worker.settings import Settings
from worker.store.tables import Server

PROCESSES = 3


def act(what, settings, number, now):
    """One process: its own engine, its own connections."""
    context = contexts.make(Settings(**settings))
    now = datetime.fromisoformat(now)
    acts = {
        "provision": lambda: provision.one(context, number, now),
        "poll": lambda: poll.one(context, number, lambda: now),
        "claim": lambda: pulse.claim(context, "poll", now),
        "from_settings": lambda: servers.from_settings(context, now),
    }
    try:
        return acts[what]()
    finally:
        context.database.dispose()


@pytest.fixture(scope="module")
def pool():
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as running:
        yield running


@pytest.fixture
def at_once(pool, context, clock, database_url, tmp_path):
    settings = {"database_url": database_url, "data_dir": str(tmp_path), "timezone": "UTC"}
    settings["secret_key"] = context.settings.secret_key.get_secret_value()

    def _(what, number=0, **more):
        settings.update(more)
        return pool.starmap(act, [(what, settings, number, clock().isoformat())] * PROCESSES, chunksize=1)

    return _


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


def test_one_meeting_and_no_doubled_stay(stage, at_once, add_server, make_course, make_occurrence):
    server = add_server()
    make_course()
    occurrence = make_occurrence(start_in=0)
    outcomes = at_once("provision", occurrence)
    assert outcomes.count("opened") == 1
    assert set(outcomes) <= {"opened", "idle"}
    assert len(stage.meetings()) == len(server.world.history()) == 1
    start = stage.clock()
    for number in range(3):
        server.world.join(stage.only_meeting().external_id, f"u{number}", "Somebody")
        assert all(at_once("poll", server.server_id))
        stage.clock.advance(seconds=30)
    stays = stage.stays(occurrence)
    assert [(key, (first - start).seconds, (last - start).seconds) for key, first, last in stays] == [
        ("u0", 0, 60),
        ("u1", 30, 60),
        ("u2", 60, 60),
    ]
    assert stage.story("poisoned") == []


def test_of_many_bells_one_is_followed(at_once):
    assert at_once("claim").count(True) == 1


@pytest.mark.parametrize("_time", range(5))
def test_workers_that_start_at_once_enter_the_server_of_the_settings_once(stage, at_once, _time):
    given = {"server_url": "https://bbb.example.org/bigbluebutton/", "server_secret": "a secret"}
    assert at_once("from_settings", **given) == [None] * PROCESSES
    (row,) = stage.rows(Server)
    assert (row.name, stage.context.vault.open(row.secret)) == ("default", "a secret")
    assert stage.story() == ["server_added"]
