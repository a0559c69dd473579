"""Who is in a meeting, and nothing more about each: what a poll reads thousands of times a minute.

The list of people is cut out of the answer and read with one pattern, the rest goes to the parser. The pattern must
account for every byte of the list; a list of any other shape goes to the parser too. The result is the same either way
(a property test says so), at about half the cost.
"""

import re
from html import unescape
from typing import Final, NamedTuple

from worker.bbb.attendees import parse_attendees
from worker.bbb.envelope import Element, answer, document
from worker.bbb.meetings import fields, identity
from worker.bbb.values import boolean, integer

#: One connection to a meeting: user id, full name, role; see `Attendee`.
Who = tuple[str, str, str]


class RollCall(NamedTuple):
    """One run of a meeting and who is in it. `counted` is how many the server says there are; see `MeetingInfo`."""

    meeting_id: str
    internal_id: str
    recording: bool
    counted: int
    people: tuple[Who, ...]
    forcibly_ended: bool  #: it is over, and shown for the last time (E42)

    @property
    def names_all(self) -> bool:
        """Whether everyone who is counted is also named; old lists only counted (protocol section 4.6)."""
        return bool(self.people) or self.counted == 0


_OPEN, _CLOSE = b"<attendees>", b"</attendees>"
#: Bytes of what XML cannot carry (E59) or reads as something else (the carriage return), and the first of U+F000 to
#: U+FFFF, where two more such characters live.
_SUSPECT: Final = bytes({*range(32)} - {9, 10} | {0xEF})
#: Text that needs no trimming.
_WORD: Final = r"(?!\s)[^<]*+(?<!\s)"
_FLAGS: Final = "".join(
    rf"<{name}>[^<]*</{name}>\s*" for name in ("isPresenter", "isListeningOnly", "hasJoinedVoice", "hasVideo")
)
_ROW: Final = (
    r"<attendee>\s*<userID>{1}</userID>\s*<fullName>{0}</fullName>\s*<role>{1}</role>\s*"
    rf"{_FLAGS}(?:<clientType>[^<]*</clientType>\s*)?(?:<customdata>\s*</customdata>\s*|<customdata/>\s*)?</attendee>\s*"
)
_ROWS: Final = re.compile(rf"\s*(?>{_ROW.format('[^<]*+', _WORD)})*+")
_WHO: Final = re.compile(r"<userID>([^<]*)</userID>\s*<fullName>([^<]*)</fullName>\s*<role>([^<]*)</role>")

#: Only references that XML itself knows, and to characters that it can carry; all others are for the parser to judge.
_REFERENCES: Final = re.compile(r"(?:[^&]|&(?:amp|lt|gt|quot|apos|#39|#34);)*+")


def parse_roll_call(segment: bytes) -> RollCall:
    """One `<meeting>` of `split_meetings`. Raises as `parse_meeting`."""
    rest, people = _cut(segment)
    return _called(document(rest, b"meeting"), people)


def parse_roll_call_info(body: bytes) -> RollCall:
    """The answer to `getMeetingInfo`. Raises as `parse_meeting_info`."""
    rest, people = _cut(body)
    return _called(answer(rest), people)


def _called(root: Element, people: tuple[Who, ...] | None) -> RollCall:
    if people is None:
        listed = parse_attendees(root.find("attendees"))
        people = tuple([(each.user_id, each.full_name, each.role) for each in listed])
    read = fields(root)
    meeting_id, internal, _ = identity(read)
    recording, counted = boolean(read.get("recording")), integer(read.get("participantCount"))
    return RollCall(meeting_id, internal, recording, counted, people, boolean(read.get("hasBeenForciblyEnded")))


def _cut(body: bytes) -> tuple[bytes, tuple[Who, ...] | None]:
    """The answer without its list of people, and the people; the whole answer and None for a list of another shape."""
    start, end = body.find(_OPEN), body.rfind(_CLOSE)
    if start < 0 or end < start or body.count(_OPEN) > 1 or (b"!" in body and b"<!" in body):
        return body, None
    people = _people(body[start + len(_OPEN) : end])
    return (body, None) if people is None else (body[:start] + body[end + len(_CLOSE) :], people)


def _people(listed: bytes) -> tuple[Who, ...] | None:
    """The people of a list of the usual shape; None for any other."""
    if len(listed.translate(None, _SUSPECT)) < len(listed):
        return None
    try:
        text = listed.decode()
    except UnicodeDecodeError:
        return None
    if not _ROWS.fullmatch(text):
        return None
    rows = _WHO.findall(text)
    if b"&" in listed:
        if not _REFERENCES.fullmatch(text):
            return None
        rows = [tuple(map(unescape, row)) for row in rows]
    return tuple(rows)
