"""``./run bench [NAME ...] [--full]``: run the benchmarks one after another and write docs/benchmarks.md.

Named ones are run anew, the others' sections stay as they were. accuracy and placement have pages of their own.
"""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
#: Modules that print a section; the first line of their docstring says what it is.
SECTIONS = (
    "parsing",
    "simulator",
    "polling",
    "sweeps",
    "schedulers",
    "timetable",
    "reports",
    "recordings",
    "web",
    "workers",
    "starting",
)
#: Modules that write a page themselves.
PAGES = ("accuracy", "placement")
#: Those that know a full size.
SIZED = ("sweeps", "schedulers", "timetable", "placement", "reports")

HEAD = """# Measured

Made by `./run bench`: each figure beside its alternative, in one run, on one machine. Ratios are medians over rounds
whose order was shuffled, with their range where it is given; the alternatives are used as their own documentation
shows. Machines are noisy: read the ratios, not the absolutes. "kept" compares with the bound this program sets itself.
"""


def main(words: list[str]) -> None:
    """Run what was asked for; everything where nothing was."""
    full = "--full" in words
    names = [word for word in words if not word.startswith("-")] or [*SECTIONS, *PAGES]
    for name in names:
        if name not in SECTIONS + PAGES:
            raise SystemExit(f"there is no benchmark {name!r}; there are {', '.join(SECTIONS + PAGES)}")
        print(f"bench: {name}", file=sys.stderr, flush=True)
        text = _run(name, ["--full"] if full and name in SIZED else [])
        if name in SECTIONS:
            _put(name, text)


def _run(name: str, flags: list[str]) -> str:
    command = [sys.executable, "-m", f"benchmarks.{name}", *flags]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _put(name: str, text: str) -> None:
    """One section of the page, between its marks, in the order of :data:`SECTIONS`."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    known = dict(re.findall(r"<!-- (\w+) -->\n(.*?)\n<!-- end -->", page, re.DOTALL))
    known[name] = text if text.startswith("## ") else f"## {name.capitalize()}\n\n```\n{text}\n```"
    marked = [f"<!-- {each} -->\n{known[each]}\n<!-- end -->" for each in SECTIONS if each in known]
    PAGE.write_text(HEAD + "\n" + "\n\n".join(marked) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
