"""``python -m tests.audit UV [WORDS]``: asks the open advisory database (OSV) about every release that is pinned.

UV is a uv that can audit; WORDS are options of its ``audit``, such as ``--ignore ID`` or ``--service-url URL``.
Exit status 0: no advisory; 1: there are some, named on stdout; 2: nobody could be asked, said in one line on stderr.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"


def pins(lock: str) -> list[str]:
    """Each pinned release of a lock file with its marker, without its hashes: ``celery==5.6.0``."""
    return [line.rstrip("\\ ") for line in lock.splitlines() if line and not line.startswith((" ", "#", "-"))]


def script(lock: str) -> str:
    """The releases as the inline metadata of a script (PEP 723): what uv audits without a lock file of its own."""
    lines = ["# /// script", '# requires-python = ">=3.11"', "# dependencies = ["]
    lines += [f"#   {json.dumps(pin)}," for pin in pins(lock)]
    return "\n".join([*lines, "# ]", "# ///", ""])


def main(uv: str, *words: str, lock: Path = LOCK) -> int:
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "pinned.py").write_text(script(lock.read_text(encoding="utf-8")), encoding="utf-8")
        command = [uv, "audit", "--preview-features", "audit-command", "--script", str(path), *words]
        # One try and no more: a run of the tests on a machine without a way out should not wait for it.
        environment = os.environ | {"UV_HTTP_RETRIES": "0"}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if told.returncode not in (0, 1):
        print(f"run: dependencies not audited: {_reason(told.stderr)}", file=sys.stderr)  # noqa: T201
        return 2
    print((told.stdout + told.stderr).strip())  # noqa: T201
    return told.returncode


def _reason(errors: str) -> str:
    """uv's error and the last of its causes, in one line."""
    told = [line.strip() for line in errors.splitlines() if line.strip().startswith(("error:", "cause:"))]
    return "; ".join(told[:1] + told[1:][-1:]) or "uv did not say why"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
