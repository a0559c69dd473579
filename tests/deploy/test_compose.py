"""The compose file and the image: valid, and their commands see a class through."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import AuthenticationError, Redis

from tests.conftest import SECRET
from tests.deploy.compose import FILE, ROOT, SERVICES, wait_for
from worker.operations.timetable import sittings

OURS = ("migrate", "worker", "beat", "web")


def tool(name, *arguments):
    return subprocess.run(
        [Path(sys.executable).with_name(name), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_compose_file_is_valid():
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_nothing_to_complain_of():
    done = tool("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", OURS)
def test_our_services_run_as_nobody_on_a_file_system_they_cannot_change(service):
    given = SERVICES[service]
    assert given["user"] == "10001:10001"
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert not [port for port in given.get("ports", ()) if not port.startswith("127.0.0.1:")]


def test_neither_database_nor_broker_can_be_reached_from_outside():
    assert FILE["networks"]["inside"]["internal"] is True
    for service in ("postgres", "valkey"):
        assert SERVICES[service]["networks"] == ["inside"]
        assert "ports" not in SERVICES[service]


def test_no_secret_stands_in_a_command_or_a_variable():
    for service in SERVICES.values():
        words = [*service.get("command", ()), *map(str, service.get("environment", {}).values())]
        assert not [word for word in words if "password=" in word or "requirepass" in word or "://" in word]


def test_secrets_are_made_once_and_agree(installation):
    before = {path.name: path.read_text() for path in installation.secrets.iterdir()}
    subprocess.run([ROOT / "deploy" / "make-secrets", installation.secrets], check=True)
    assert {path.name: path.read_text() for path in installation.secrets.iterdir()} == before
    assert set(before) == set(FILE["secrets"])
    assert installation.secrets.stat().st_mode & 0o777 == 0o700


def test_the_broker_lets_nobody_in_without_its_password(installation):
    url = installation.secret("broker_url")
    with Redis.from_url(url) as client:
        assert client.ping()
    with Redis.from_url("redis://" + url.partition("@")[2]) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_a_worker_does_not_start_on_tables_that_are_not_there(installation):
    assert installation.start("worker").wait(30) == 1
    last = json.loads(installation.log("worker").read_text().splitlines()[-1])
    assert last["error"] == "the database is empty: run `meetingz db upgrade`"


def test_the_page_is_served_and_its_health_check_sees_it(installation):
    assert installation.start("migrate").wait(30) == 0
    assert not installation.is_healthy("web")
    web = installation.start("web")
    wait_for(lambda: installation.is_healthy("web"), within=20)
    web.send_signal(signal.SIGTERM)
    assert web.wait(20) in (0, -signal.SIGTERM)
    assert not installation.is_healthy("web")


def test_the_services_see_a_class_through(installation, school, context, clock, make_course, make_occurrence):
    began = time.monotonic()
    assert installation.start("migrate").wait(30) == 0
    roster = [("tea-1", "Teacher", "moderator"), ("stu-1", "Ada", "viewer"), ("stu-2", "Ben", "viewer")]
    make_course(roster=roster)
    installation.start("worker")
    installation.start("beat")
    wait_for(lambda: installation.is_healthy("worker") and installation.is_healthy("beat"), within=20)
    occurrence = make_occurrence(start_in=0.1, minutes=0.15)

    def sitting(state):
        with context.database.read() as session:
            (found,) = sittings.find(session, clock())
        return found if found.state == state else None

    room = wait_for(lambda: sitting("open"), within=15).meeting.external_id
    school.world.join(room, "tea-1", "Teacher", "MODERATOR")
    school.world.join(room, "stu-1", "Ada")
    wait_for(lambda: sitting("live"), within=15)
    held = wait_for(lambda: (found := sitting("held")) and found.occurrence.settled_at and found, within=30)
    assert held.meeting.close_reason == "ended"
    assert time.monotonic() - began < 60

    report = json.loads(installation.run("meetingz", "report", "attendance", "--format", "json"))
    statuses = {row["user_id"]: (row["occurrence"], row["status"]) for row in report}
    expected = {"tea-1": "present", "stu-1": "present", "stu-2": "absent"}
    assert statuses == {user: (occurrence, status) for user, status in expected.items()}

    for service in ("worker", "beat"):
        assert left(installation, service) == 0
        age_it(installation.heartbeat(service))
        assert not installation.is_healthy(service)
        told = installation.log(service).read_text()
        if service == "worker":
            added = next(line for line in told.splitlines() if "server_added" in line)
            assert json.loads(added)["detail"] == "default"
        for secret in (SECRET, installation.secret("secret_key"), installation.secret("broker_url")):
            assert secret not in told


def left(installation, service, within=60):
    """The status of a service that was told to stop. It has as long as systemd gives it, then says where it is."""
    process = installation.running[service]
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGUSR1)  # a Celery worker writes down where each of its threads is
        time.sleep(2)
        told = installation.log(service).read_text()[-20_000:]
        raise AssertionError(f"{service} did not stop within {within} s\n{told}") from None


def age_it(path):
    """As if it had been touched for the last time five minutes ago."""
    then = time.time() - 300
    os.utime(path, (then, then))


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_the_systemd_units_run_the_same_commands(service):
    unit = (ROOT / "deploy" / "systemd" / f"meetingz-{service}.service").read_text().splitlines()
    (line,) = (line for line in unit if line.startswith("ExecStart="))
    assert line == "ExecStart=/opt/meetingz/bin/" + " ".join(SERVICES[service]["command"])
