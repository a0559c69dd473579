"""Secrets at rest."""

import multiprocessing
import stat

import pytest

from worker.errors import SettingsError
from worker.store.vault import Vault, key_in, new_passwords

KEY = "one key that is long enough"
OTHER = "another key that is as long"


def test_what_is_locked_is_opened_and_not_readable_between():
    locked = Vault(KEY).lock("رمز")
    assert "رمز".encode() not in locked
    assert Vault(KEY).open(locked) == "رمز"


def test_the_wrong_key_is_told_without_showing_it():
    locked = Vault(KEY).lock("secret")
    with pytest.raises(SettingsError) as error:
        Vault(OTHER).open(locked)
    assert OTHER not in str(error.value)
    assert error.value.__cause__ is None


def test_keys_rotate_the_first_encrypts_and_all_decrypt():
    old = Vault(KEY).lock("secret")
    both = Vault(f"{OTHER}, {KEY}")
    assert both.open(old) == "secret"
    assert Vault(OTHER).open(both.lock("new")) == "new"


@pytest.mark.parametrize("keys", ["", " , ", "short"])
def test_no_key_and_a_short_one_are_refused_by_the_name_of_the_setting(keys):
    with pytest.raises(SettingsError, match="MEETINGZ_SECRET_KEY"):
        Vault(keys)


def test_pairs_and_fresh_passwords():
    vault = Vault(KEY)
    assert vault.open_pair(vault.lock_pair("a", "m")) == ("a", "m")
    made = [new_passwords() for _ in range(50)]
    assert len({word for pair in made for word in pair}) == 100


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    key = key_in(tmp_path / "new")
    assert key_in(tmp_path / "new") == key
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600


def test_processes_at_once_agree_on_one_key(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        keys = pool.map(key_in, [tmp_path] * 6)
    assert len(set(keys)) == 1


def test_an_empty_key_file_is_told(tmp_path):
    (tmp_path / "secret.key").touch()
    with pytest.raises(SettingsError, match="is empty"):
        key_in(tmp_path)
