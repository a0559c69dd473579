"""``python -m tests.chaos``: play, judge, print; leaves with 1 where a promise broke."""

import argparse
import signal
import sys

from tests.chaos import page, play


def main():
    given = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = play.Plan(given.seed, given.minutes * 60, lessons=given.lessons)
    try:
        seen = play.run(plan, lambda line: print(line, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        sys.exit(130)
    verdicts = seen.verdicts
    print(page.text(seen, verdicts))
    for verdict in verdicts:
        for detail in verdict.details:
            print(f"{verdict.promise}: {detail}", file=sys.stderr)
    if given.logs:
        with open(given.logs, "w") as file:
            file.write(seen.logs)
    if given.write:
        page.write(seen, verdicts)
    sys.exit(any(verdict.broken for verdict in verdicts))


def _arguments():
    parser = argparse.ArgumentParser(prog="./run chaos", description="break everything, again and again, and judge")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults are made (default 10)")
    parser.add_argument("--lessons", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--logs", metavar="FILE", help="keep the logs of all processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
