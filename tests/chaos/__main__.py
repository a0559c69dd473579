"""``python -m tests.chaos``: play, judge, print; leaves with 1 where a promise broke."""

import argparse
import signal
import sys
from pathlib import Path

from tests.chaos import page, play


def main():
    given = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    plan = play.Plan(given.seed, given.minutes * 60, lessons=given.lessons, wave=given.wave)
    try:
        seen = play.run(plan, _say)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.write(page.text(seen))
    for verdict in seen.verdicts:
        for detail in verdict.details:
            _say(f"{verdict.promise}: {detail}")
    if given.logs:
        given.logs.write_text(seen.logs, encoding="utf-8")
    if given.write:
        page.write(seen)
    sys.exit(any(verdict.broken for verdict in seen.verdicts))


def _say(line):
    sys.stderr.write(f"{line}\n")


def _arguments():
    parser = argparse.ArgumentParser(prog="./run chaos", description="break everything, again and again, and judge")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults are made (default 10)")
    parser.add_argument("--lessons", type=int, default=50, help="classes (default 50)")
    parser.add_argument("--wave", type=int, default=12, help="faults in a wave (default 12)")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--logs", metavar="FILE", type=Path, help="keep the logs of all processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
