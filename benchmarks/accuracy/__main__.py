"""Measure and write the page; ``--quick`` prints only."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from benchmarks.accuracy import page
from benchmarks.accuracy.judge import Result, measure
from benchmarks.accuracy.scenarios import SCENARIOS
from benchmarks.accuracy.stage import ERAS, Size, settings
from worker import logs


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run accuracy", description="Measure attendance against the truth.")
    parser.add_argument("--quick", action="store_true", help="a few classes, printed only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    size = Size(occurrences=2 if given.quick else 200, seed=given.seed)
    jobs = [(era, number, size) for era, number in product(ERAS, range(len(SCENARIOS)))]
    with ProcessPoolExecutor(given.processes) as pool:
        results = list(pool.map(_one, jobs))
    parts = [page.section(era, size, [each for each in results if each.era == era]) for era in ERAS.values()]
    text = "\n\n".join(parts)
    print(text) if given.quick else page.write(text)
    sys.exit(not all(each.holds for each in results))


def _one(job: tuple[str, int, Size]) -> Result:
    era, number, size = job
    logs.configure(settings(Path(), 30), "CRITICAL")
    result = measure(SCENARIOS[number], ERAS[era], size)
    print(f"{era} {result.name}: median {result.median:.1f} s", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
