"""What is checked before a call is looked at, in the order of each era."""

import re
from functools import lru_cache

from worker.simulator.checksum import is_signed
from worker.simulator.meeting import Meeting
from worker.simulator.profiles import PRESENT_FIRST, Profile
from worker.simulator.wire import Refused, Request
from worker.simulator.world import World

MISSING = {
    "meetingID": "missingParamMeetingID",
    "fullName": "missingParamFullName",
    "password": "invalidPassword",
    "recordID": "missingParamRecordID",
    "publish": "missingParamPublish",
}


def check(world: World, request: Request, required: tuple[str, ...]) -> None:
    """Raise Refused unless the request is signed and complete."""
    profile = world.profile
    if profile.check_order == PRESENT_FIRST:
        if world.secret and not request.text("checksum"):
            raise Refused("checksumError", "A checksum is needed.", as_xml=profile.join_checksum_xml)
        _check_presence(request, required, profile)
        _check_signature(world, request)
    else:
        _check_signature(world, request)
        _check_content_type(request)
        _check_presence(request, required, profile)


def _check_signature(world: World, request: Request) -> None:
    if not is_signed(request, world.secret, world.profile):
        raise Refused("checksumError", "The checksum is wrong.", as_xml=world.profile.join_checksum_xml)


def _check_presence(request: Request, required: tuple[str, ...], profile: Profile) -> None:
    for name in required:
        if not request.text(name):
            key = "validationError" if profile.validates and name == "meetingID" else MISSING[name]
            raise Refused(key, f"{name} is missing.")


def _check_content_type(request: Request) -> None:
    kind = request.content_type.split(";")[0].strip().lower()
    allowed = ("application/x-www-form-urlencoded", "multipart/form-data", "text/xml", "application/xml")
    if request.method == "POST" and request.body and kind not in allowed:
        raise Refused("unsupportedContentType", f"{kind or 'No content type'} is not accepted.")


def check_create(request: Request, profile: Profile) -> None:
    """The constraints on the parameters of `create`."""
    meeting_id = request.text("meetingID")
    if not profile.validates:
        if "," in meeting_id:
            raise Refused("invalidFormat", "meetingID holds a comma.", labeled=False)
        return
    bad = [name for name, fine in _constraints(request, meeting_id) if not fine]
    if bad:
        # One is reported, by no order that a caller could rely on.
        raise Refused("validationError", f"{min(bad, key=hash_order)} is not valid.")


def _constraints(request: Request, meeting_id: str) -> list[tuple[str, bool]]:
    given = request.params
    passwords = [(name, 2 <= len(given[name]) <= 64) for name in ("attendeePW", "moderatorPW") if given.get(name)]
    booleans = [(name, _boolean(given[name])) for name in ("record", "isBreakoutRoom") if given.get(name)]
    bridge = given.get("voiceBridge", "")
    return [
        ("meetingID", 2 <= len(meeting_id) <= 256 and "," not in meeting_id),
        ("name", 2 <= len(request.text("name")) <= 256),
        ("voiceBridge", not bridge or bridge.isdecimal()),
        *passwords,
        *booleans,
    ]


def _boolean(value: str) -> bool:
    return value.lower() in ("true", "false")


@lru_cache(maxsize=2**17)
def hash_order(name: str) -> int:
    """Java's hash of a string: the order in which a HashSet yields."""
    total = 0
    for letter in name:
        total = (31 * total + ord(letter)) & 0xFFFFFFFF
    return total


def require(world: World, request: Request, key: str = "notFound") -> Meeting:
    """The live meeting that the request names."""
    meeting = world.find(request.text("meetingID"))
    if meeting is None:
        raise Refused(key, "There is no such meeting.")
    return meeting


_META = re.compile(r"meta_([a-zA-Z][a-zA-Z0-9-]*)")


def metadata(request: Request) -> dict[str, str]:
    """The meta parameters by their lower-cased names; those with other signs in their names are dropped."""
    found = ((_META.fullmatch(name), value) for name, value in request.pairs)
    return {match[1].lower(): value for match, value in found if match}
