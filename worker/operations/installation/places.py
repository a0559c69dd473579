"""places: the folders of an installation, tried by writing into them, and what else lies there. Part of ``doctor``."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from worker.errors import SettingsError
from worker.operations.recordings.storing import Store
from worker.settings import Settings
from worker.store.tables import Course

_LEAST_DISK = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""


def look(settings: Settings) -> Iterator[Finding]:
    """The data folder, the archive, the heartbeat's, and the key."""
    yield from _folder("data folder", settings.data_dir, "MEETINGZ_DATA_DIR")
    yield from _disk("disk", settings.data_dir, _LEAST_DISK)
    yield from _key(settings)
    if settings.heartbeat_file is not None:
        yield from _folder("heartbeat folder", settings.heartbeat_file.parent, "MEETINGZ_HEARTBEAT_FILE")
    try:
        folder = _archive_folder(settings)
    except SettingsError as error:
        yield Finding("archive", False, str(error), "mend it, or take it away: files are then kept in the data folder")
        return
    if folder is not None:
        yield from _folder("archive folder", folder, "MEETINGZ_ARCHIVE_URL")


def _archive_folder(settings: Settings) -> Path | None:
    """None where it is no folder of this machine. Raises SettingsError."""
    store = Store(settings)
    return store.parts.parent if store.is_local else None


def archive(settings: Settings, session: Session) -> Iterator[Finding]:
    """Room for downloads, where a course wants any."""
    try:
        folder = _archive_folder(settings)
    except SettingsError:
        return  # a finding already
    if folder is not None and session.scalar(select(exists().where(Course.download, Course.archived_at.is_(None)))):
        yield from _disk("archive disk", folder, settings.download_reserve_bytes)


def _folder(name: str, folder: Path, variable: str) -> Iterator[Finding]:
    """Looking at its permissions would not do: of a full or read-only file system they say nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
    except OSError as error:
        remedy = f"give it to the user that runs the worker, or set {variable} to another place"
        yield Finding(name, False, f"{folder} cannot be written: {error.strerror}", remedy)


def _disk(name: str, folder: Path, least: int) -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # the folder itself is a finding
    full = free < least
    told = f"{free // 2**20} MiB free in {folder}" + (f", less than {least // 2**20} MiB" if full else "")
    yield Finding(name, not full, told, "make room" if full else "")


def _key(settings: Settings) -> Iterator[Finding]:
    key = settings.data_dir / "secret.key"
    if settings.secret_key is None and key.exists():
        mode = stat.S_IMODE(key.stat().st_mode)
        open_ = bool(mode & 0o077)
        yield Finding("key file", not open_, f"{key} has mode {mode:04o}", f"chmod 600 {key}" if open_ else "")
