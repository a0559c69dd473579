"""The tables of docs/accuracy.md."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.judge import Result
from benchmarks.accuracy.stage import PEOPLE, Era, Size

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
MARK = "<!-- made by `./run accuracy`; what stands below is overwritten -->"


def write(text: str) -> None:
    """What stands above the mark is written by hand, and stays."""
    PAGE.write_text(PAGE.read_text(encoding="utf-8").split(MARK)[0] + f"{MARK}\n\n{text}\n", encoding="utf-8")


def section(era: Era, size: Size, results: Sequence[Result]) -> str:
    """One server: its table, and what of the promise is not kept."""
    title = f"## A server that lists people for {era.shortest:g} to {era.longest:g} s after they left"
    said = (
        f"{size.occurrences} classes of {size.minutes} minutes with {PEOPLE} people a row, polled every {era.period:g} "
        f"s, `leave_latency_seconds` {era.latency:g}, seed {size.seed}. Promised of each person: a median of "
        f"{era.period / 2:g} s, and {era.promise:g} s at most."
    )
    return "\n\n".join([title, said, table(results), _missed(results)])


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = [
        "| Trouble | Promise | Median, s | 95th, s | Worst, s | Within promise | Comings | Of own bound "
        "| Statuses right | Unseen, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, results)])


def _row(each: Result) -> str:
    sizes, verdicts = each.sizes, each.verdicts
    cells = (
        each.name,
        "kept" if each.keeps_the_promise else "NO",
        f"{each.median:.1f}",
        f"{sizes[int(0.95 * (len(sizes) - 1))]:.1f}",
        f"{sizes[-1]:.1f}",
        f"{each.within} of {len(sizes)}",
        f"{max(error.comings for error in each.errors)}",
        f"{each.of_the_bound:.2f}",
        f"{sum(verdicts)} of {len(verdicts)}",
        f"{each.credited_in_the_dark:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _missed(results: Sequence[Result]) -> str:
    missed = [each for each in results if not each.keeps_the_promise]
    if not missed:
        return "The promise is kept in every row."
    lines = [f"* {each.name}: {each.why or 'the reason is not known'}." for each in missed]
    return "\n".join(["Where the promise is not kept, and why:", "", *lines])
