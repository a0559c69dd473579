"""A file is there whole or not at all."""

import io
import os
import stat
import threading

import pytest

from tests.exports.tables import csv_rows, leftovers, many, row, table
from worker.exports import FORMATS, write


def failing(error):
    yield row()
    raise error


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("error", [RuntimeError("the database went away"), KeyboardInterrupt()])
def test_a_failure_leaves_no_file(tmp_path, form, error):
    with pytest.raises(type(error)):
        write(table(failing(error)), form, tmp_path / "report")

    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("form", FORMATS)
def test_a_failure_keeps_the_old_file(tmp_path, form):
    target = tmp_path / "report"
    target.write_text("old")

    with pytest.raises(RuntimeError):
        write(table(failing(RuntimeError())), form, target)

    assert target.read_text() == "old"
    assert leftovers(tmp_path) == ["report"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "report.csv"
    target.write_text("old")

    def looking():
        for each in many(3):
            assert target.read_text() == "old"
            yield each

    write(table(looking()), "csv", target)

    assert len(target.read_text().splitlines()) == 4


def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_mode(tmp_path):
    before = os.umask(0o027)
    try:
        write(table([]), "json", tmp_path / "new")
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o600)
        write(table([]), "json", tmp_path / "old")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    write(table([]), "json", tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "[]\n"


def test_a_name_as_long_as_allowed_can_be_written(tmp_path):
    write(table([]), "json", tmp_path / ("x" * 255))


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(table([]), "json", pipe)
    reader.join(timeout=10)

    assert read == [b"[]\n"]
    assert pipe.is_fifo()


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(table([]), "json", tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_a_stream_need_not_be_seekable_and_is_left_open(form):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError("a pipe cannot be wound back")

        def tell(self):
            raise OSError("a pipe does not know where it is")

    stream = Pipe()
    write(table(many(3)), form, stream)

    assert not stream.closed
    assert len(stream.getvalue()) > 100


def test_an_unknown_zone_is_refused_before_anything_is_touched(tmp_path):
    with pytest.raises(ValueError, match="Mars"):
        write(table([], timezone="Mars/Base"), "csv", tmp_path / "report")

    assert leftovers(tmp_path) == []


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        csv_rows(table([row(starts_at=row()["starts_at"].replace(tzinfo=None))]))


def test_an_unknown_format_is_refused_before_anything_is_touched(tmp_path):
    with pytest.raises(ValueError, match="csv, xlsx, html, json, pdf"):
        write(table([]), "odt", tmp_path / "report")

    assert leftovers(tmp_path) == []
