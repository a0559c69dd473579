"""Eras of the server: what each one checks, refuses, shows and forgets."""

from dataclasses import dataclass, replace
from typing import Literal

PRESENT_FIRST: Literal["present first"] = "present first"
CHECKSUM_FIRST: Literal["checksum first"] = "checksum first"
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))


@dataclass(frozen=True)
class Profile:
    """One dialect of the protocol. Times are seconds of a server that is not hurried (scale 1)."""

    name: str
    # Transport and signature
    path: str = "bigbluebutton"
    algorithms: frozenset[str] = frozenset({"sha1", "sha256"})
    checksum_any_case: bool = False
    check_order: Literal["present first", "checksum first"] = PRESENT_FIRST
    post_signs: Literal["query", "sorted body"] = "query"
    unknown_call: Literal["html", "unsupportedRequest"] = "html"
    version_fields: tuple[tuple[str, str], ...] = ()
    url_limit: int = 8192
    # create and end
    validates: bool = False
    errors: Literal["F2", "F3"] = "F3"
    without_passwords: Literal["random", "none"] = "random"
    unique_bridge: bool = False
    expiry_params: bool = False
    unused_minutes: float = 5.0
    emptied_minutes: float = 1.0
    end_delay: float = 1.0
    end_checks_password_first: bool = False
    ended_visible: float = 0.0
    duplicate_key: bool = True
    malformed_slides_crash: bool = True
    # join
    roles: bool = False
    join_checksum_xml: bool = False
    join_password_xml: bool = False
    join_url: bool = True
    guest_denied_fails: bool = False
    max_off_by_one: bool = False
    max_sessions: int | None = None
    # people
    linger: float = 5.0
    count_lingers: float = 0.0
    list_lingers: float = 0.0
    keeps_control_characters: bool = True
    thousands: bool = True
    duration_thousands: bool = False
    empty_customdata: bool = False
    bulk_attendees: bool = True
    recorder_bot: str | None = None
    # recordings
    recordings: bool = True
    lists_all_recordings: bool = True
    text_tracks: bool = True
    sizes: bool = True
    pages: bool = False
    meta_filter: Literal["and", "or"] = "and"
    from_database: bool = False
    formats: tuple[str, ...] = ("podcast", "presentation", "video")
    archive_after: float = 120.0
    process_for: float = 30.0
    format_every: float = 30.0
    one_at_a_time: bool = False
    sessions: Literal["bbb", "meetingz"] = "bbb"

    def cleaned(self, text: str) -> str:
        """A name as this era keeps it: the older ones leave in what XML forbids."""
        return text if self.keeps_control_characters else text.translate(_CONTROLS)


B = Profile(name="B", max_off_by_one=True)
A = replace(
    B,
    name="A",
    algorithms=frozenset({"sha1"}),
    errors="F2",
    linger=10.0,
    duration_thousands=True,
    join_url=False,
    text_tracks=False,
    sizes=False,
    max_off_by_one=False,
)
C = replace(
    B,
    name="C",
    unique_bridge=True,
    join_checksum_xml=True,
    linger=10.0,
    count_lingers=60.0,
    list_lingers=60.0,
    keeps_control_characters=False,
    archive_after=10.0,
    max_off_by_one=False,
)
D = replace(
    C,
    name="D",
    algorithms=frozenset({"sha1", "sha256", "sha384", "sha512"}),
    check_order=CHECKSUM_FIRST,
    post_signs="sorted body",
    version_fields=(("apiVersion", "2.0"), ("bbbVersion", "2.5.20")),
    validates=True,
    expiry_params=True,
    end_checks_password_first=True,
    roles=True,
    count_lingers=0.0,
)
E = replace(
    D,
    name="E",
    checksum_any_case=True,
    post_signs="query",
    version_fields=(("apiVersion", "2.0"), ("bbbVersion", "3.0.4")),
    without_passwords="none",
    malformed_slides_crash=False,
    end_checks_password_first=False,
    join_password_xml=True,
    guest_denied_fails=True,
    max_sessions=3,
    list_lingers=0.0,
    thousands=False,
    empty_customdata=True,
    pages=True,
)
MEETINGZ = replace(
    B,
    name="meetingz",
    path="demo",
    algorithms=frozenset({"sha1"}),
    recordings=False,
    text_tracks=False,
    sessions="meetingz",
)
SCALELITE = replace(
    E,
    name="scalelite",
    algorithms=frozenset({"sha1", "sha256", "sha512"}),
    unknown_call="unsupportedRequest",
    version_fields=(("build", "1.6"),),
    duplicate_key=False,
    meta_filter="or",
    from_database=True,
    sizes=False,
)

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (A, B, C, D, E, MEETINGZ, SCALELITE)}


def profile_named(profile: "str | Profile") -> Profile:
    """A preset by its name; a profile of one's own passes through."""
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise ValueError(f"no profile named {profile!r}; there are {', '.join(PROFILES)}")
    return PROFILES[profile]
