"""docs/reliability.md: what was promised, what was done to break it, what was seen."""

import os
import platform
from collections import Counter
from statistics import median

from tests.chaos.measures import PERIOD
from tests.processes.programs import ROOT

PAGE = ROOT / "docs" / "reliability.md"
MARK = "<!-- made by `./run chaos --write`; what stands below is overwritten -->"


def text(seen):
    plan, done = seen.plan, seen.done
    lengths = [wave.ended - wave.began for wave in seen.waves]
    rows = [f"| {each.promise} | {'kept' if not each.broken else 'BROKEN'} | {each.figure} |" for each in seen.verdicts]
    kinds = Counter(each.kind for each in done)
    return "\n".join(
        (
            f"Seed {plan.seed}: {len(done)} faults in {len(seen.waves)} waves within "
            f"{(seen.waves[-1].ended - seen.waves[0].began) / 60:.1f} minutes (a wave lasts {median(lengths):.0f} s in "
            f"the median, {max(lengths):.0f} s at most), {len(seen.lessons)} classes of {plan.shortest:.0f} to "
            f"{plan.longest:.0f} s with {sum(len(each.people) for each in seen.lessons)} places taken, "
            f"{sum(len(school.history) for school in seen.schools.values())} meetings on 3 servers. Every loop has a "
            f"period of {PERIOD:.0f} s. Machine: {os.cpu_count()} processors, load {os.getloadavg()[2]:.0f}, "
            f"Python {platform.python_version()}.",
            "",
            "| Promise | | Seen |",
            "|---|---|---|",
            *rows,
            "",
            "| Fault | Times |",
            "|---|---|",
            *(f"| {kind} | {times} |" for kind, times in kinds.most_common()),
            "",
        )
    )


def write(seen):
    """The part of the page that a run makes."""
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{text(seen)}", encoding="utf-8")
