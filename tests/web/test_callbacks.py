"""What servers tell us: believed only when it is theirs, once, and only about their own."""

from datetime import UTC, datetime

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
    for nobody in ({"meetingID": "unknown", "server": 1}, {"meetingID": run[1], "server": 2}):
        assert requests.get(url, params=nobody, timeout=20).json() == {"ok": True}
    assert polled() == stage.clock()
    assert requests.get(url, params={"meetingID": run[1], "server": 1}, timeout=20).json() == {"ok": True}
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


# The whole way: asked for at create, sent by the server to the address it was given, folded


@pytest.fixture
def asked(stage, site, add_server, make_course, make_occurrence, make_context, monkeypatch):
    """A class opened by an installation that knows its own address; Zahra is in it. Answers its server's world."""
    world = add_server("E").world
    make_course(roster=[("u1", "Zahra", "viewer")])
    make_occurrence(start_in=0)
    monkeypatch.setattr(stage, "context", make_context(public_url=site))
    stage.provision()
    stage.polls(4)
    stage.clock.advance(seconds=7)
    world.join(stage.only_meeting().external_id, "u1", "Zahra")
    stage.clock.advance(seconds=23)
    stage.polls(20)
    stage.clock.advance(seconds=11)
    world.end_from_inside(stage.only_meeting().external_id)
    return world


def sent_by(world):
    """What this server remembers of its last meeting, as it sends it, and where to."""

    def iso(seconds):
        return datetime.fromtimestamp(seconds, UTC).isoformat()

    meeting = world.history()[-1]
    attendees = [
        {
            "ext_user_id": stay.user_id,
            "name": stay.full_name,
            "moderator": False,
            "joins": [iso(stay.joined_at)],
            "leaves": [iso(stay.left_at)],
            "sessions": [{"joins": [{"timestamp": iso(stay.joined_at)}], "lefts": [{"timestamp": iso(stay.left_at)}]}],
        }
        for stay in world.truth()
    ]
    data = {"start": iso(meeting.created_at), "finish": iso(meeting.ended_at), "attendees": attendees}
    payload = {"version": "1.0", "meeting_id": meeting.meeting_id, "internal_meeting_id": meeting.internal_id}
    return meeting.metadata["analytics-callback-url"], {**payload, "data": data}


def test_a_report_sent_to_the_address_in_the_create_replaces_what_polls_saw(asked, stage):
    url, payload = sent_by(asked)
    stage.run_until(lambda: stage.occurrence(1).settled_at is not None)
    (polled,) = stage.kept_stays(1)
    headers = {"Authorization": f"Bearer {jwt.encode({'exp': 4102444800}, KEY, 'HS512')}"}
    for outcome in ("accepted", "known"):
        assert requests.post(url, json=payload, headers=headers, timeout=20).json()["outcome"] == outcome
        (stay,) = stage.kept_stays(1)
        (true,) = asked.truth()
        assert (stay.first_seen.timestamp(), stay.last_seen.timestamp()) == (true.joined_at, true.left_at)
        assert (polled.source, stay.source) == ("poll", "exact")
        assert (polled.first_seen, polled.last_seen) != (stay.first_seen, stay.last_seen)


def test_no_secret_stands_in_what_a_server_is_asked_for(asked, stage):
    labels = str(asked.history()[-1].metadata)
    assert SECRET not in labels
    assert not [word for word in stage.context.vault.open_pair(stage.only_meeting().passwords) if word in labels]
