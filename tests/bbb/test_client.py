from urllib.parse import parse_qs, parse_qsl

import pytest

from tests.bbb.answers import attendee, failed, meeting, meetings, recordings, success
from tests.bbb.conftest import SECRET, Answer
from worker.bbb import Client, Endpoint, Garbled, NotFound, UnsafeRequest, WrongPassword, parse_sessions, probe


@pytest.fixture
def quiet():
    with Client(Endpoint("https://api.meetingz.ir/key", SECRET)) as client:
        yield client


def test_e66_e69_a_join_address_holds_the_person_and_the_password(quiet):
    url = quiet.join_url(
        "alg-101",
        full_name="زهرا محمدی",
        password="viewer-pw",
        user_id="stu-42",
        role="VIEWER",
        create_time_ms=1700000000123,
        extra={"userdata-bbb_auto_join_audio": "true"},
    )
    assert url.startswith("https://api.meetingz.ir/key/api/join?")
    asked = dict(parse_qsl(url.partition("?")[2]))
    asked.pop("checksum")
    assert asked == {
        "fullName": "زهرا محمدی",
        "meetingID": "alg-101",
        "password": "viewer-pw",
        "userID": "stu-42",
        "role": "VIEWER",
        "createTime": "1700000000123",
        "userdata-bbb_auto_join_audio": "true",
    }


@pytest.mark.parametrize(
    "extra", [{"userdata-1a": "x"}, {"userdata-a-b": "x"}, {"userdata-a b": "x"}, {"password": "x"}]
)
def test_e61_user_data_that_would_break_later_lists_is_refused(quiet, extra):
    with pytest.raises(UnsafeRequest):
        quiet.join_url("alg-101", full_name="Zahra", password="viewer-pw", extra=extra)


@pytest.mark.parametrize("blank", ["full_name", "password", "meeting_id"])
def test_a_join_address_needs_name_meeting_and_password(quiet, blank):
    given = {"meeting_id": "alg-101", "full_name": "Zahra", "password": "viewer-pw"} | {blank: ""}
    with pytest.raises(UnsafeRequest):
        quiet.join_url(given.pop("meeting_id"), **given)


def test_e59_a_name_pasted_with_control_characters_is_sent_without_them(quiet):
    url = quiet.join_url("alg-101", full_name="Za\x0bhra\ud800", password="viewer-pw")
    assert parse_qs(url.partition("?")[2])["fullName"] == ["Zahra"]


def test_e38_e39_e40_ending(wire, client):
    wire.says(success("<messageKey>sentEndMeetingRequest</messageKey>"))
    assert client.end("alg-101", "moderator-pw") is None
    assert parse_qs(wire.seen[0].query)["password"] == ["moderator-pw"]
    for key, error in (("notFound", NotFound), ("invalidPassword", WrongPassword)):
        wire.says(failed(key))
        with pytest.raises(error):
            client.end("alg-101", "moderator-pw")


def test_a_chat_message(wire, client):
    wire.says(success(""))
    client.send_chat_message("alg-101", "پنج دقیقه مانده", "Worker")
    asked = parse_qs(wire.seen[0].query)
    assert (wire.seen[0].call, asked["message"], asked["userName"]) == (
        "sendChatMessage",
        ["پنج دقیقه مانده"],
        ["Worker"],
    )


ROW = (
    '{"id":981,"name":"جبر ۷","started_at":"2023-11-14 12:30:05","ended_at":"2023-11-14 14:01:40","realDuration":5495,'
    '"realDurationStr":"1:31","userCount":"23","comment":null,"record_url":"https://a","record0_url":"https://b"}'
)


@pytest.mark.parametrize("text", [f"[{ROW}]", f"<![CDATA[[{ROW}]]]>", f"\n [{ROW}]\n", f"[{ROW},1,null]"])
def test_e92_e93_past_sessions(text):
    (found,) = parse_sessions(success(f"<sessions>{text}</sessions>"))
    assert (found.session_id, found.name, found.user_count, found.duration) == ("981", "جبر ۷", 23, 5495)
    assert found.started_at.isoformat() == "2023-11-14T12:30:05+00:00"
    assert (found.recording_url, found.plain_recording_url, found.comment) == ("https://a", "https://b", "")


@pytest.mark.parametrize(
    "inside", ["", "<sessions/>", "<sessions>[]</sessions>", "<sessions/><messageKey>noSessions</messageKey>"]
)
def test_e92_no_past_sessions(inside):
    assert parse_sessions(success(inside)) == []


@pytest.mark.parametrize("text", ["[", "{}", "null", "no"])
def test_e92_past_sessions_that_cannot_be_read_are_garbled(text):
    with pytest.raises(Garbled):
        parse_sessions(success(f"<sessions>{text}</sessions>"))


def test_e92_rows_of_one_minute_are_one_sitting_and_others_are_not():
    longer = ROW.replace("12:30:05", "12:30:55").replace("5495", "6000")
    later, other = ROW.replace("12:30:05", "13:00:00"), ROW.replace("جبر", "هندسه")
    found = parse_sessions(success(f"<sessions>[{ROW},{longer},{later},{other}]</sessions>"))
    assert [session.duration for session in found] == [5495, 6000, 5495]


def test_e92_the_old_form_of_past_sessions():
    inside = "<sessions><meeting><meetingID>in-1</meetingID><meetingName>A</meetingName></meeting></sessions>"
    assert parse_sessions(success(inside))[0].session_id == "in-1"


def test_past_sessions_of_some_meetings(wire, client):
    wire.says(success(f"<sessions>[{ROW}]</sessions>"))
    assert len(client.sessions(["a", "b"])) == 1
    assert parse_qs(wire.seen[0].query)["meetingID"] == ["a,b"]


def full_server(seen):
    if seen.call == "":
        return Answer(success("<version>2.0</version><bbbVersion>2.7.3</bbbVersion>"))
    if len(seen.query.rpartition("checksum=")[2]) not in (40, 64):
        return Answer(failed("checksumError"))
    answers = {
        "getMeetings": meetings(meeting(f"<attendees>{attendee()}</attendees>")),
        "getRecordings": recordings(total=0),
        "getRecordingTextTracks": b'{"response":{"returncode":"FAILED","messageKey":"noRecordings","message":"x"}}',
        "getSessions": success("<sessions/><messageKey>noSessions</messageKey>"),
    }
    return Answer(answers[seen.call])


def test_e4_e90_a_server_that_can_do_everything(wire, client):
    wire.behave = full_server
    found = probe(client)
    assert (found.reachable, found.version, found.build) == (True, "2.0", "2.7.3")
    assert found.checksums == ("sha1", "sha256")
    assert (found.bulk_meetings, found.bulk_attendees) == (True, True)
    assert (found.recordings, found.captions, found.sessions, found.pages) == (True, True, True, True)
    assert "version: 2.7.3" in found.words()


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(b"<html>404</html>", 404),
        Answer(failed("unsupportedRequest")),
        Answer(failed("checksumError")),
        Answer(b"<html></html>"),
    ],
)
def test_e90_a_lacking_call_is_a_feature_that_is_off(wire, client, refusal):
    wire.behave = lambda seen: Answer(meetings()) if seen.call == "getMeetings" else refusal
    found = probe(client)
    assert found.reachable
    assert len(found.checksums) == 4
    assert (found.bulk_attendees, found.recordings, found.captions, found.sessions) == (None, False, False, False)


def test_e90_a_wrong_secret_is_said_in_words(wire, client):
    wire.says(failed("checksumError", "wrong"))
    found = probe(client)
    assert (found.reachable, found.checksums, found.recordings) == (True, (), None)
    assert found.problem == "it refuses the checksum (checksumError): the secret is wrong, or it is another server's"


def test_e90_a_silent_server_is_not_reachable(wire, client):
    wire.says(b"", status=503)
    assert probe(client).words()[-1] == "problem: HTTP 503"
