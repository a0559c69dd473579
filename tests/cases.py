"""The edge cases of the wire protocol, and the tests that carry their numbers.

A test says which case it proves in its name: ``test_e14_a_lost_answer_to_create_...``. ``python -m tests.cases`` prints
docs/protocol.md; ``tests/test_cases.py`` fails where a case has neither a test nor a reason, and where the page is old.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent

#: What each case is about. Numbers are those that docstrings cite.
CASES = {
    1: "golden checksums",
    2: "checksum first, in the middle, last, alone",
    3: "missing checksum refused",
    4: "sha256 by era",
    5: "upper-case checksum by era",
    6: "`+` and `%20` both accepted as sent",
    7: "the bytes hashed are the bytes sent",
    8: "form POST, three rules; over-long address refused before sending",
    9: "address too long for the server",
    10: "Accept header",
    11: "Persian without a charset",
    12: "byte order mark, newline, XML declaration",
    13: "HTML, empty, truncated, two documents: unknown outcome",
    14: "create executed, answer lost, repeated",
    15: "DTD and entity bombs refused",
    16: "secrets never shown",
    17: "order of checks by era",
    18: "create repeated changes nothing",
    19: "other passwords: idNotUnique, adopted if ours",
    20: "create without passwords",
    21: "one password only",
    22: "comma in an id",
    23: "name missing or too short",
    24: "junk duration",
    25: "labels dropped and lower-cased",
    26: "Persian label survives",
    27: "spaces around an id",
    28: "voice bridge stays text",
    29: "voice bridge taken",
    30: "create right after end is a new run",
    31: "two creates at once, one meeting",
    32: "duplicate without a message key",
    33: "malformed slides",
    34: "duration counts from creation",
    35: "unused room expires and is opened again",
    36: "never joined: startTime is no class start",
    37: "last person leaves for 50 s, for 90 s",
    38: "end is asynchronous, and harmless twice",
    39: "end with a wrong password",
    40: "end of an unknown meeting",
    41: "isMeetingRunning of an unknown meeting",
    42: "hasBeenForciblyEnded",
    43: "one notFound between good polls; outages",
    44: "another run under the same id",
    45: "clock skew",
    46: "two devices, one person",
    47: "ghost after a rejoin",
    48: "no userID",
    49: "namesakes",
    50: "one, many, no attendees",
    51: "counts that differ from the list",
    52: "numbers with separators, Persian digits",
    53: "dial-in",
    54: "role changes",
    55: "breakout rooms",
    56: "waiting guests",
    57: "registered is not attending",
    58: "recorder bots",
    59: "control characters",
    60: "names with markup, joiners, emoji",
    61: "customdata",
    62: "leave latency",
    63: "seen in one poll only",
    64: "left after the last poll",
    65: "UTC inside, zones outside",
    66: "join links made on the click",
    67: "join errors by redirect",
    68: "equal passwords refused",
    69: "role ignored by older servers",
    70: "maxParticipants",
    71: "recordings by internal id",
    72: "no recordings, in each shape",
    73: "prefix matches filtered",
    74: "long lists in chunks",
    75: "ids decoded twice",
    76: "filters AND or OR, filtered again",
    77: "empty filter refused",
    78: "formats appear one by one",
    79: "still processing",
    80: "length 0",
    81: "duplicate formats",
    82: "unordered list",
    83: "pages, also ignored ones",
    84: "no recording marks, no recording",
    85: "delete twice",
    86: "publish twice",
    87: "labels removed by empty values",
    88: "names escaped twice",
    89: "text tracks in JSON",
    90: "calls a server lacks",
    91: "base address normalised, never rewritten",
    92: "getSessions in every shape",
    93: "recordings only by getSessions",
}

#: Cases that have no test, and why.
WITHOUT: dict[int, str] = {}


def found() -> dict[int, list[str]]:
    """Case number -> the tests that carry it, as ``path::name``."""
    tests: dict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            for number in re.findall(r"(?:_)e(\d+)(?=_|$)", name):
                tests[int(number)].append(f"{path.relative_to(TESTS)}::{name}")
    return tests


def page() -> str:
    """docs/protocol.md."""
    tests = found()
    lines = [
        "# The wire protocol, case by case",
        "",
        "BigBlueButton's HTTP API is one document in several dialects: versions 2.0 to 3.x, Meetingz, load balancers.",
        "These are the cases in which clients go wrong, and the tests that prove what this program does.",
        "Made by `python -m tests.cases`.",
        "",
        "| Case | What | Tests |",
        "|---|---|---|",
    ]
    for number, title in CASES.items():
        shown = "<br>".join(f"`{test}`" for test in tests.get(number, [])) or WITHOUT.get(number, "none")
        lines.append(f"| E{number} | {title} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
