"""Conventions that fail the build instead of being remembered."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from worker.schedule import entries
from worker.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "worker").rglob("*.py"))
LONGEST = 300


def relative(path):
    return str(path.relative_to(ROOT))


def calls(path):
    """``(dotted name, node)`` of each call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_configuration_is_data():
    assert list((ROOT / "config").rglob("*.py")) == []


def test_every_task_has_an_explicit_name():
    tree = ast.parse((ROOT / "worker" / "tasks.py").read_text(encoding="utf-8"))
    found = []
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for decorator in function.decorator_list:
            assert isinstance(decorator, ast.Call), function.name
            names = [each.value.value for each in decorator.keywords if each.arg == "name"]
            assert names, function.name
            found += names
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in found)


def test_what_beat_rings_is_there_and_expires_within_its_period():
    from worker.celery_app import app

    app.loader.import_default_modules()
    for entry in entries(Settings()).values():
        assert entry["task"] in app.tasks
        assert 0 < entry["options"]["expires"] <= entry["schedule"]


def test_tasks_carry_ids_and_nothing_else():
    from worker.celery_app import app

    app.loader.import_default_modules()
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            arguments = task.run.__annotations__
            assert set(arguments.values()) <= {int, list[int], None, str}, name


def test_only_the_clock_asks_the_time():
    asking = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    free = ("worker/clock.py", "worker/simulator/", "worker/demo/", "worker/bbb/")
    found = [
        (relative(path), name)
        for path in SOURCES
        if not relative(path).startswith(free)
        for name, _ in calls(path)
        if name in asking
    ]
    assert found == []


def test_nothing_is_pickled_and_nothing_is_evaluated():
    forbidden = {"eval", "exec", "pickle.loads", "pickle.load", "marshal.loads", "yaml.load"}
    assert [(relative(path), name) for path in SOURCES for name, _ in calls(path) if name in forbidden] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_file_says_what_it_is_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"
    assert text.count("\n") <= LONGEST


def test_importing_the_tasks_opens_nothing_and_reads_no_setting():
    code = "import worker.tasks, worker.celery_app as c; assert c._context is None"
    environment = {"MEETINGZ_LEAD_SECONDS": "nonsense", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_import_contracts_hold():
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
