"""doctor: each trouble is named, with what to do about it."""

from datetime import timedelta

import pytest

from worker import clock as clocks
from worker.operations.installation import doctor
from worker.store.tables import Occurrence


@pytest.fixture
def found(context):
    """What doctor finds, by check; the present is the real one, for databases have a clock of their own."""

    def _(surroundings=context, now=None):
        return {each.check: each for each in doctor.examine(surroundings, now or clocks.now())}

    return _


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("MEETINGZ_POLL_PERIOD", "did you mean MEETINGZ_POLL_PERIOD_SECONDS?"),
        ("MEETINGZ_DATABSE_URL", "did you mean MEETINGZ_DATABASE_URL?"),
        ("MEETINGZ_WEATHER", "see docs/settings.md"),
    ],
)
def test_a_variable_that_is_no_setting_is_named_with_the_nearest(found, monkeypatch, name, remedy):
    monkeypatch.setenv(name, "1")
    finding = found()[f"variable {name}"]
    assert (finding.ok, finding.remedy) == (False, remedy)


@pytest.mark.parametrize("name", ["MEETINGZ_LEAD_SECONDS", "MEETINGZ_SECRET_KEY_FILE", "MEETINGZ_CONFIG", "OTHER_X"])
def test_a_variable_that_is_a_setting_or_not_ours_is_no_finding(found, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert [check for check in found() if check.startswith("variable")] == []


def test_a_clock_that_is_wrong_is_seen_where_the_database_has_one(context, found):
    if context.database.is_sqlite:
        assert "clock" not in found()
        return
    assert found()["clock"].ok
    late = found(now=clocks.now() - timedelta(minutes=2))["clock"]
    assert not late.ok
    assert late.detail.startswith(("119.", "120."))
    assert "NTP" in late.remedy


def test_a_broker_that_answers_is_fine_until_too_many_bells_wait(make_context, found, valkey_url):
    import redis

    context = make_context(broker_url=valkey_url)
    with redis.Redis.from_url(valkey_url) as client:
        client.delete("celery")
        assert found(context)["broker"].ok
        client.rpush("celery", *["a bell"] * 101)
        finding = found(context)["broker"]
        client.delete("celery")
    assert (finding.ok, finding.detail) == (False, "101 bells wait")


def test_a_broker_that_is_away_is_named_without_its_password(make_context, found):
    finding = found(make_context(broker_url="redis://:hunter2@127.0.0.1:1/0"))["broker"]
    assert not finding.ok
    assert "hunter2" not in finding.detail
    assert "MEETINGZ_BROKER_URL" in finding.remedy


def test_without_a_broker_there_is_nothing_to_find(found):
    assert "broker" not in found()


def test_sittings_long_over_that_nobody_settled_are_a_finding(context, clock, found, make_course, make_occurrence):
    make_course()
    number = make_occurrence(start_in=0, minutes=60)
    clock.advance(minutes=180)
    assert found(now=clock())["sittings"].detail == "1 are over for more than 60 min and not settled"
    with context.database.write() as session:
        session.get_one(Occurrence, number).settled_at = clock()
    assert "sittings" not in found(now=clock())


def test_sittings_that_are_just_over_are_not(clock, found, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0, minutes=60)
    clock.advance(minutes=90)
    assert "sittings" not in found(now=clock())


def test_a_data_folder_that_cannot_be_made_is_one_line(make_context, found, tmp_path):
    (tmp_path / "taken").write_text("a file")
    context = make_context()
    context.settings.__dict__["data_dir"] = tmp_path / "taken"
    finding = found(context)["data folder"]
    assert not finding.ok
    assert "File exists" in finding.detail
