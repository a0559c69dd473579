"""care: published, hidden, labelled, captioned and deleted there, with proof; kept as long as a course says."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from tests.operations.recordings.test_harvest import record
from tests.operations.stage import Crash, crashing
from worker import bbb
from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.recordings import archive, care, lifetime
from worker.operations.recordings.care import Done
from worker.simulator import Fault
from worker.store.tables import Course, File, Playback, Recording

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nsalam\n"


@pytest.fixture
def context(make_context):
    return make_context(recording_first_seconds=10, download_reserve_bytes=0)


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def found(stage, server, make_course, make_occurrence):
    """A class whose recording was found, with all its formats."""
    record(stage, server, make_course, make_occurrence)
    stage.clock.advance(minutes=10)
    stage.harvest()
    (row,) = stage.rows(Recording)
    return row


@pytest.fixture
def made(server, found):
    """The same, as the server has it."""
    return server.world.recordings[found.record_id]


def now_of(stage):
    (row,) = stage.rows(Recording)
    return row


def settings_of(stage, **columns):
    with stage.context.database.write() as session:
        session.execute(update(Course).values(**columns))


def test_hidden_and_shown_there_and_here(stage, server, found, made):
    assert care.publish(stage.context, [found], False, stage.clock) == [Done(found.record_id, True)]
    assert (made.published, now_of(stage).published, now_of(stage).state) == (False, False, "unpublished")
    care.publish(stage.context, [found], False, stage.clock)  # E86: no change is no error
    care.publish(stage.context, [found], True, stage.clock)
    assert (made.published, now_of(stage).published) == (True, True)


def test_e87_labels_are_set_and_removed(stage, found, made):
    care.update_labels(stage.context, [found], {"chapter": "3", "bbb-recording-name": ""}, stage.clock)
    assert made.metadata["chapter"] == "3"
    assert now_of(stage).labels["chapter"] == "3"
    assert "bbb-recording-name" not in now_of(stage).labels


@pytest.mark.parametrize("name", ["Chapter", "a_b", "1a", "mtz-origin", "mtz-occurrence", "فصل", "a b"])
def test_e25_a_label_that_would_not_survive_or_is_ours_is_refused(stage, name):
    with pytest.raises(InputError):
        care.update_labels(stage.context, [], {name: "x"}, stage.clock)


def test_deleted_here_once_it_is_gone_there(stage, server, found, made):
    assert care.delete(stage.context, [found], stage.clock) == [Done(found.record_id, True)]
    assert made.deleted
    row = now_of(stage)
    assert (row.state, row.deleted_at) == ("deleted", stage.clock())
    assert stage.story()[-2:] == ["recording_delete", "recording_deleted"]
    with stage.context.database.read() as session, pytest.raises(Unknown):
        care.chosen(session, [found.record_id])


def test_what_the_server_still_shows_is_not_deleted_and_is_asked_for_again(stage, server, found, made, monkeypatch):
    real = bbb.Client.delete_recordings
    monkeypatch.setattr(bbb.Client, "delete_recordings", lambda client, ids: None)
    (done,) = care.delete(stage.context, [found], stage.clock)
    assert not done.done
    assert now_of(stage).deleted_at is None
    monkeypatch.setattr(bbb.Client, "delete_recordings", real)
    stage.clock.advance(minutes=61)
    assert lifetime.sweep(stage.context, stage.clock) == [Done(found.record_id, True)]
    assert stage.story().count("recording_delete") == 1


def test_a_server_that_does_not_answer_deletes_nothing_here(stage, server, found, made):
    server.world.faults.add(Fault("drop_after", call="deleteRecordings", count=1))
    (done,) = care.delete(stage.context, [found], stage.clock)
    assert not done.done
    assert now_of(stage).deleted_at is None
    stage.harvest()  # it was done there, as the next harvest sees
    assert now_of(stage).deleted_at is not None


@pytest.mark.parametrize("boundary", range(6))
def test_a_crash_at_any_point_of_a_deletion_is_made_good(stage, found, made, boundary):
    with pytest.raises(Crash):
        care.delete(crashing(stage.context, at=boundary), [found], stage.clock)
    stage.clock.advance(minutes=61)
    stage.harvest()
    lifetime.sweep(stage.context, stage.clock)
    wished = stage.story().count("recording_delete") == 1
    assert made.deleted is wished
    assert (now_of(stage).deleted_at is not None) is wished


def test_e85_deleted_by_somebody_else_before_is_no_error(stage, found, made):
    made.deleted = True
    assert care.delete(stage.context, [found], stage.clock) == [Done(found.record_id, True)]


def test_never_before_every_wanted_file_is_archived_and_still_there(stage, server, found, made):
    settings_of(stage, download=True)
    (done,) = care.delete(stage.context, [found], stage.clock)
    assert not done.done
    assert "downloaded first" in done.why
    stage.clock.advance(minutes=1)
    while archive.sweep(stage.context, stage.clock):
        stage.clock.advance(minutes=1)
    assert {file.format: file.state for file in stage.rows(File)} == {
        "podcast": "stored",
        "presentation": "no_file",
        "video": "stored",
    }
    video = next(file for file in stage.rows(File) if file.format == "video")
    path = Path(urlsplit(video.url).path)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    (done,) = care.delete(stage.context, [found], stage.clock)
    assert "not whole" in done.why
    assert not made.deleted
    path.write_bytes(content)
    assert care.delete(stage.context, [found], stage.clock) == [Done(found.record_id, True)]
    assert path.exists()


def test_a_failed_download_keeps_it_on_the_server(stage, server, found, made):
    settings_of(stage, download=True, keep_server_days=1)
    archive.want(stage.context, stage.clock())
    with stage.context.database.write() as session:
        session.execute(update(File).values(state="failed", due_at=None))
    stage.clock.advance(minutes=60 * 24 * 30)
    (done,) = lifetime.sweep(stage.context, stage.clock)
    assert not done.done
    assert not made.deleted


def test_kept_on_the_server_so_long_and_in_the_archive_so_long(stage, server, found, made):
    settings_of(stage, download=True, keep_server_days=7, keep_archive_days=30, recording_formats="video")
    for _ in range(2):
        archive.sweep(stage.context, stage.clock)
        stage.clock.advance(minutes=1)
    (file,) = stage.rows(File)
    path = Path(urlsplit(file.url).path)
    stage.clock.advance(minutes=60 * 24 * 6)
    assert lifetime.sweep(stage.context, stage.clock) == []
    stage.clock.advance(minutes=60 * 24)
    assert lifetime.sweep(stage.context, stage.clock) == [Done(found.record_id, True)]
    assert made.deleted
    assert path.exists()
    stage.clock.advance(minutes=60 * 24 * 23)
    assert lifetime.sweep(stage.context, stage.clock) == [Done(found.record_id, True)]
    assert not path.exists()
    assert stage.rows(File)[0].state == "deleted"
    assert lifetime.sweep(stage.context, stage.clock) == []
    assert archive.sweep(stage.context, stage.clock) == []


def test_without_a_limit_it_is_kept_for_ever(stage, found, made):
    stage.clock.advance(minutes=60 * 24 * 4000)
    assert lifetime.sweep(stage.context, stage.clock) == []
    assert not made.deleted


def test_who_did_it_is_told(stage, found):
    with story.acting("zahra"):
        care.publish(stage.context, [found], False, stage.clock)
    (event,) = stage.story("recording_unpublish")
    assert (event.actor, event.detail) == ("zahra", found.record_id)


def test_one_dead_server_does_not_stop_the_others(stage, add_server, server, found, make_course, make_occurrence):
    other = add_server()
    server.world.faults.add(Fault("html_502", call="create"))
    stage.clock.advance(minutes=1)
    with stage.context.database.write() as session:
        row = {"state": "published", "published": True, "found_at": stage.clock(), "seen_at": stage.clock()}
        session.add(Recording(server_id=other.server_id, record_id="there", name="", labels={}, **row))
    other.world.faults.add(Fault("drop", call="publishRecordings"))
    outcomes = care.publish(stage.context, stage.rows(Recording), False, stage.clock)
    assert {each.record_id: each.done for each in outcomes} == {found.record_id: True, "there": False}


def test_captions_are_handed_in_and_listed_once_worked_in(stage, found):
    care.add_captions(stage.context, found.record_id, "fa.vtt", VTT, "fa", "فارسی", "subtitles", stage.clock())
    assert care.captions(stage.context, found.record_id) == []
    stage.clock.advance(minutes=2)
    (track,) = care.captions(stage.context, found.record_id)
    assert (track.kind, track.lang, track.label) == ("subtitles", "fa", "فارسی")


def test_what_is_no_captions_is_refused_before_it_vanishes_in_silence(stage, found):
    with pytest.raises(InputError, match="no captions in it"):
        care.add_captions(stage.context, found.record_id, "a.txt", b"hello", "fa", "", "subtitles", stage.clock())


def test_the_policy_of_a_course_is_set_told_and_checked(stage, make_course):
    make_course("geo")
    row = lifetime.policy(stage.context, "geo", {"download": True, "keep_server_days": 30}, stage.clock())
    assert (row.download, row.keep_server_days) == (True, 30)
    assert "keep_server_days 30" in stage.story("recording_policy")[0].detail
    with pytest.raises(InputError):
        lifetime.policy(stage.context, "geo", {"keep_server_days": 0}, stage.clock())
    with pytest.raises(Unknown):
        lifetime.policy(stage.context, "nothing", {}, stage.clock())


def test_a_choice_must_be_made_and_must_exist(stage, found):
    with stage.context.database.read() as session:
        assert [row.id for row in care.chosen(session, [], "alg")] == [found.id]
        with pytest.raises(InputError):
            care.chosen(session, [])
        with pytest.raises(Unknown):
            care.chosen(session, ["nothing"])


def test_ages_are_counted_from_the_end_of_the_class(stage, found):
    assert lifetime._age(now_of(stage), found.ended_at + timedelta(days=3)) == timedelta(days=3)


def old(stage, room, **columns):
    """A recording of a month ago, as harvest leaves it. Answers its id."""
    at = stage.clock() - timedelta(days=30)
    times = dict.fromkeys(("started_at", "ended_at", "found_at", "seen_at", "published_at", "ready_at"), at)
    own = {"server_id": room.server_id, "record_id": f"run-{room.occurrence}", "meeting_id": room.meeting}
    with stage.context.database.write() as session:
        row = Recording(**own, **times, matched_by="id", name="x", state="published", published=True, labels={})
        session.add(row)
        session.flush()
        session.add(Playback(recording_id=row.id, format="video", url="http://192.0.2.1/x.mp4"))
        session.add(File(recording_id=row.id, format="video", **columns))
        return row.record_id


def until_done(stage, record_id):
    """Whether retention comes to it, behind many that it cannot delete."""
    return any(Done(record_id, True) in lifetime.sweep(stage.context, stage.clock) for _ in range(100))


def test_archived_files_that_cannot_be_removed_keep_no_others_from_it(stage, held, monkeypatch, tmp_path):
    """``archive_url`` was changed: what lies in the old place cannot be removed from here."""
    monkeypatch.setattr(lifetime, "_A_SWEEP", 3)
    for number in range(4):
        old(stage, held(at=70 * number, keep_archive_days=10), state="stored", url="file:///old/x.mp4", size_bytes=1)
    good = tmp_path / "recordings" / "x.mp4"
    good.parent.mkdir(parents=True)
    good.write_bytes(b"x")
    mine = old(stage, held(at=300, keep_archive_days=10), state="stored", url=f"file://{good}", size_bytes=1)
    assert until_done(stage, mine)
    assert not good.exists()


def test_recordings_that_may_not_be_deleted_yet_keep_no_others_from_it(stage, held, monkeypatch):
    """The download of one course fails for good; another course keeps its own for ten days."""
    monkeypatch.setattr(lifetime, "_A_SWEEP", 3)
    monkeypatch.setattr(care, "_delete_on", lambda context, server, ids, clock: [Done(each, True) for each in ids])
    for number in range(4):
        old(stage, held("film", at=70 * number, download=True, keep_server_days=10), state="failed")
    mine = old(stage, held("alg", at=300, keep_server_days=10), state="deleted")
    assert until_done(stage, mine)
