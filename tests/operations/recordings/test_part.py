"""What lies of a file that is being fetched."""

from worker.operations.recordings.part import Note, Part

NOTE = Note("https://one/film", "https://one/film", None, None, "video/mp4", "/film")


def test_nothing_is_left_of_a_note_that_was_cut_when_the_disk_was_full(tmp_path):
    part = Part(tmp_path / "1.video.part")
    with part.held():
        part.begin(NOTE)
        (tmp_path / "1.video.part.json.new").write_text('{"url": "htt', encoding="utf-8")
        assert part.note() == NOTE
        part.forget()
    assert list(tmp_path.iterdir()) == []
