"""Servers: added, checked, drained, enabled, disabled."""

import pytest

from tests.conftest import SECRET
from tests.operations.stage import Stage
from worker import bbb
from worker.errors import Conflict, InputError, SettingsError, Unknown
from worker.operations.installation import servers
from worker.simulator import Fault
from worker.store.tables import Server


def add(stage, name="one", url="https://bbb.example.org/bigbluebutton/", secret="hush", **how):
    return servers.add(stage.context, name, url, secret, stage.clock(), **how)


def test_a_secret_is_stored_encrypted(stage):
    add(stage, secret="a very secret word")
    (row,) = stage.rows(Server)
    assert b"a very secret word" not in row.secret
    assert stage.context.vault.open(row.secret) == "a very secret word"


@pytest.mark.parametrize(
    "again", [{"name": "one"}, {"name": "two"}, {"name": "two", "url": "https://bbb.example.org/bigbluebutton/api"}]
)
def test_a_name_or_an_address_twice_is_refused(stage, again):
    add(stage)
    with pytest.raises(Conflict):
        add(stage, **again)


@pytest.mark.parametrize("wrong", [{"secret": ""}, {"weight": 0}, {"url": "not an address"}, {"checksum": "md5"}])
def test_impossible_servers_are_refused(stage, wrong):
    with pytest.raises(InputError):
        add(stage, **wrong)
    assert stage.rows(Server) == []


def test_drain_enable_disable(stage):
    add(stage)
    for change, state in (
        (servers.drain, (True, True)),
        (servers.disable, (False, False)),
        (servers.enable, (True, False)),
    ):
        change(stage.context, "one", stage.clock())
        (row,) = stage.rows(Server)
        assert (row.enabled, row.draining) == state
    with pytest.raises(Unknown, match="no server 'two'"):
        servers.drain(stage.context, "two", stage.clock())


def test_check_remembers_what_a_server_can_do(stage, add_server):
    running = add_server()
    features = servers.check(stage.context, running.name, stage.clock())
    assert features.words()
    assert stage.server(running).checked_at == stage.clock()
    assert stage.server(running).features


def test_a_checked_server_that_is_away_is_an_error_without_secrets(stage, add_server):
    running = add_server()
    running.world.faults.add(Fault("drop"))
    said = check_or_error(stage, running)
    assert SECRET not in said
    assert "reachable: yes" not in said


def check_or_error(stage, running):
    try:
        return "\n".join(servers.check(stage.context, running.name, stage.clock()).words())
    except bbb.Error as error:
        return str(error)


def test_the_server_of_the_settings_is_added_once_and_its_secret_kept_up_to_date(make_context, clock):
    for secret in ("first", "first", "second"):
        context = make_context(server_url="https://bbb.example.org/bigbluebutton/", server_secret=secret)
        servers.from_settings(context, clock())
        (row,) = Stage(context, clock).rows(Server)
        assert context.vault.open(row.secret) == secret
    servers.from_settings(make_context(), clock())


def test_a_server_of_that_name_with_another_address_is_left_alone(make_context, clock):
    context = make_context(server_url="https://bbb.example.org/bigbluebutton/", server_secret="first")
    servers.add(context, "default", "https://other.example.org/bigbluebutton/", "secret", clock())
    with pytest.raises(Conflict, match=r"MEETINGZ_SERVER_URL: .* `meetingz server set default --url URL`"):
        servers.from_settings(context, clock())
    (row,) = Stage(context, clock).rows(Server)
    assert "other" in row.api_url


def test_a_wrong_address_in_the_settings_names_the_setting(make_context, clock):
    context = make_context(server_url="nonsense", server_secret="x")
    with pytest.raises(SettingsError, match="MEETINGZ_SERVER_URL"):
        servers.from_settings(context, clock())


def test_a_changed_secret_is_used_at_the_next_call(stage, add_server):
    running = add_server()
    stage.poll()
    running.world.secret = "another secret"
    stage.poll()
    assert stage.server(running).last_error
    with stage.context.database.write() as session:
        session.get_one(Server, running.server_id).secret = stage.context.vault.lock("another secret")
    stage.poll()
    assert stage.server(running).last_error is None
