"""A file is there whole or not at all: written beside its place, then renamed into it."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(destination: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A stream to write to. A path gets its content only if the block ends well; an old file stays until then."""
    if not isinstance(destination, Path):
        yield destination
    elif _is_device(destination):
        with destination.open("wb") as stream:
            yield stream
    else:
        with _replacing(destination.resolve()) as stream:
            yield stream


def _is_device(path: Path) -> bool:
    """Whether the path is a pipe or a terminal, as /dev/stdout may be: nothing to rename there."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    # A short name of our own: a neighbour's name may already be as long as the file system allows.
    neighbour = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with neighbour.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _keep_mode(path, neighbour)
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise


def _keep_mode(old: Path, new: Path) -> None:
    with suppress(FileNotFoundError):
        new.chmod(old.stat().st_mode & 0o777)
