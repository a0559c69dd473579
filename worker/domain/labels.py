"""Labels: what we write on a meeting (``meta_...``) to know it and its recordings again.

Keys match ``[a-z][a-z0-9-]*``: on the wire underscores are dropped and case is lost (protocol section 4.1, E25).
"""

from collections.abc import Mapping
from datetime import datetime

ORIGIN = "mtz-origin"
COURSE = "mtz-course"
OCCURRENCE = "mtz-occurrence"
START = "mtz-start"


def write(
    *, origin: str, version: str, course_code: str, title: str, occurrence: str, original_start: datetime
) -> dict[str, str]:
    """The labels of one occurrence: ours, and the field's convention. A pure function of stored facts."""
    start = original_start.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        ORIGIN: origin,
        COURSE: course_code,
        OCCURRENCE: occurrence,
        START: start,
        "bbb-origin": origin,
        "bbb-origin-version": version,
        "bbb-origin-server-name": origin,
        "bbb-context-id": course_code,
        "bbb-context-name": title,
        "bbb-recording-name": f"{title} {start[:10]}",
    }


def are_ours(labels: Mapping[str, str], *, origin: str, occurrence: str) -> bool:
    """Whether a meeting on a server is this very occurrence of this very installation (E19)."""
    return labels.get(ORIGIN) == origin and labels.get(OCCURRENCE) == occurrence
