"""recordings, as it is typed: list, harvest, download, publish, update, delete, captions, policy."""

import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from worker import clock
from worker.operations import context as contexts
from worker.operations.attendance import poll
from worker.operations.meetings import provision
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator.faults import Fault
from worker.store.tables import Recording

KEYS = {
    "record_id",
    "course",
    "occurrence",
    "state",
    "published",
    "started_at",
    "ended_at",
    "formats",
    "labels",
    "files",
}


class Ahead:
    """The server's clock: the real one, put forward by hand."""

    seconds = 0.0

    def __call__(self):
        return time.time() + self.seconds


@pytest.fixture
def ahead():
    return Ahead()


@pytest.fixture
def taught(meetingz, school, served, secret, ahead, monkeypatch):
    """A recorded class that was held and closed, its recording published with all its formats."""
    monkeypatch.setenv("MEETINGZ_RECORDING_FIRST_SECONDS", "0.01")
    monkeypatch.setenv("MEETINGZ_DOWNLOAD_RESERVE_BYTES", "0")
    server = served(clock=ahead)
    assert meetingz("server", "add", "one", server.base_url, "--secret-env", secret).code == 0
    context = contexts.make(Settings(gone_after=1, lead_seconds=60))
    start = clock.now()
    number = arrange.add(context, "ALG-101", start, start + timedelta(hours=1), start)
    provision.sweep(context, clock.now)
    (meeting,) = server.world.meetings()
    server.world.join(meeting.meeting_id, "t1", "Dr. Noor", role="MODERATOR")
    poll.sweep(context, clock.now)
    ahead.seconds += 60
    server.world.end_from_inside(meeting.meeting_id)
    ahead.seconds += 600
    poll.sweep(context, lambda: clock.now() + timedelta(minutes=11))
    context.database.dispose()
    return server, number


def only(meetingz):
    (found,) = meetingz("recordings", "list", "--json").json
    return found


@pytest.fixture
def record_id(meetingz, taught):
    (meeting,) = taught[0].world.recordings
    assert meetingz("recordings", "poke", meeting).code == 0
    assert meetingz("recordings", "harvest").code == 0
    return only(meetingz)["record_id"]


def test_the_list_keeps_its_promise(meetingz, taught, record_id):
    found = only(meetingz)
    assert found.keys() >= KEYS
    assert (found["course"], found["occurrence"], found["state"]) == ("ALG-101", taught[1], "published")
    assert set(found["formats"]) == {"podcast", "presentation", "video"}
    assert [each["record_id"] for each in meetingz("recordings", "list", "--state", "published", "--json").json] == [
        record_id
    ]
    assert meetingz("recordings", "list", "--missing", "--json").json == []
    assert record_id in meetingz("recordings", "list").out
    assert meetingz("recordings", "list", "--state", "lost").code == 2
    for state in ("awaited", "processing", "deleted", "stray", "not_expected"):
        assert (state, meetingz("recordings", "list", "--state", state, "--json").json) == (state, [])


def test_download_stores_and_says_what_is_no_file(meetingz, record_id):
    assert "1 would be downloaded" in meetingz("recordings", "download", record_id, "--dry-run").out
    done = meetingz("recordings", "download", "--course", "ALG-101")
    assert done.code == 0, done.err
    files = {file["format"]: file for file in only(meetingz)["files"]}
    assert {name: file["state"] for name, file in files.items()} == {
        "podcast": "stored",
        "presentation": "no_file",
        "video": "stored",
    }
    path = Path(urlsplit(files["video"]["url"]).path)
    assert path.stat().st_size == files["video"]["size_bytes"]
    assert "nothing to fetch" in meetingz("recordings", "download", record_id).out


def test_a_course_that_downloads_is_archived_by_the_sweep(meetingz, record_id):
    shown = meetingz("recordings", "policy", "ALG-101", "--download", "--formats", "video", "--keep-server-days", "۳۰")
    assert shown.out.splitlines()[2:] == [
        "download: True",
        "recording_formats: video",
        "keep_server_days: 30",
        "keep_archive_days: not set",
    ]
    meetingz("run", "harvest")
    assert [(file["format"], file["state"]) for file in only(meetingz)["files"]] == [("video", "stored")]
    assert meetingz("recordings", "policy", "ALG-101", "--keep-server-days", "ever", "--json").json == {
        "course": "ALG-101",
        "record": "always",
        "download": True,
        "recording_formats": "video",
        "keep_server_days": None,
        "keep_archive_days": None,
    }
    assert meetingz("recordings", "policy", "ALG-101", "--keep-server-days", "soon").code == 2
    assert "download: False\n" in meetingz("recordings", "policy", "ALG-101", "--no-download").out


def test_hidden_shown_and_labelled(meetingz, record_id):
    assert meetingz("recordings", "unpublish", record_id).code == 0
    assert only(meetingz)["published"] is False
    assert meetingz("recordings", "publish", "--course", "ALG-101", "--yes").code == 0
    assert only(meetingz)["published"] is True
    assert meetingz("recordings", "update", "chapter=3", record_id).code == 0
    assert only(meetingz)["labels"]["chapter"] == "3"
    assert meetingz("recordings", "update", "link=a=b", record_id).code == 0
    assert only(meetingz)["labels"]["link"] == "a=b"
    assert meetingz("recordings", "update", record_id).code == 1


def test_what_would_be_done_is_said_and_not_done(meetingz, record_id):
    for verb, said in (
        ("publish", "be published"),
        ("unpublish", "be hidden"),
        ("delete", "be deleted on their servers"),
    ):
        told = meetingz("recordings", verb, record_id, "--dry-run")
        assert told.code == 0
        assert told.out.splitlines()[-1] == f"1 would {said}"
        assert told.out.startswith(f"{record_id}  2")
    told = meetingz("recordings", "update", "chapter=3", "part=", record_id, "--dry-run")
    assert told.out.endswith("1 would get the labels chapter, part\n")
    assert only(meetingz)["state"] == "published"


def test_what_the_server_refuses_is_exit_1(meetingz, taught, record_id):
    taught[0].world.faults.add(Fault("http_500"))
    told = meetingz("recordings", "unpublish", record_id)
    assert told.code == 1
    assert told.out.startswith(f"{record_id}: not hidden: one: ")


def test_several_are_changed_only_after_a_yes(meetingz, record_id):
    context = contexts.make(Settings())
    with context.database.write() as session:
        row = session.scalars(select(Recording)).one()
        columns = {each.key: getattr(row, each.key) for each in Recording.__table__.columns if each.key != "id"}
        session.add(Recording(**columns | {"record_id": "another"}))
    context.database.dispose()
    asked = meetingz("recordings", "unpublish", "--course", "ALG-101", stdin="n\n")
    assert (asked.code, asked.out.strip()) == (1, "")
    assert "2 would be hidden" in asked.err
    assert f"{record_id}: hidden" in meetingz("recordings", "unpublish", "--course", "ALG-101", stdin="y\n").out


def test_nobody_there_to_answer_is_a_no(meetingz, record_id):
    told = meetingz("recordings", "delete", record_id, stdin="")
    assert told.code == 1
    assert told.err.endswith("nothing was changed; --yes goes on without asking\n")
    assert only(meetingz)["state"] == "published"


def test_a_download_that_fails_is_exit_1_and_is_tried_again_later(meetingz, taught, record_id, monkeypatch):
    monkeypatch.setenv("MEETINGZ_DOWNLOAD_RESERVE_BYTES", str(2**60))
    told = meetingz("recordings", "download", record_id, "--format", "video")
    assert told.code == 1
    assert told.out.startswith(f"{record_id} video: failed, and is tried again later: ")


def test_deleting_asks_and_nothing_happens_without_a_yes(meetingz, taught, record_id):
    assert "1 would be deleted" in meetingz("recordings", "delete", record_id, "--dry-run").out
    assert meetingz("recordings", "delete", record_id, stdin="n\n").code != 0
    assert only(meetingz)["state"] == "published"
    assert meetingz("recordings", "delete", record_id, stdin="y\n").code == 0
    assert only(meetingz)["state"] == "deleted"
    assert taught[0].world.recordings[record_id].deleted


def test_captions_are_handed_in_and_listed(meetingz, here, ahead, record_id):
    (here / "fa.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nsalam\n", encoding="utf-8")
    assert meetingz("recordings", "captions", "list", record_id, "--json").json == []
    assert meetingz("recordings", "captions", "add", record_id, "fa.vtt", "--lang", "fa").code == 0
    ahead.seconds += 120
    (track,) = meetingz("recordings", "captions", "list", record_id, "--json").json
    assert (track["lang"], track["kind"], track["label"]) == ("fa", "subtitles", "fa")
    assert meetingz("recordings", "captions", "add", record_id, "fa.vtt", "--kind", "songs").code == 2


@pytest.mark.parametrize(
    "words",
    [["delete", "nothing"], ["publish"], ["download", "nothing"], ["captions", "list", "nothing"], ["poke", "nothing"]],
)
def test_what_is_not_there_is_one_line(meetingz, school, words):
    done = meetingz("recordings", *words)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
