"""rekeying: after it the old key is needed no more, or nothing has changed."""

import pytest
from sqlalchemy import update

from worker.errors import SettingsError
from worker.operations.installation import rekeying
from worker.store.tables import Meeting, Server
from worker.store.vault import Vault

OLD = "a key for tests only"
NEW = "a new key for tests and longer"


@pytest.fixture
def school(stage, add_server, make_course, make_occurrence):
    """Two servers, three rooms; all locked with the old key."""
    servers = [add_server(), add_server()]
    for code in ("a", "b", "c"):
        make_course(code)
        make_occurrence(code)
    stage.provision()
    return servers


def tokens(stage):
    return [row.secret for row in stage.rows(Server)] + [row.passwords for row in stage.rows(Meeting)]


def opened(stage, vault):
    return [vault.open(token) for token in tokens(stage)]


def test_with_both_keys_all_is_written_with_the_new_one_and_the_old_one_can_go(stage, school, make_context, clock):
    before = opened(stage, Vault(OLD))
    both = make_context(secret_key=f"{NEW},{OLD}")
    assert rekeying.everything(both, clock()) == {"server": 2, "meeting": 3}
    assert opened(stage, Vault(NEW)) == before
    with pytest.raises(SettingsError):
        opened(stage, Vault(OLD))


def test_the_second_time_nothing_is_written(stage, school, make_context, clock):
    both = make_context(secret_key=f"{NEW},{OLD}")
    rekeying.everything(both, clock())
    written = tokens(stage)
    assert rekeying.everything(both, clock()) == {"server": 0, "meeting": 0}
    assert tokens(stage) == written
    assert stage.story().count("rekeyed") == 1


def test_more_rows_than_a_batch_are_all_written(stage, school, make_context, clock, monkeypatch):
    monkeypatch.setattr(rekeying, "_ROWS", 2)
    assert rekeying.everything(make_context(secret_key=f"{NEW},{OLD}"), clock())["meeting"] == 3
    assert opened(stage, Vault(NEW))


@pytest.mark.parametrize("missing", [Server, Meeting])
def test_where_one_secret_cannot_be_read_nothing_is_changed_and_the_row_is_named(
    stage, school, make_context, clock, missing
):
    last = stage.rows(missing)[-1].id
    column = {"secret" if missing is Server else "passwords": Vault("a third key that is unknown").lock("x")}
    with stage.context.database.write() as session:
        session.execute(update(missing).where(missing.id == last).values(**column))
    before = tokens(stage)
    with pytest.raises(SettingsError, match=f"{missing.__name__.lower()} {last}: .*; nothing was changed") as raised:
        rekeying.everything(make_context(secret_key=f"{NEW},{OLD}"), clock())
    assert OLD not in str(raised.value)
    assert tokens(stage) == before


def test_classes_go_on_with_the_new_key_alone(stage, school, make_context, clock):
    rekeying.everything(make_context(secret_key=f"{NEW},{OLD}"), clock())
    stage.context = make_context(secret_key=NEW)
    for meeting in stage.live():
        assert stage.context.vault.open_pair(meeting.passwords)
    stage.clock.advance(minutes=90)
    for _ in range(4):
        stage.tick()
    assert stage.live() == []
