"""Files for the readers: small ones written on the spot, real ones where they are at hand."""

from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "shared" / "data" / "timetables"


@pytest.fixture
def write(tmp_path):
    """Write text or bytes under a name, and give the path."""

    def _write(content, name="timetable.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


@pytest.fixture
def real():
    """A real file by name; the test is skipped where it is absent."""

    def _real(name):
        if not (REAL / name).exists():
            pytest.skip(f"{name} is not here")
        return REAL / name

    return _real
