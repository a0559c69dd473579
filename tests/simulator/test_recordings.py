"""Recordings: when they appear, how they are found, changed and fetched."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import requests

from tests.simulator.conftest import Caller, signed
from worker.simulator import PROFILES, Fault


def held(call, clock, meeting_id="m1", minutes=30, **params):
    """A recorded class, over. Answers its record id."""
    record_id = call.create(meeting_id, record="true", autoStartRecording="true", **params)["internalMeetingID"]
    call.world.join(meeting_id, "u1", "Zahra")
    clock.forward(minutes * 60)
    call.world.end_from_inside(meeting_id)
    return record_id


def found(call, **params):
    return [element.findtext("recordID") for element in call("getRecordings", **params).all("recordings/recording")]


def test_e72_no_recordings(call):
    answer = call("getRecordings")
    assert (answer.ok, answer.key) == (True, "noRecordings")


def test_e72_a_server_may_refuse_to_list_everything(make, clock):
    call = make(replace(PROFILES["E"], lists_all_recordings=False))
    record_id = held(call, clock)
    clock.forward(1000)
    answer = call("getRecordings")
    assert (answer.ok, answer.key, answer.root.find("recordings")) == (True, "noRecordings", None)
    assert found(call, recordID=record_id) == [record_id]


def test_e78_formats_appear_one_by_one(call, clock):
    record_id = held(call, clock)
    seen = []
    for _ in range(300):
        answer = call("getRecordings", recordID=record_id, state="any")
        state = answer["recordings/recording/state"]
        formats = [element.text for element in answer.all("recordings/recording/playback/format/type")]
        if [(state, formats)] != seen[-1:]:
            seen.append((state, formats))
        clock.forward(1)
    assert seen == [
        (None, []),
        ("processing", []),
        ("processed", []),
        ("published", ["podcast"]),
        ("published", ["podcast", "presentation"]),
        ("published", ["podcast", "presentation", "video"]),
    ]


def test_old_servers_archive_120_seconds_after_the_end(call, clock):
    held(call, clock)
    clock.forward(119)
    assert found(call, state="any") == []
    clock.forward(2)
    assert len(found(call, state="any")) == 1
    assert found(call) == []


def test_e79_a_recording_in_the_works_has_no_times(call, clock):
    held(call, clock)
    clock.forward(125)
    recording = call("getRecordings", state="processing").root.find("recordings/recording")
    assert recording.findtext("startTime") == recording.findtext("endTime") == "0"
    assert recording.findtext("published") == "false"
    assert recording.find("playback/format") is None


@pytest.mark.parametrize("params", [{}, {"autoStartRecording": "true"}, {"record": "true"}])
def test_e84_nothing_is_recorded_without_flag_and_button(call, clock, params):
    call.create(**params)
    call.world.join("m1", "u1", "Zahra")
    clock.forward(60)
    call.world.end_from_inside("m1")
    clock.forward(10_000)
    assert found(call, state="any") == []


def test_e84_the_record_button(call, clock):
    call.create(record="true")
    call.world.join("m1", "u1", "Zahra")
    clock.forward(600)
    assert call.world.press_record("m1") is True
    clock.forward(150)
    assert call.world.press_record("m1") is False
    clock.forward(600)
    call.world.end_from_inside("m1")
    clock.forward(1000)
    recording = call("getRecordings").root.find("recordings/recording")
    assert recording.findtext("playback/format/length") == "2"
    assert int(recording.findtext("endTime")) - int(recording.findtext("startTime")) == 1_350_000


def test_e80_short_recordings_have_length_0(call, clock):
    held(call, clock, minutes=0.5)
    clock.forward(1000)
    assert call("getRecordings")["recordings/recording/playback/format/length"] == "0"


@pytest.fixture
def three(call, clock):
    """Three recordings: two of m1, one of m2."""
    ids = []
    for meeting_id, course in (("m1", "algebra"), ("m1", "Algebra II"), ("m2", "physics")):
        ids.append(held(call, clock, meeting_id, meta_course=course))
        clock.forward(60)
    clock.forward(1000)
    return ids


def test_e71_by_meeting_id_all_its_instances(call, three):
    assert set(found(call, meetingID="m1")) == set(three[:2])
    assert set(found(call, meetingID="m1,m2")) == set(three)
    assert found(call, recordID=three[0], meetingID="m2") == [three[0]]


def test_e73_record_ids_match_by_prefix(call, three):
    assert set(found(call, recordID=three[0][:45])) == set(three[:2])


def test_e75_an_id_with_a_plus_finds_nothing(call, clock):
    held(call, clock, "a+b")
    clock.forward(1000)
    assert found(call, meetingID="a+b") == []
    assert len(found(call)) == 1


@pytest.mark.parametrize(
    ("value", "count"), [("algebra", 1), ("%lgebra%", 2), ("Algebra%", 1), ("%II", 1), ("none", 0), ("ALGEBRA", 0)]
)
def test_e76_wildcards_of_the_meta_filter(call, three, value, count):
    assert len(found(call, meta_course=value)) == count


def test_e76_filters_are_joined_by_and_or_by_or(make, clock):
    for era, count in (("E", 0), ("scalelite", 2)):
        call = make(era)
        held(call, clock, "m1", meta_course="a", meta_term="1")
        held(call, clock, "m2", meta_course="b", meta_term="2")
        clock.forward(1000)
        assert len(found(call, meta_course="a", meta_term="2")) == count


def test_e77_an_empty_meta_filter_crashes_the_server(call, three):
    assert call("getRecordings", meta_other="").ok
    assert call("getRecordings", meta_course="").status == 500


def test_e83_only_newer_servers_page(make, clock):
    for era, shown, total in (("B", 3, None), ("E", 2, "3")):
        call = make(era)
        for number in range(3):
            held(call, clock, f"m{number}")
        clock.forward(1000)
        answer = call("getRecordings", limit=2, offset=0)
        assert len(answer.all("recordings/recording")) == shown
        assert answer["totalElements"] == total
        assert len(found(call, limit=0)) == 3


def test_e85_delete_twice(call, three):
    assert call("deleteRecordings", recordID=three[0])["deleted"] == "true"
    assert call("deleteRecordings", recordID=three[0]).key == "notFound"
    assert three[0] not in found(call)
    assert found(call, state="deleted") == [three[0]]


def test_e86_publish_and_unpublish(call, three):
    assert call("publishRecordings", recordID=three[0], publish="true")["published"] == "true"
    assert call("publishRecordings", recordID=f"{three[0]},nope", publish="false")["published"] == "false"
    assert found(call, state="unpublished") == [three[0]]
    assert call("publishRecordings", recordID="nope", publish="true").key == "notFound"
    assert call("publishRecordings", recordID=three[0]).key == "missingParamPublish"


def test_e87_update_sets_and_removes_metadata(call, three):
    assert call("updateRecordings", recordID=three[2], meta_course="", meta_New="x", meta_a_b="y")["updated"] == "true"
    answer = call("getRecordings", recordID=three[2])
    assert answer["recordings/recording/metadata/course"] is None
    assert answer["recordings/recording/metadata/new"] == "x"
    assert answer.root.find("recordings/recording/metadata/a_b") is None


def test_update_of_an_unknown_recording(make):
    assert make("B")("updateRecordings", recordID="nope").key == "notFound"
    assert make("scalelite")("updateRecordings", recordID="nope")["updated"] == "false"


def test_e88_the_name_is_escaped_twice(call, clock):
    held(call, clock, name="A & B")
    clock.forward(1000)
    answer = call("getRecordings")
    assert answer["recordings/recording/name"] == "A &amp; B"
    assert answer["recordings/recording/metadata/meetingName"] == "A & B"


def test_one_recording_at_a_time(make, clock):
    call = make(replace(PROFILES["B"], one_at_a_time=True))
    for number in range(2):
        call.create(f"m{number}", record="true", autoStartRecording="true")
        call.world.join(f"m{number}", "u1", "Zahra")
    clock.forward(60)
    for number in range(2):
        call.world.end_from_inside(f"m{number}")
    clock.forward(130)
    assert len(found(call, state="any")) == 1
    clock.forward(200)
    assert len(found(call, state="any")) == 2


# getSessions


def test_e92_sessions_of_meetingz_are_json_in_text(make, clock):
    call = make("meetingz")
    held(call, clock, name="جبر <۷>")
    rows = json.loads(call("getSessions", meetingID="m1,m2")["sessions"])
    assert [(row["name"], row["realDuration"], row["realDurationStr"]) for row in rows] == [("جبر <۷>", 1800, "0:30")]
    assert (rows[0]["started_at"], rows[0]["userCount"]) == ("2023-11-14 22:13:20", 1)
    assert json.loads(call("getSessions", meetingID="other")["sessions"]) == []


def test_e93_the_video_is_found_through_the_session(make, clock):
    call = make("meetingz")
    record_id = held(call, clock)
    assert json.loads(call("getSessions")["sessions"])[0]["record_url"] == ""
    clock.forward(1000)
    url = json.loads(call("getSessions")["sessions"])[0]["record_url"]
    assert url.endswith(f"/recordings/{record_id}/video.mp4")


def test_sessions_of_bigbluebutton(call):
    assert call("getSessions").key == "noSessions"
    call.create()
    call.world.join("m1", "u1", "Zahra")
    assert call("getSessions")["sessions/meeting/userName"] == "Zahra"


# captions


def test_e89_captions_answer_in_json_and_refuse_a_checksum_in_xml(call, clock):
    record_id = held(call, clock)
    clock.forward(1000)
    assert call.raw("getRecordingTextTracks", f"recordID={record_id}").key == "checksumError"
    assert _tracks(call, record_id)["messageKey"] == "noCaptionsFound"
    assert _put(call, record_id, b"WEBVTT\n\n00:01 --> 00:02\nhello\n")["messageKey"] == "upload_text_track_success"
    assert _tracks(call, record_id)["returncode"] == "FAILED"
    clock.forward(61)
    track = _tracks(call, record_id)["tracks"][0]
    assert (track["kind"], track["lang"], track["label"]) == ("subtitles", "fa", "فارسی")


def test_captions_that_are_none_vanish(call, clock):
    record_id = held(call, clock)
    clock.forward(1000)
    assert _put(call, record_id, b"hello")["returncode"] == "SUCCESS"
    clock.forward(1000)
    assert _tracks(call, record_id)["messageKey"] == "noCaptionsFound"
    assert _put(call, record_id, b"")["messageKey"] == "empty_uploaded_text_track"
    assert _put(call, "nope", b"x")["messageKey"] == "noRecordings"
    assert _put(call, record_id, b"x", kind="poem")["messageKey"] == "invalidKind"
    assert _put(call, record_id, b"x", lang="12")["messageKey"] == "invalidLang"


def _tracks(call, record_id):
    return json.loads(call("getRecordingTextTracks", recordID=record_id).body)["response"]


def _put(call, record_id, data, kind="subtitles", lang="fa"):
    query = urlencode({"recordID": record_id, "kind": kind, "lang": lang, "label": "فارسی"})
    head = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.vtt"\r\n\r\n'
    answer = call.raw(
        "putRecordingTextTrack",
        signed("putRecordingTextTrack", query),
        method="POST",
        body=head + data + b"\r\n--X--\r\n",
        content_type="multipart/form-data; boundary=X",
    )
    return json.loads(answer.body)["response"]


# files


@pytest.fixture
def video(served, clock):
    """A served recording's video: its url and its server."""
    server = served(media_size=1000)
    record_id = held(Caller(server.world), clock)
    clock.forward(1000)
    return f"{server.origin}/recordings/{record_id}/video.mp4", server


def test_a_file_is_the_same_every_time(video, http):
    url, _ = video
    first, second = http.get(url), http.get(url)
    assert first.content == second.content
    assert len(first.content) == int(first.headers["Content-Length"]) == 1000
    assert first.headers["Content-Type"] == "video/mp4"
    head = http.head(url)
    assert (head.headers["Content-Length"], head.content) == ("1000", b"")


@pytest.mark.parametrize(
    ("asked", "part", "shown"),
    [
        ("bytes=0-9", slice(0, 10), "bytes 0-9/1000"),
        ("bytes=990-", slice(990, None), "bytes 990-999/1000"),
        ("bytes=-5", slice(995, None), "bytes 995-999/1000"),
        ("bytes=500-9999", slice(500, None), "bytes 500-999/1000"),
    ],
)
def test_a_part_of_a_file(video, http, asked, part, shown):
    url, _ = video
    reply = http.get(url, headers={"Range": asked})
    assert reply.status_code == 206
    assert reply.content == http.get(url).content[part]
    assert reply.headers["Content-Range"] == shown


def test_a_part_is_given_only_of_the_same_file(video, http):
    url, _ = video
    tag = http.get(url).headers["ETag"]
    assert http.get(url, headers={"Range": "bytes=5-", "If-Range": tag}).status_code == 206
    assert http.get(url, headers={"Range": "bytes=5-", "If-Range": '"old"'}).status_code == 200
    assert http.get(url, headers={"Range": "bytes=1000-"}).status_code == 416
    assert http.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_a_download_can_be_cut(video, http):
    url, server = video
    server.world.faults.add(Fault("cut", call="media", count=1, at=300))
    with http.get(url, stream=True) as reply:
        assert reply.headers["Content-Length"] == "1000"
        with pytest.raises(requests.RequestException):
            reply.content  # noqa: B018 (read for its effect)
    assert http.get(url).status_code == 200


def test_unpublished_and_unknown_files_are_not_found(video, http):
    url, server = video
    assert http.get(url.replace("video", "notes")).status_code == 404
    assert http.get(f"{server.origin}/nothing").status_code == 404
    for recording in server.world.recordings.values():
        recording.published = False
    assert http.get(url).status_code == 404
