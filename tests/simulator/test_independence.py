"""The simulator stands alone: its own signing, the standard library, uvicorn."""

import ast
import sys
from pathlib import Path

import worker.simulator

HOME = Path(worker.simulator.__file__).parent


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_it_imports_nothing_of_the_program_it_tests():
    for path in HOME.glob("*.py"):
        for name in imported(path):
            top = name.split(".")[0]
            assert name.startswith("worker.simulator") or top in sys.stdlib_module_names | {"uvicorn"}, (path, name)


def test_the_state_machine_knows_nothing_of_http():
    pure = ("world", "ledger", "meeting", "recording", "pace", "profiles", "people", "director", "faults")
    edge = {"worker.simulator.wire", "worker.simulator.api", "worker.simulator.app", "worker.simulator.server"}
    for name in pure:
        assert not edge & set(imported(HOME / f"{name}.py"))
