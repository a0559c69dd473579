"""The wheel alone, in an empty folder, is the whole program; and its doors answer before anything is set up."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The command, from a wheel in an environment of its own that borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", with_pip=True, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    # A line in a .pth file adds the folder alone: the editable install's own .pth in it is not read.
    purelib = sysconfig.get_path("purelib", "venv", vars={"base": str(folder / "venv")})
    (Path(purelib) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv" / "bin" / "meetingz"


@pytest.fixture
def run(installed, tmp_path, bare_environment):
    """Run the installed command in an empty folder."""
    (tmp_path / "empty").mkdir()

    def _(*arguments, **variables):
        return subprocess.run(
            [installed, *arguments],
            cwd=tmp_path / "empty",
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    _.folder = tmp_path / "empty"
    return _


def test_it_is_the_wheel_that_runs(installed):
    where = [installed.with_name("python"), "-c", "import worker; print(worker.__file__)"]
    done = subprocess.run(where, capture_output=True, text=True, check=True, cwd=installed.parent)
    assert done.stdout.startswith(str(installed.parents[1]))


def test_migrations_travel_in_it(run):
    upgraded = run("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    checked = run("db", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (run.folder / "var" / "meetingz.db").exists()


def test_doctor_says_what_is_missing_and_what_to_do(run):
    assert run("db", "upgrade").returncode == 0
    done = run("doctor", "--json")
    findings = {each["check"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 1
    assert findings["database"]["ok"]
    assert "meetingz server add" in findings["servers"]["remedy"]


def test_the_demo_tells_its_whole_story_from_it(run):
    done = run("demo", "--seconds", "45", "--json")
    assert done.stdout, done.stderr
    story = json.loads(done.stdout)
    assert [course["course"] for course in story["courses"] if not course["as_expected"]] == []
    assert story["recordings"]


def test_help_needs_no_database_and_no_settings_that_make_sense(run):
    nonsense = {"MEETINGZ_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "MEETINGZ_TIMEZONE": "Nowhere"}
    done = run("--help", **nonsense)
    assert done.returncode == 0, done.stderr
    assert "doctor" in done.stdout
    assert list(run.folder.iterdir()) == []


def test_a_word_that_is_no_command_is_a_mistake_of_usage(run):
    assert run("frobnicate").returncode == 2


@pytest.mark.parametrize(("arguments", "status"), [((), 0), (("help",), 0), (("frobnicate",), 2)])
def test_the_developers_door_shows_its_commands(arguments, status):
    done = subprocess.run([ROOT / "run", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "usage: ./run COMMAND" in (done.stderr if status else done.stdout)
