"""Settings: where they come from, what is refused, and in which words."""

import re

import pytest
from pydantic import ValidationError

from worker import settings as module
from worker.errors import SettingsError
from worker.settings import Settings


@pytest.fixture(autouse=True)
def alone(bare_environment, monkeypatch, tmp_path):
    """No variable, no file, and nothing remembered."""
    monkeypatch.chdir(tmp_path)
    module.load.cache_clear()
    yield
    module.load.cache_clear()


@pytest.fixture
def variable(monkeypatch):
    def _(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return _


@pytest.fixture
def file(tmp_path):
    def _(text):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / "meetingz.toml").write_text(text, encoding="utf-8")

    return _


def refused(match):
    return pytest.raises(SettingsError, match=match)


def test_without_anything_there_are_the_documented_defaults():
    found = module.load()
    assert (found.lead_seconds, found.grace_seconds, found.poll_period_seconds) == (900, 600, 30)
    assert (found.tolerance_seconds, found.gone_after, found.horizon_days) == (90, 2, 14)
    assert found.timezone == "Asia/Tehran"
    assert found.embedded
    assert found.database.startswith("sqlite:///")
    assert found.database.endswith("/var/meetingz.db")


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(variable, file):
    file("lead_seconds = 60\ngrace_seconds = 30\n")
    variable(MEETINGZ_LEAD_SECONDS="0.5")
    found = module.load()
    assert (found.lead_seconds, found.grace_seconds) == (0.5, 30)


def test_a_file_elsewhere(variable, tmp_path):
    (tmp_path / "other.toml").write_text('language = "fa"\n')
    variable(MEETINGZ_CONFIG=str(tmp_path / "other.toml"))
    assert module.load().language == "fa"


def test_a_named_file_that_is_not_there_is_refused(variable):
    variable(MEETINGZ_CONFIG="/nowhere.toml")
    with refused("MEETINGZ_CONFIG: there is no file /nowhere.toml"):
        module.load()


@pytest.mark.parametrize(
    ("names", "field", "value"),
    [
        (["DATABASE_URL"], "database_url", "postgresql://x/y"),
        (["REDIS_URL"], "broker_url", "redis://x/1"),
        (["LOG_LEVEL"], "log_level", "DEBUG"),
    ],
)
def test_names_that_operators_bring(variable, names, field, value):
    variable(**dict.fromkeys(names, value))
    found = getattr(module.load(), field)
    assert (found if isinstance(found, str) else found.get_secret_value()) == value


@pytest.mark.parametrize(
    ("url", "secret"), [("BIGBLUEBUTTON_ENDPOINT", "BIGBLUEBUTTON_SECRET"), ("BBB_SERVER_BASE_URL", "BBB_SECRET")]
)
def test_server_names_that_operators_bring(variable, url, secret):
    variable(**{url: "https://x/", secret: "hush"})
    found = module.load()
    assert (found.server_url, found.server_secret.get_secret_value()) == ("https://x/", "hush")


def test_ours_goes_before_theirs(variable):
    variable(MEETINGZ_DATABASE_URL="sqlite:///ours.db", DATABASE_URL="sqlite:///theirs.db")
    assert module.load().database == "sqlite:///ours.db"


@pytest.mark.parametrize("name", ["SERVER_URL", "SERVER_SECRET", "BROKER_URL", "SECRET_KEY", "TIMEZONE", "ORIGIN"])
def test_names_that_other_programs_use_are_not_ours(variable, name):
    variable(**{name: "https://somebody.else.example/"})
    assert module.load() == Settings()
    assert "somebody.else" not in str([value for _, value in module.load()])
    assert module.load().server_url is None
    assert module.load().embedded


def test_a_secret_from_a_file(variable, tmp_path):
    (tmp_path / "key").write_text("a key from a file\n")
    variable(MEETINGZ_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert module.load().secret_key.get_secret_value() == "a key from a file"


def test_a_theirs_named_secret_from_a_file(variable, tmp_path):
    (tmp_path / "secret").write_text("hush\n")
    variable(BIGBLUEBUTTON_ENDPOINT="https://x/", BIGBLUEBUTTON_SECRET_FILE=str(tmp_path / "secret"))
    assert module.load().server_secret.get_secret_value() == "hush"


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ({"MEETINGZ_DATABASE_URL": "sqlite:///variable.db"}, "sqlite:///variable.db"),
        ({"DATABASE_URL": "sqlite:///theirs.db"}, "sqlite:///secret.db"),
        ({}, "sqlite:///secret.db"),
    ],
)
def test_a_secret_file_goes_after_our_variable_and_before_theirs_and_the_settings_file(
    variable, file, tmp_path, variables, value
):
    file('database_url = "sqlite:///settings-file.db"\n')
    (tmp_path / "url").write_text("sqlite:///secret.db\n")
    variable(MEETINGZ_DATABASE_URL_FILE=str(tmp_path / "url"), **variables)
    assert module.load().database == value


def test_a_theirs_named_secret_file_goes_after_their_variable_and_before_the_settings_file(variable, file, tmp_path):
    file('broker_url = "redis://settings-file/1"\n')
    (tmp_path / "url").write_text("redis://secret/1\n")
    variable(REDIS_URL_FILE=str(tmp_path / "url"))
    assert module.load().broker_url.get_secret_value() == "redis://secret/1"
    module.load.cache_clear()
    variable(REDIS_URL="redis://variable/1")
    assert module.load().broker_url.get_secret_value() == "redis://variable/1"


def test_a_secret_file_that_cannot_be_read_is_told(variable):
    variable(MEETINGZ_SECRET_KEY_FILE="/nowhere")
    with refused("MEETINGZ_SECRET_KEY_FILE: cannot read /nowhere: No such file"):
        module.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEAD_SECONDS", "soon"),
        ("LEAD_SECONDS", "-1"),
        ("LEAD_SECONDS", "nan"),
        ("POLL_PERIOD_SECONDS", "0"),
        ("LATE_SECONDS", "86401"),
        ("LEFT_EARLY_SECONDS", "1e300"),
        ("SPREAD_SECONDS", "inf"),
        ("WARN_SECONDS", "inf"),
        ("GRACE_SECONDS", "nan"),
        ("GONE_AFTER", "0"),
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../etc/passwd"),
        ("LANGUAGE", "de"),
        ("ORIGIN", "a b"),
        ("ORIGIN", ""),
        ("SERVER_CHECKSUM", "md5"),
        ("PUBLIC_URL", "https://example.org/classes"),
        ("PUBLIC_URL", "https://example.org//"),
        ("PUBLIC_URL", "classes.example.org"),
        ("BOTS", "("),
    ],
)
def test_what_cannot_be_is_refused_on_one_line_by_name(variable, name, value):
    variable(**{f"MEETINGZ_{name}": value})
    with refused(f"^MEETINGZ_{name}: [^\n]+$"):
        module.load()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"LOG_LEVEL": "INFO", "MEETINGZ_LOG_LEVEL": "loud"}, "MEETINGZ_LOG_LEVEL"),
        ({"MEETINGZ_CREATE": "not json secret=hush"}, "MEETINGZ_CREATE"),
        ({"MEETINGZ_CREATE": "[1]"}, "MEETINGZ_CREATE"),
    ],
)
def test_the_variable_that_is_blamed_is_the_one_that_was_read(variable, file, variables, named):
    file('log_level = "DEBUG"\n')
    variable(**variables)
    with refused(f"^{named}: [^\n]+$") as error:
        module.load()
    assert "hush" not in str(error.value)


def test_a_secret_in_a_file_that_cannot_be_is_blamed_on_the_variable_that_names_the_file(variable, tmp_path):
    (tmp_path / "token").write_text("short\n")
    variable(MEETINGZ_METRICS_TOKEN_FILE=str(tmp_path / "token"))
    with refused("^MEETINGZ_METRICS_TOKEN_FILE: "):
        module.load()


def test_the_level_of_the_log_may_be_written_small(variable):
    variable(LOG_LEVEL="info")
    assert module.load().log_level == "INFO"


def test_parameters_of_create_from_a_variable_are_json(variable):
    variable(MEETINGZ_CREATE='{"muteOnStart": true, "welcome": "سلام"}')
    assert module.load().create == {"muteOnStart": True, "welcome": "سلام"}


def test_contradictions_are_refused(variable):
    variable(MEETINGZ_TOLERANCE_SECONDS="10")
    with refused("tolerance_seconds must not be less than poll_period_seconds"):
        module.load()


def test_half_a_server_is_refused(variable):
    variable(MEETINGZ_SERVER_URL="https://x/")
    with refused("go together"):
        module.load()


def test_a_setting_that_does_not_exist_is_refused(file):
    file("leed_seconds = 1\n")
    with refused("there is no setting 'leed_seconds'"):
        module.load()


def test_a_broken_file_is_told_with_its_name(file):
    file("lead_seconds = \n")
    with refused("meetingz.toml"):
        module.load()


def test_no_refusal_shows_a_secret(variable):
    variable(MEETINGZ_SERVER_SECRET="hush-hush", MEETINGZ_LEAD_SECONDS="x", MEETINGZ_SECRET_KEY="hush-key")
    with pytest.raises(SettingsError) as error:
        module.load()
    assert "hush" not in str(error.value)
    assert error.value.__cause__ is None


def test_no_representation_shows_a_secret(variable):
    variable(
        MEETINGZ_SERVER_SECRET="hush-hush", MEETINGZ_SERVER_URL="https://x/", MEETINGZ_SECRET_KEY="hush-key-1234567"
    )
    variable(MEETINGZ_DATABASE_URL="postgresql://u:hush-db@x/y", MEETINGZ_BROKER_URL="redis://:hush-redis@x/1")
    assert "hush" not in repr(module.load()) + str(module.load())


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_bare_names_of_postgresql_mean_the_installed_driver(url):
    assert Settings(database_url=url).database == "postgresql+psycopg://u:p@h/d"


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Settings().lead_seconds = 1


def test_every_setting_has_a_plain_name():
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in Settings.model_fields)
