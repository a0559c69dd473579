"""Where whole files go: any fsspec address. A file appears under its name at once and whole, or not at all."""

from pathlib import Path
from typing import Any

import fsspec.core

from worker.errors import SettingsError
from worker.settings import Settings

#: Stores that show a file only when all of it has arrived.
_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az"})
#: Beside the files, on the same file system, so that a finished one is only renamed.
_PARTS = ".partial"


class Store:
    """The archive of one installation. Raises SettingsError where its address cannot be used."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.archive_url or f"file://{settings.data_dir.resolve() / 'recordings'}"
        try:
            self._files, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise SettingsError(f"MEETINGZ_ARCHIVE_URL: {error}") from None
        self._root = str(root).rstrip("/")
        kinds: Any = self._files.protocol
        self._kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        self.is_local = "file" in self._kinds
        self.parts = Path(self._root) / _PARTS if self.is_local else settings.data_dir / _PARTS

    def address(self, name: str) -> str:
        """Where a file of this name is, or will be."""
        return str(self._files.unstrip_protocol(f"{self._root}/{name}"))

    def put(self, part: Path, name: str) -> None:
        """Bring a whole file in. Raises OSError; then nothing is there under that name."""
        final, size = f"{self._root}/{name}", part.stat().st_size
        if not self._kinds & _ATOMIC:
            self._files.makedirs(final.rpartition("/")[0], exist_ok=True)
        if self.is_local:
            part.replace(final)
        else:
            self._upload(part, final)
        found = self._files.info(final)["size"]
        if found != size:
            self._files.rm(final)
            raise OSError(f"the archive kept {found} of {size} bytes")

    def _upload(self, part: Path, final: str) -> None:
        if self._kinds & _ATOMIC:
            self._files.put_file(str(part), final)
            return
        growing = f"{final}.uploading"
        self._files.put_file(str(part), growing)
        self._files.mv(growing, final)

    def remove(self, url: str) -> None:
        """Delete a file of ours; one that is gone already is no error."""
        path = self._files._strip_protocol(url)
        if not path.startswith(f"{self._root}/"):
            raise OSError("the file lies outside the present archive_url")
        if self._files.exists(path):
            self._files.rm_file(path)

    def has(self, url: str, size: int | None) -> bool:
        """Whether the file is still there, in its size."""
        path = self._files._strip_protocol(url)
        return bool(self._files.exists(path)) and self._files.info(path)["size"] == size
