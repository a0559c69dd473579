"""Who is in a meeting: the hot path of a poll, read in one pass (protocol section 6)."""

from dataclasses import dataclass, field

from worker.bbb.envelope import Element
from worker.bbb.values import boolean, word


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


def parse_attendees(element: Element | None) -> tuple[Attendee, ...]:
    """The children of `<attendees>`; none for no element (E50)."""
    return () if element is None else tuple(_attendee(child) for child in element if child.tag == "attendee")


def _attendee(element: Element) -> Attendee:
    read = {child.tag: child.text for child in element}
    return Attendee(
        word(read.get("userID")),
        read.get("fullName") or "",
        word(read.get("role")),
        boolean(read.get("isPresenter")),
        boolean(read.get("isListeningOnly")),
        boolean(read.get("hasJoinedVoice")),
        boolean(read.get("hasVideo")),
        word(read.get("clientType")),
        _customdata(element) if "customdata" in read else {},
    )


def _customdata(element: Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in element.iterfind("customdata/*")}
