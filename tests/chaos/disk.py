"""The disk of the archive, which can be full: a small file system of its own, or a limit on what a process writes."""

import contextlib
import os
import resource
import subprocess

#: Of the file system, bytes: room for all that a run keeps, and little enough to be filled at once.
SIZE = 64 * 2**20
_PAGE = 4096
#: Files of recordings are larger, and a process that may not write so much still says what it does.
_LIMIT = 4096


class Disk:
    """Mounted on ``folder`` where that is allowed (root); else the workers may write no file of more than a page."""

    def __init__(self, folder):
        self._folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        self.is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
        self._ballast = folder / "ballast"

    def fill(self, pages):
        """Nothing is left but so many pages: what is begun with them ends in the middle."""
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(_PAGE))
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - pages * _PAGE))

    def empty(self):
        self._ballast.unlink(missing_ok=True)

    def limit(self, pids):
        """The other way: whoever writes beyond it is told that the file is too large (EFBIG)."""
        self._prlimit(pids, _LIMIT)

    def lift(self, pids):
        self._prlimit(pids, resource.RLIM_INFINITY)

    def _prlimit(self, pids, size):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=False)
