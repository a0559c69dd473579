"""Parsing one getMeetingInfo of 300 attendees, against lxml alone that parses it and reads each field once."""

import sys

from lxml import etree

from benchmarks.harness import measure, table, verdict
from worker import bbb

_AT_MOST = 1.2
_REPEAT = 60
_ATTENDEE = (
    "<attendee><userID>stu-{0}</userID><fullName>زهرا محمدی {0}</fullName><role>VIEWER</role>"
    "<isPresenter>false</isPresenter><isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice>"
    "<hasVideo>false</hasVideo><clientType>HTML5</clientType></attendee>"
)


def body(attendees: int) -> bytes:
    """An answer like the server's."""
    people = "".join(_ATTENDEE.format(number) for number in range(attendees))
    head = (
        "<response><returncode>SUCCESS</returncode><meetingName>جبر</meetingName><meetingID>alg-101</meetingID>"
        "<internalMeetingID>0123456789012345678901234567890123456789-1700000000123</internalMeetingID>"
        "<createTime>1700000000123</createTime><running>true</running><duration>90</duration>"
        f"<participantCount>{attendees}</participantCount><hasBeenForciblyEnded>false</hasBeenForciblyEnded>"
    )
    return (head + f"<attendees>{people}</attendees><metadata><course>alg</course></metadata></response>").encode()


def bare(document: bytes) -> list[dict[str, str | None]]:
    """The least that has to be done: parse, and read every field of every attendee once, by name."""
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    people = root.find("attendees")
    assert people is not None
    return [{child.tag: child.text for child in person} for person in people]


def main() -> str:
    """The table."""
    document = body(300)
    found = measure(
        {
            "ours": lambda: [bbb.parse_meeting_info(document) for _ in range(_REPEAT)],
            "lxml": lambda: [bare(document) for _ in range(_REPEAT)],
        },
        rounds=9,
    ).ratio("ours", "lxml")
    rows = [("typed reply, checked / lxml's parse and each field once", found, _AT_MOST, verdict(found, _AT_MOST))]
    return "## Parsing one getMeetingInfo of 300 attendees, processor time\n\n" + table(
        ("ratio", "measured", "at most", "kept"), rows
    )


if __name__ == "__main__":
    sys.stdout.write(main())
