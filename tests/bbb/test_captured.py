"""Answers captured from real servers, kept outside this repository: read where they are at hand."""

import contextlib
from pathlib import Path

import pytest

from worker.bbb import Garbled, IdTaken, Refused, errors
from worker.bbb.envelope import answer
from worker.bbb.replies import (
    parse_created,
    parse_meeting,
    parse_meeting_info,
    parse_meetings,
    parse_recordings,
    parse_running,
    split_meetings,
)

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "replies"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no captured answers here")


def body(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_every_captured_answer_is_read_or_refused_in_our_words():
    for path in sorted(FOLDER.iterdir()):
        with contextlib.suppress(Refused, Garbled):
            answer(path.read_bytes())


def test_e18_a_duplicate():
    made = parse_created(body("docs27_create_duplicate.xml"))
    assert (made.duplicate, made.create_time_ms, made.voice_bridge) == (True, 1531155809613, "70757")


def test_meetings_of_several_versions():
    info = parse_meeting_info(body("docs27_getMeetingInfo.xml"))
    assert [(found.full_name, found.role) for found in info.attendees] == [("stu", "VIEWER"), ("mod", "MODERATOR")]
    newest = parse_meeting_info(body("docs30_getMeetingInfo_one_attendee_2024.xml"))
    assert [found.full_name for found in newest.attendees] == ["Anton G"]
    oldest = parse_meeting_info(body("issue1265_getMeetingInfo_v07x_string_dates.xml"))
    assert (oldest.start_time_ms, oldest.attendees[0].user_id) == (0, "156")
    assert parse_meeting_info(body("issue1859_getMeetingInfo_v08x_empty_attendees.xml")).attendees == ()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("docs27_getMeetings.xml", 1),
        ("java_getMeetings_everyone_left_v22.xml", 1),
        ("java_getMeetings_none_v22.xml", 0),
    ],
)
def test_lists_of_meetings(name, count):
    found = parse_meetings(body(name))
    assert len(found) == count
    assert [parse_meeting(segment) for segment in split_meetings(body(name))] == found


def test_recordings():
    found = parse_recordings(body("docs27_getRecordings_two.xml"))
    assert len(found) == 2
    assert {playback.format for playback in found[0].playbacks} >= {"podcast", "presentation"}


def test_running():
    assert parse_running(body("docs27_isMeetingRunning.xml")) is True


@pytest.mark.parametrize(
    ("name", "error", "key"),
    [
        ("issue2702_create_idNotUnique_no_passwords.xml", IdTaken, "idNotUnique"),
        ("issue5721_checksumError.xml", errors.ChecksumRefused, "checksumError"),
        ("issue24611_join_params_required_v3x.xml", Refused, "Params required"),
        ("pr3735_create_invalidFormat_errors_attributes_v20.xml", Refused, "invalidFormat"),
    ],
)
def test_refusals(name, error, key):
    with pytest.raises(error) as caught:
        answer(body(name))
    assert caught.value.key == key


def test_e13_two_documents_in_one_answer():
    with pytest.raises(Garbled):
        answer(body("issue1580_two_documents_MALFORMED.txt"))
