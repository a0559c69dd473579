from urllib.parse import parse_qs

import pytest

from tests.bbb.answers import failed, playback, recording, recordings, success
from tests.bbb.conftest import Answer
from worker.bbb import NotFound, Refused, UnsafeRequest, parse_recordings, parse_text_tracks
from worker.bbb.recording_calls import portions


def test_a_recording_is_read_field_by_field():
    (found,) = parse_recordings(recordings(recording("r-1", f"<size>1,234</size><playback>{playback()}</playback>")))
    assert (found.record_id, found.internal_id, found.meeting_id) == ("r-1", "r-1", "alg-101")
    assert (found.state, found.published, found.participants, found.size_bytes) == ("published", True, 23, 1234)
    assert found.end_time_ms - found.start_time_ms == 5_400_000
    (format,) = found.playbacks
    assert (format.format, format.url, format.length_minutes) == ("presentation", "https://host/p", 87)
    assert (format.processing_ms, format.size_bytes) == (7177, 1234)


@pytest.mark.parametrize(
    "body",
    [
        success("<recordings/><messageKey>noRecordings</messageKey>"),
        success("<messageKey>noRecordings</messageKey>"),
        success("<recordings></recordings>"),
        failed("noRecordings"),
        failed("notFound"),
    ],
)
def test_e72_no_recordings(body):
    assert parse_recordings(body) == []


def test_e78_e81_formats_one_many_none_and_twice():
    def formats(inside: str) -> list[str]:
        (found,) = parse_recordings(recordings(recording("r-1", inside)))
        return [playback.format for playback in found.playbacks]

    assert formats("") == formats("<playback/>") == []
    assert formats(f"<playback>{playback('video')}</playback>") == ["video"]
    twice = f"<playback>{playback('video')}{playback('podcast')}{playback('video', 'https://other')}</playback>"
    assert formats(twice) == ["video", "podcast"]
    item = recording("r-1", f"<playback>{playback('video')}</playback>")
    other = recording("r-1", f"<playback>{playback('video')}{playback('notes')}</playback>")
    (found,) = parse_recordings(recordings(item, other))
    assert [playback.format for playback in found.playbacks] == ["video", "notes"]


def test_e79_one_being_processed_has_no_times_yet():
    body = success(
        "<recordings><recording><recordID>r</recordID><state>processing</state><startTime/></recording></recordings>"
    )
    (found,) = parse_recordings(body)
    assert (found.state, found.start_time_ms, found.end_time_ms, found.playbacks) == ("processing", 0, 0, ())


def test_a_missing_state_follows_from_published():
    body = recordings(recording("r")).replace(b"<state>published</state>", b"")
    assert parse_recordings(body)[0].state == "published"
    assert parse_recordings(body.replace(b"published>true", b"published>false"))[0].state == "unpublished"


def test_e80_a_short_one_has_length_0():
    body = recordings(recording("r", f"<playback>{playback(length='0')}</playback>"))
    assert parse_recordings(body)[0].playbacks[0].length_minutes == 0


def test_e82_an_unordered_list_is_sorted():
    body = recordings(recording("b", start=2), recording("c", start=1), recording("a", start=2))
    assert [found.record_id for found in parse_recordings(body)] == ["c", "a", "b"]


def test_e88_the_title_is_the_name_as_it_was_given():
    (found,) = parse_recordings(recordings(recording("r")))
    assert (found.name, found.title) == ("A &amp; B", "A & B")


def test_e73_beginnings_of_ids_are_filtered_exactly(wire, client):
    wire.says(recordings(recording("x-170"), recording("x-1700"), recording("x-1701")))
    assert [found.record_id for found in client.recordings(record_ids=["x-170"])] == ["x-170"]
    assert [found.record_id for found in client.recordings(meeting_ids=["other"])] == []


def test_e74_many_ids_are_asked_in_portions(wire, client):
    ids = [f"{'a' * 40}-{1700000000000 + number}" for number in range(200)]
    wire.behave = lambda seen: Answer(
        recordings(*(recording(i) for i in parse_qs(seen.query)["recordID"][0].split(",")))
    )
    assert sorted(found.record_id for found in client.recordings(record_ids=ids)) == ids
    assert max(len(seen.target) for seen in wire.seen) < 2000
    assert len(wire.seen) == 8


@pytest.mark.parametrize("bad", ["a+b", "a%b", "a,b", "", " "])
def test_e75_ids_that_lists_cannot_hold_are_refused_before_anything_is_sent(wire, client, bad):
    for call in (
        lambda: client.recordings(record_ids=[bad]),
        lambda: client.iter_recordings(meeting_ids=["ok", bad]),
        lambda: client.delete_recordings([bad]),
    ):
        with pytest.raises(UnsafeRequest):
            call()
    assert wire.seen == []


def test_e76_labels_are_looked_at_again_here(wire, client):
    other = recording("other").replace("<course>alg-101</course>", "<course>alg-102</course>")
    wire.says(recordings(recording("mine"), other))

    def asked(value: str) -> list[str]:
        return [found.record_id for found in client.recordings(meta={"course": value})]

    assert asked("alg-101") == asked("%101") == ["mine"]
    assert asked("alg-%") == asked("%lg-10%") == ["mine", "other"]
    assert asked("alg") == []
    assert [found.record_id for found in client.recordings(meta={"course": "alg-101", "origin": "us"})] == []
    assert parse_qs(wire.seen[0].query)["meta_course"] == ["alg-101"]


def test_e77_an_empty_label_is_not_searched_for(wire, client):
    with pytest.raises(UnsafeRequest):
        client.recordings(meta={"course": ""})
    assert wire.seen == []


def test_states_are_asked_for_and_looked_at(wire, client):
    wire.says(recordings(recording("a"), recording("b").replace("<state>published", "<state>deleted")))
    assert [found.record_id for found in client.recordings(states=["deleted"])] == ["b"]
    assert len(client.recordings(states=["any"])) == 2
    assert parse_qs(wire.seen[0].query)["state"] == ["deleted"]


def _pager(ids, *, total=True, paginates=True):
    def behave(seen):
        asked = parse_qs(seen.query)
        offset, limit = (int(asked[name][0]) for name in ("offset", "limit"))
        page = ids[offset : offset + limit] if paginates else ids
        return Answer(recordings(*map(recording, page), total=len(ids) if total and paginates else None))

    return behave


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("paginates", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_e83_pages_end_on_every_server(wire, client, count, paginates, total):
    ids = [f"r-{number}" for number in range(count)]
    wire.behave = _pager(ids, total=total, paginates=paginates)
    assert sorted(found.record_id for found in client.iter_recordings(page_size=2)) == ids
    assert len(wire.seen) <= count // 2 + 1


@pytest.mark.parametrize("size", [0, 101, -1])
def test_page_sizes_that_servers_ignore_are_refused(client, size):
    with pytest.raises(UnsafeRequest):
        client.recordings(page_size=size)


def test_e85_deleting_twice_is_no_error(wire, client):
    wire.says(failed("notFound"))
    client.delete_recordings(["r-1"])
    wire.says(failed("checksumError"))
    with pytest.raises(Refused):
        client.delete_recordings(["r-1"])


def test_e86_publishing(wire, client):
    wire.says(success("<published>false</published>"))
    client.publish_recordings(["r-1", "r-2"], False)
    asked = parse_qs(wire.seen[0].query)
    assert (asked["recordID"], asked["publish"]) == (["r-1,r-2"], ["false"])


def test_e87_updating_labels(wire, client):
    wire.says(success("<updated>true</updated>"))
    client.update_recordings(["r-1"], {"course": "", "bbb-recording-name": "جبر"})
    assert parse_qs(wire.seen[0].query, keep_blank_values=True)["meta_course"] == [""]
    for bad in ({}, {"a_b": "x"}):
        with pytest.raises(UnsafeRequest):
            client.update_recordings(["r-1"], bad)
    wire.says(success("<updated>false</updated>"))
    with pytest.raises(NotFound):
        client.update_recordings(["r-1"], {"a": "b"})


def test_e89_text_tracks_are_json_and_their_refusals_json_or_xml():
    track = '{"href":"https://h/TOKEN/x.vtt","kind":"subtitles","label":"فارسی","lang":"fa","source":"upload"}'
    (found,) = parse_text_tracks(f'{{"response":{{"returncode":"SUCCESS","tracks":[{track}]}}}}'.encode())
    assert (found.kind, found.label, found.lang, found.source) == ("subtitles", "فارسی", "fa", "upload")
    assert "TOKEN" not in repr(found)
    none = b'{"response":{"returncode":"FAILED","messageKey":"noCaptionsFound","message":"x"}}'
    assert parse_text_tracks(none) == []
    with pytest.raises(NotFound):
        parse_text_tracks(none.replace(b"noCaptionsFound", b"noRecordings"))
    with pytest.raises(Refused):
        parse_text_tracks(failed("checksumError"))


def test_subtitles_are_sent_as_a_file_with_everything_signed_in_the_address(wire, client):
    wire.says('{"response":{"returncode":"SUCCESS","messageKey":"upload_text_track_success","recordId":"r-1"}}')
    client.put_text_track("r-1", "subtitles", "fa", "فارسی", "a.vtt", "WEBVTT سلام".encode())
    seen = wire.seen[0]
    assert seen.method == "POST"
    assert seen.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="a.vtt"' in seen.body
    assert "WEBVTT سلام".encode() in seen.body
    assert parse_qs(seen.query)["label"] == ["فارسی"]


def test_ids_are_portioned_each_once():
    assert portions(["a", "b", "a"]) == ["a,b"]
    assert portions([]) == []
    assert portions(["abc", "def"], size=8) == ["abc", "def"]
