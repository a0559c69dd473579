"""The audit of the dependencies: the real uv, a package index in a folder, an advisory database on this machine."""

import json
import re
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import audit

PINNED = 'good==1.0 \\\n    --hash=sha256:00\nbad==2.0 ; python_full_version >= "3.11" \\\n    --hash=sha256:00\n'
ADVISORY = {
    "id": "PYSEC-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "Lets anybody in",
    "affected": [
        {
            "package": {"name": "bad", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """Knows one advisory (https://google.github.io/osv.dev/post-v1-querybatch/)."""

    def do_POST(self):
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        asked = [(each["package"]["name"], each["version"]) for each in queries]
        self.server.asked.extend(asked)
        found = [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]
        self._answer({"results": [{"vulns": found if each == ("bad", "2.0") else []} for each in asked]})

    def do_GET(self):
        self._answer(ADVISORY)

    def _answer(self, told):
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def advisories():
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as web:
        web.asked = []
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield web
        web.shutdown()


@pytest.fixture
def run(tmp_path):
    """Audits a lock file against a folder of packages."""
    for name, version in (("good", "1.0"), ("bad", "2.0")):
        _wheel(tmp_path, name, version)

    def _(lock, port):
        (path := tmp_path / "requirements.lock").write_text(lock)
        url = f"http://127.0.0.1:{port}"
        uv = str(Path(sys.executable).with_name("uv"))
        return audit.main(uv, "--no-index", "--find-links", str(tmp_path), "--service-url", url, lock=path)

    return _


def _wheel(folder, name, version):
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        about = f"{name}-{version}.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def test_every_pinned_release_is_asked_for_and_an_advisory_is_named(run, advisories, capfd):
    assert run(PINNED, advisories.server_port) == 1
    assert sorted(advisories.asked) == [("bad", "2.0"), ("good", "1.0")]
    out, err = capfd.readouterr()
    assert all(word in out for word in ("bad 2.0", ADVISORY["id"], ADVISORY["summary"], "2.1"))
    assert err == ""


def test_no_advisory_is_exit_0(run, advisories):
    assert run("good==1.0 \\\n    --hash=sha256:00\n", advisories.server_port) == 0


def test_nobody_to_ask_is_one_line_and_exit_2(run, capfd):
    assert run(PINNED, 9) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("run: dependencies not audited: error: ")
    assert "127.0.0.1:9" in err


def test_all_that_the_lock_pins_is_read_from_it():
    pins = audit.pins(audit.LOCK.read_text())
    assert [pin.partition("==")[0] for pin in pins] == re.findall(r"^(\S+)==", audit.LOCK.read_text(), re.MULTILINE)
    assert not any("--hash" in pin or "\\" in pin for pin in pins)
