"""What servers tell us: believed only when it is theirs, once, and only about their own."""

import jwt
import pytest
import requests

from tests.conftest import SECRET
from tests.operations.stage import Stage
from worker.store.tables import ExactStay, Server

KEY = SECRET.encode().ljust(64, b"\0")
OTHER = b"somebody else's".ljust(64, b"\0")


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


@pytest.fixture
def run(stage, site, add_server, make_course, make_occurrence, clock):
    """A class of one hour that was recorded and is over. Answers its meeting."""
    add_server("E")
    make_course(record="always")
    make_occurrence(start_in=10)
    stage.provision()
    world_id = stage.only_meeting().external_id
    clock.advance(minutes=10)
    stage.poll()
    return stage.only_meeting(), world_id


def ready(site, key, record_id, algorithm="HS256"):
    token = jwt.encode({"meeting_id": "x", "record_id": record_id}, key, algorithm)
    return requests.post(f"{site}/callbacks/recording-ready", data={"signed_parameters": token}, timeout=20)


def close(stage, clock):
    stage.run_until(lambda: not stage.live())
    clock.advance(minutes=30)


def test_a_recording_that_is_ready_is_asked_for_at_once(site, run, stage, clock):
    close(stage, clock)
    meeting = stage.meetings()[0]
    assert ready(site, KEY, meeting.internal_id).status_code == 200
    assert stage.meetings()[0].recording_due_at == clock()


def test_the_same_message_again_changes_nothing(site, run, stage, clock):
    close(stage, clock)
    meeting = stage.meetings()[0]
    ready(site, KEY, meeting.internal_id)
    clock.advance(minutes=5)
    with stage.context.database.write() as session:
        session.get_one(type(meeting), meeting.id).recording_due_at = None
    assert ready(site, KEY, meeting.internal_id).status_code == 200
    assert stage.meetings()[0].recording_due_at is None


@pytest.mark.parametrize(
    ("key", "algorithm", "known"), [(OTHER, "HS256", True), (KEY, "HS512", True), (KEY, "HS256", False)]
)
def test_a_message_with_another_key_algorithm_or_meeting_is_not_heard(site, run, stage, key, algorithm, known):
    record_id = run[0].internal_id if known else "0" * 40 + "-1"
    assert ready(site, key, record_id, algorithm).status_code in (403, 404)
    assert stage.meetings()[0].recording_due_at is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 50])
def test_nonsense_is_refused(site, run, token):
    data = {"signed_parameters": token}
    answer = requests.post(f"{site}/callbacks/recording-ready", data=data, timeout=20)
    assert answer.status_code in (403, 422)


def test_a_token_without_signature_is_refused(site, run):
    token = jwt.encode({"record_id": run[0].internal_id}, None, "none")
    data = {"signed_parameters": token}
    assert requests.post(f"{site}/callbacks/recording-ready", data=data, timeout=20).status_code == 403


def test_the_end_of_a_meeting_lets_its_server_be_polled_at_once(site, run, stage):
    def polled():
        return stage.rows(Server)[0].polled_at

    with stage.context.database.write() as session:
        session.get_one(Server, 1).polled_at = stage.clock()
    url = f"{site}/callbacks/meeting-ended"
    assert requests.get(url, params={"meetingID": "unknown"}, timeout=20).json() == {"ok": True}
    assert polled() == stage.clock()
    assert requests.get(url, params={"meetingID": run[1]}, timeout=20).json() == {"ok": True}
    assert polled() is None
    assert stage.live()


def report(stage, meeting):
    """What a server says of one person who was there all the time."""
    start = stage.clock()
    stamp = start.strftime("%Y-%m-%dT%H:%M:%S.000+00:00")
    return {
        "version": "1.0",
        "meeting_id": meeting.external_id,
        "internal_meeting_id": meeting.internal_id,
        "data": {"metadata": {}, "duration": 0, "start": stamp, "finish": stamp, "attendees": []},
    }


def told(site, payload, key=KEY, algorithm="HS512", expires=4102444800):
    token = jwt.encode({"exp": expires}, key, algorithm)
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{site}/callbacks/analytics", json=payload, headers=headers, timeout=20)


def test_a_servers_own_report_is_taken_once(site, run, stage):
    payload = report(stage, run[0])
    assert told(site, payload).json()["outcome"] == "accepted"
    assert told(site, payload).json()["outcome"] == "known"
    assert stage.story().count("exact") == 1


@pytest.mark.parametrize(
    "how",
    [{"key": OTHER}, {"algorithm": "HS256"}, {"expires": 1}],
    ids=["key", "algorithm", "too old"],
)
def test_a_report_that_is_not_signed_as_it_should_be_is_not_taken(site, run, stage, how):
    assert told(site, report(stage, run[0]), **how).status_code == 403
    assert stage.rows(ExactStay) == []
    assert "exact" not in stage.story()
