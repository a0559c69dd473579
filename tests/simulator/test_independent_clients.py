"""Clients that other people wrote talk to the simulator: what they expect of a server, it does.

Each runs as a process of its own. Their quirks stay theirs: bbbctl wants the address with its ``api``, signs with
SHA-256, joins by role alone, and fails where a server shows no passwords (era E); bigbluebutton-api-python adds
``/bigbluebutton/api/`` to whatever it is given, and cannot read an empty list of recordings without a message key.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from worker.simulator import World, serve

SECRET = "sek ret"
OLD_CLIENT = """
import sys
from bigbluebutton_api_python import BigBlueButton

server = BigBlueButton(sys.argv[1], sys.argv[2])
server.create_meeting("m-2", params={"name": "درس دو", "attendeePW": "aa", "moderatorPW": "mm"})
server.create_meeting("m-2", params={"name": "درس دو", "attendeePW": "aa", "moderatorPW": "mm"})
print(server.get_meeting_info("m-2").get_meetinginfo().get_meetingname())
print(server.get_join_meeting_url("Zahra", "m-2", "aa"))
server.end_meeting("m-2", "mm")
print(server.is_meeting_running("m-2").is_meeting_running())
"""


@pytest.fixture
def world():
    return World(SECRET, profile="D", scale=60)


def bbbctl(server, *words):
    environment = os.environ | {"BBBCTL_SERVER": server.base_url + "api", "BBBCTL_SECRET": SECRET}
    command = [str(Path(sys.executable).with_name("bbbctl")), "--format", "json", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_bbbctl_creates_joins_looks_ends_and_lists_recordings(world):
    with serve(world) as server:
        bbbctl(server, "meeting", "create", "m-1", "درس یک", "--record")
        assert json.loads(bbbctl(server, "meeting", "list"))["meetingID"] == "m-1"
        link = bbbctl(server, "meeting", "join", "m-1", "Zahra").strip()
        assert "sessionToken=" in requests.get(link, allow_redirects=False, timeout=10).headers["Location"]
        info = json.loads(bbbctl(server, "meeting", "info", "m-1"))
        assert (info["meetingName"], int(info["participantCount"])) == ("درس یک", 1)
        bbbctl(server, "meeting", "end", "m-1")
        assert bbbctl(server, "record", "list").strip() in ("", "[]")
        assert [stay.full_name for stay in world.truth()] == ["Zahra"]


def test_bigbluebutton_api_python_creates_twice_joins_looks_and_ends(world):
    with serve(world) as server:
        root = server.base_url.removesuffix("bigbluebutton/")
        words = [sys.executable, "-c", OLD_CLIENT, root, SECRET]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        name, link, running = done.stdout.splitlines()
        assert name == "درس دو"
        assert "fullName=Zahra" in link
        assert running in ("False", "false")
        assert [meeting.meeting_id for meeting in world.history()] == ["m-2"]
