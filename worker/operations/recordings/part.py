"""A file that grows on our disk until it is whole, with a note beside it that says of what it is a part.

The note is written before the first byte, and the bytes of another version are gone before the note changes: whenever
the process dies, what lies there belongs to what the note says.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """What the bytes are a part of."""

    url: str  #: what was to be fetched
    source: str  #: what gave the bytes: the film on the page at ``url``, or ``url`` itself
    validator: str | None  #: how the server names this very version; None: it cannot be resumed
    total: int | None  #: bytes of the whole; None: not told yet
    content_type: str
    path: str  #: of the source, after redirects


class Busy(Exception):
    """Another process is writing this part."""


class NoRoom(Exception):
    """The disk is full, or nearly: no fault of the file's, which waits for room."""


def is_full(error: Exception) -> bool:
    """Whether the system says that a file cannot grow: no space, no quota, or a limit set for the process."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Part:
    """One part. Hold :meth:`held` while using it: two processes never write the same one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")
        self._fresh = path.with_name(f"{path.name}.json.new")
        self._lock = path.with_name(f"{path.name}.lock")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone. The system lets go when the process dies. Raises Busy."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy from None
            if not self._lock.exists() or not os.path.samestat(os.fstat(lock.fileno()), self._lock.stat()):
                raise Busy  # whoever had it has just put it away
            yield

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def last_byte(self) -> bytes:
        """The last byte that is here."""
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read()

    def note(self) -> Note | None:
        """What lies here; None: nothing that could be gone on with."""
        try:
            return Note(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, note: Note) -> None:
        """From the first byte on."""
        self.drop()
        self.rewrite(note)

    def rewrite(self, note: Note) -> None:
        """Say more of the same version."""
        self._fresh.write_text(json.dumps(asdict(note)), encoding="utf-8")
        self._fresh.replace(self._note)

    def drop(self) -> None:
        """Nothing of it is of use any more: first the bytes, then what they were."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def forget(self) -> None:
        """It has become a file: nothing is left here. Only while it is held."""
        self.drop()
        self._fresh.unlink(missing_ok=True)  # where the disk was full, or the process died, in the midst of a note
        self._lock.unlink(missing_ok=True)

    @contextmanager
    def growing(self) -> Iterator["Growth"]:
        """Append. Each write goes to the system at once, so that a killed process loses none."""
        with self.path.open("ab", buffering=0) as file:
            yield Growth(file.fileno())

    def digest(self) -> str:
        """SHA-256 of what is on the disk, which is first made sure of."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Growth:
    """An open part."""

    descriptor: int

    def write(self, data: bytes) -> None:
        """All of it."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]
