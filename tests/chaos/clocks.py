"""Wall clocks that can be set, one for each process; where there is no C compiler, nobody's can."""

import shutil
import struct
import subprocess
from pathlib import Path


class Clocks:
    """Compiled once a run."""

    def __init__(self, folder):
        self._folder, self._library = folder, folder / "clock.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        self.can_be_set = compiler is not None
        if compiler:
            source = Path(__file__).with_name("clock.c")
            subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", self._library, source], check=True)

    def environment(self, name):
        """What the process of this name needs, and its children inherit."""
        if not self.can_be_set:
            return {}
        if not self._file(name).exists():
            self._file(name).write_bytes(bytes(8))
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._file(name))}

    def set(self, name, seconds):
        """So far from the truth from now on, whichever process runs in this place."""
        with self._file(name).open("r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1e9)))

    def _file(self, name):
        return self._folder / f"{name}.clock"
