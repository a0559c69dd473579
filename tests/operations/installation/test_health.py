"""A server's health has inertia both ways."""

import pytest

from worker.operations.installation import servers
from worker.simulator import Fault


@pytest.fixture
def server(add_server):
    return add_server()


def health(stage, server, polls):
    found = []
    for _ in range(polls):
        stage.poll()
        found.append(stage.server(server).healthy)
    return found


def test_it_takes_several_failures_to_condemn_and_several_answers_to_acquit(stage, server):
    server.world.faults.add(Fault("drop"))
    assert health(stage, server, 4) == [True, True, False, False]
    server.world.faults.clear()
    assert health(stage, server, 4) == [False, False, True, True]
    assert [kind for kind in stage.story() if kind.startswith("server_")] == [
        "server_added",
        "server_down",
        "server_up",
    ]


def test_a_blip_condemns_nobody(stage, server):
    for _ in range(3):
        server.world.faults.add(Fault("html_502", count=2))
        assert health(stage, server, 3) == [True, True, True]
    assert "server_down" not in stage.story()


def test_one_answer_between_failures_acquits_nobody(stage, server):
    server.world.faults.add(Fault("drop", count=3))
    health(stage, server, 4)
    server.world.faults.add(Fault("drop", count=1))
    assert health(stage, server, 3) == [False, False, False]
    assert stage.server(server).successes == 2


def test_the_last_error_is_kept_without_secrets_and_forgotten_when_all_is_well(stage, server):
    server.world.faults.add(Fault("checksum_error", count=1))
    stage.poll()
    assert "checksum" in stage.server(server).last_error.lower()
    assert server.world.secret not in stage.server(server).last_error
    stage.poll()
    assert stage.server(server).last_error is None


def test_enabling_acquits_at_once(stage, server):
    server.world.faults.add(Fault("drop"))
    health(stage, server, 3)
    servers.enable(stage.context, server.name, stage.clock())
    assert stage.server(server).healthy is True
