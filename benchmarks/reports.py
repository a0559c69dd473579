"""Reports: how long and in how much memory, against other ways on the same tables; with --full up to a million rows.

    python -m benchmarks.reports [--full]

Each case runs in a process of its own, all of them once a round in another order, on one PostgreSQL and one SQLite that
hold the same truth-like year. Time and memory are counted from when the process has imported what it needs.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks import school_year
from benchmarks.harness import Measured, table, verdict
from benchmarks.report_cases import CASES, ours
from tests import services
from worker import logs
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.reports.report import Wanted
from worker.settings import Settings

#: Rows, and rounds. The largest is run by --full.
SIZES = ((30_000, 3), (100_000, 1), (1_000_000, 1))
BOUNDS = (
    ("X1", "csv: ours", "csv: ORM loop", 1 / 12),
    ("X1", "csv: ours", "csv: csv.writer on a server-side cursor, statuses in Python", 1 / 5),
    ("X1", "csv: ours", "csv: csv.writer on a server-side cursor over our own statement", 1 / 5),
    ("X2", "xlsx: ours", "xlsx: openpyxl, write-only", 1 / 3),
    ("X2", "xlsx: ours", "xlsx: xlsxwriter, constant_memory", 0.7),
    ("X3", "totals: ours", "totals: Python over what is known", 1 / 4),
    ("X3", "totals: ours", "totals: Python over the rows of our own statement", 1 / 4),
)
PEAKS = (("X1", "csv: ours", 20), ("X2", "xlsx: ours", 50))
NOTE = """The bounds are for a million rows; what does not grow (connecting, planning the statements) weighs more on
fewer. Processor time is that of the program; the work of PostgreSQL, on this machine too, is in the wall time
alone. The bounds of X1 and X3 come from a study in which statuses stood finished in a table. Here every way
judges them from stays, and ours has PostgreSQL do it, two batches at once. The lines "over our own statement"
take what PostgreSQL has judged for ours and write it in Python: they show what it saves beyond that to put lines
together and to count in SQL.
"""
Costs = dict[str, list[dict[str, float]]]


def main() -> None:
    if "--one" in sys.argv:
        print(json.dumps(_one(*sys.argv[sys.argv.index("--one") + 1 :])))
        return
    sizes = SIZES if "--full" in sys.argv else SIZES[:2]
    print("## Reports: attendance of a year, 30 people a sitting\n")
    on_postgresql, on_sqlite = _postgresql(sizes), _sqlite(sizes)
    print(_ratios(on_postgresql))
    print(_peaks(on_postgresql, on_sqlite))
    print("Seconds of the largest size, PostgreSQL:\n")
    print(_seconds(on_postgresql[sizes[-1][0]]))
    print(NOTE)


def _postgresql(sizes: tuple[tuple[int, int], ...]) -> dict[int, Costs]:
    found = {}
    for rows, rounds in sizes:
        with services.postgres() as server, tempfile.TemporaryDirectory() as folder:
            found[rows] = _rounds(folder, server.empty(), rows, rounds, list(CASES))
    return found


def _sqlite(sizes: tuple[tuple[int, int], ...]) -> dict[int, Costs]:
    found = {}
    for rows, _ in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found[rows] = _rounds(folder, "", rows, 1, ["csv: ours", "xlsx: ours"])
    return found


def _rounds(folder: str, url: str, rows: int, rounds: int, cases: list[str]) -> Costs:
    _in_process("fill", folder, url, rows)
    order, dice, costs = list(cases), random.Random(rows), defaultdict(list)
    for _ in range(rounds):
        dice.shuffle(order)
        for case in order:
            cost = _in_process(case, folder, url, rows)
            costs[case].append(cost)
            print(f"bench: {rows} {case}: {cost}", file=sys.stderr, flush=True)
    return costs


def _in_process(case: str, folder: str, url: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reports", "--one", case, folder, url, str(rows)]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def _one(case: str, folder: str, url: str, rows: str) -> dict[str, float]:
    context, target = make(Path(folder), url), Path(folder) / "out"
    if case == "fill":
        return {"sittings": school_year.fill(context, int(rows))}
    for form in ("csv", "xlsx"):
        ours(form)(context, target, Wanted(occurrence=1))  # type: ignore[call-arg]
    before, began, cpu = _peak(), time.perf_counter(), time.process_time()
    count = CASES[case](context, target)
    spent, passed = time.process_time() - cpu, time.perf_counter() - began
    return {
        "wall": passed,
        "cpu": spent,
        "peak": _peak() - before,
        "rows": count,
        "size": target.stat().st_size / 2**20,
    }


def make(folder: Path, url: str) -> Context:
    """The surroundings of one process."""
    settings = Settings(data_dir=folder, database_url=url, secret_key="a key for the benchmark only")  # type: ignore[arg-type]
    logs.configure(settings, "CRITICAL")
    return contexts.make(settings)


def _peak() -> float:
    """The most memory that this program ever had, in MiB: unlike getrusage, not what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _measured(costs: Costs) -> Measured:
    times = {key: {case: [cost[key] for cost in each] for case, each in costs.items()} for key in ("cpu", "wall")}
    return Measured(times["cpu"], times["wall"])


def _ratios(found: dict[int, Costs]) -> str:
    rows = []
    for name, case, other, bound in BOUNDS:
        for size, costs in found.items():
            if not (costs.get(case) and costs.get(other)):
                continue
            ratio, cpu = (_measured(costs).ratio(case, other, wall=wall) for wall in (True, False))
            what = f"{case.partition(':')[0]}, {size:,}"
            rows.append((name, what, other.partition(": ")[2], ratio, cpu, f"{bound:.3g}", verdict(ratio, bound)))
    return table(("", "rows", "ours against", "wall time", "processor time", "at most", "kept"), rows)


def _peaks(on_postgresql: dict[int, Costs], on_sqlite: dict[int, Costs]) -> str:
    rows = []
    for name, case, bound in PEAKS:
        for where, found in (("PostgreSQL", on_postgresql), ("SQLite", on_sqlite)):
            for size, costs in ((size, costs) for size, costs in found.items() if costs.get(case)):
                peak, wall = max(each["peak"] for each in costs[case]), min(each["wall"] for each in costs[case])
                kept = "yes" if peak <= bound else "NO"
                what = f"{case.partition(':')[0]} on {where}, {size:,}"
                rows.append((name, what, f"{peak:.0f} MiB", f"{bound} MiB", kept, f"{wall:.1f} s"))
    return table(("", "rows", "memory above the start", "at most", "kept", "took"), rows)


def _seconds(costs: Costs) -> str:
    rows = [
        (case, *(f"{min(cost[key] for cost in costs[case]):.1f}" for key in ("wall", "cpu")), *_sizes(costs[case]))
        for case in CASES
        if costs.get(case)
    ]
    return table(("", "wall", "processor", "memory above the start, MiB", "file, MiB"), rows)


def _sizes(costs: list[dict[str, float]]) -> tuple[str, str]:
    return f"{max(cost['peak'] for cost in costs):.0f}", f"{costs[0]['size']:.0f}"


if __name__ == "__main__":
    main()
