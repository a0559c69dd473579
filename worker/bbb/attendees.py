"""Who is in a meeting: the hot path of a poll, read in one pass (protocol section 6)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from html import unescape
from typing import Final

from lxml import etree

from worker.bbb.envelope import Element, text_map


@dataclass(frozen=True, slots=True)
class Attendee:
    """One connection to a meeting. One person on two devices is two attendees with the same `user_id` (E46).

    `user_id` is what `join` was given; without it the server makes up `w_...`, another at each join (E48), and `v_...`
    for a telephone (E53). `role` is MODERATOR, VIEWER or DIAL-IN-USER and may change (E54). Never match by `full_name`.
    """

    user_id: str
    full_name: str = ""
    role: str = ""
    is_presenter: bool = False
    is_listening_only: bool = False
    has_joined_voice: bool = False
    has_video: bool = False
    client_type: str = ""
    customdata: dict[str, str] = field(default_factory=dict)


_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FIELDS: Final = (
    "userID",
    "fullName",
    "role",
    "isPresenter",
    "isListeningOnly",
    "hasJoinedVoice",
    "hasVideo",
    "clientType",
)


def _usual(name: str) -> str:
    return rf"(?:<{name}>([^<]*)</{name}>|<{name}/>)\s*"


#: One attendee as every server from 2.0 on writes it: these fields in this order, no user data.
_USUAL: Final = re.compile(
    rf"<attendee>\s*{''.join(map(_usual, _FIELDS[:-1]))}(?:{_usual('clientType')})?"
    r"(?:(?:<customdata>\s*</customdata>|<customdata/>)\s*)?</attendee>"
)

#: A frozen dataclass fills its slots the slow way, which was a third of the time of reading a full class.
_user_id, _full_name, _role, _presenter, _listening, _voice, _video, _client, _custom = (
    getattr(Attendee, slot.name).__set__ for slot in fields(Attendee)
)


def parse_attendees(element: Element | None) -> tuple[Attendee, ...]:
    """The children of `<attendees>`; none for no element (E50).

    A list of the usual shape is written out by the parser, which leaves neither CDATA nor comments and no `<` in any
    text, and read with one pattern, in little more than half the time of asking for each element. The pattern must
    account for every child; if one has another shape, all are read element by element.
    """
    if element is None:
        return ()
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    rows = _USUAL.findall(text)
    if len(rows) != len(element):
        return tuple([_attendee(child) for child in element if child.tag == "attendee"])
    if "&" in text:
        return tuple([_filled(map(unescape, row), {}) for row in rows])
    return tuple([_filled(row, {}) for row in rows])


def _attendee(element: Element) -> Attendee:
    read = {child.tag: child.text for child in element}
    return _filled([read.get(name) or "" for name in _FIELDS], text_map(element.find("customdata")))


def _filled(texts: Iterable[str], customdata: dict[str, str]) -> Attendee:
    user_id, full_name, role, presenter, listening, voice, video, client = texts
    attendee = object.__new__(Attendee)
    _user_id(attendee, user_id.strip())
    _full_name(attendee, full_name)
    _role(attendee, role.strip())
    _presenter(attendee, presenter in _TRUE)
    _listening(attendee, listening in _TRUE)
    _voice(attendee, voice in _TRUE)
    _video(attendee, video in _TRUE)
    _client(attendee, client.strip())
    _custom(attendee, customdata)
    return attendee
