"""`join`: the browser's call, and the client page behind it."""

import json
from urllib.parse import quote

from worker.simulator import gate
from worker.simulator.meeting import MODERATOR, VIEWER, Connection, Meeting
from worker.simulator.wire import Refused, Reply, Request, failure, page, success, tags
from worker.simulator.world import World

REGISTERED_FOR = 60.0


def join(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("fullName", "meetingID"))
    meeting = gate.require(world, request, "invalidMeetingIdentifier")
    if meeting.ended_at is not None:
        raise Refused("meetingForciblyEnded", "This meeting has been ended.")
    role = _role(world, request, meeting)
    _check_time(request, meeting)
    _check_room(world, meeting, now)
    person = _person(world, request, role, now)
    guest = _guest_status(world, request, meeting)
    if guest != "ALLOW":
        return _waiting(world, guest)
    return _enter(world, request, meeting, person, now)


def _role(world: World, request: Request, meeting: Meeting) -> str:
    asked = request.text("role").upper()
    if world.profile.roles and asked in (MODERATOR, VIEWER):
        return asked
    password = request.text("password")
    # The moderators' password is looked at first: equal passwords make everybody a moderator.
    for expected, role in ((meeting.moderator_pw, MODERATOR), (meeting.attendee_pw, VIEWER)):
        if password and password == expected:
            return role
    if world.profile.join_password_xml:
        raise Refused("Params required", "A role or a right password is needed.", as_xml=True)
    raise Refused("invalidPassword", "The password is wrong.")


def _check_time(request: Request, meeting: Meeting) -> None:
    wanted = request.text("createTime")
    if wanted and wanted != str(meeting.create_time):
        raise Refused("mismatchCreateTimeParam", "This link belongs to an earlier meeting.")


def _check_room(world: World, meeting: Meeting, now: float) -> None:
    limit = meeting.max_participants + (1 if world.profile.max_off_by_one else 0)
    # Ghosts count, and so do links that were fetched and never followed by a client.
    if meeting.max_participants and len(meeting.listed(now)) + _registered_only(world, meeting, now) >= limit:
        raise Refused("maxParticipantsReached", "The meeting is full.")


def _registered_only(world: World, meeting: Meeting, now: float) -> int:
    oldest = now - world.pace.seconds(REGISTERED_FOR)
    return sum(waiting is meeting and person.joined_at > oldest for waiting, person in world.waiting.values())


def _person(world: World, request: Request, role: str, now: float) -> Connection:
    internal_id = "w_" + world.token(12)
    return Connection(
        id=internal_id,
        user_id=request.text("userID") or internal_id,
        full_name=world.profile.cleaned(request.text("fullName")),
        role=role,
        device=internal_id,
        joined_at=now,
        customdata=_customdata(request),
    )


def _customdata(request: Request) -> dict[str, str]:
    parts = ((name.split("-"), value) for name, value in request.pairs if name.startswith("userdata-"))
    return {words[1]: value for words, value in parts if len(words) == 2}


def _guest_status(world: World, request: Request, meeting: Meeting) -> str:
    if not request.flag("guest") or meeting.guest_policy == "ALWAYS_ACCEPT":
        return "ALLOW"
    if meeting.guest_policy == "ALWAYS_ACCEPT_AUTH" and request.flag("auth"):
        return "ALLOW"
    return "DENY" if meeting.guest_policy == "ALWAYS_DENY" else "WAIT"


def _waiting(world: World, status: str) -> Reply:
    if status == "WAIT":
        return success("", "guestWait", "Please wait for a moderator.")
    if world.profile.guest_denied_fails:
        raise Refused("guestDeniedAccess", "Guests are not let in.", as_xml=True)
    return success("", "guestDeny", "Guests are not let in.")


def _enter(world: World, request: Request, meeting: Meeting, person: Connection, now: float) -> Reply:
    token = world.token(16)
    url = f"{request.origin}/html5client/join?sessionToken={token}"
    if world.connect_on_join:
        world.connect(meeting, person, now)
    else:
        world.waiting[token] = (meeting, person)
    if request.text("redirect").lower() != "false":
        cookie = {"Location": url, "Set-Cookie": f"JSESSIONID={world.token(32)}; Path=/; HttpOnly"}
        return Reply(b"", 302, "text/html", cookie)
    inner = tags(meeting_id=meeting.internal_id, user_id=person.id, auth_token=world.token(12), session_token=token)
    if world.profile.join_url:
        inner += tags(guestStatus="ALLOW", url=url)
    return success(inner, "successfullyJoined", "You have joined.")


def open_client(world: World, token: str) -> Reply:
    """The browser follows the redirect: a person who was only registered is connected now."""
    with world.at_now() as now:
        meeting, person = world.waiting.pop(token, (None, None))
        if meeting is not None and person is not None and meeting.ended_at is None:
            world.connect(meeting, person, now)
    return page(200, "The classroom")


def refusal(request: Request, refused: Refused) -> Reply:
    """A refused join: as XML where the era says so, else a redirect that carries the error."""
    if refused.as_xml:
        return failure(refused)
    target = request.text("logoutURL") or request.base
    errors = quote(json.dumps([{"key": refused.key, "message": refused.message}]))
    location = f"{target}{'&' if '?' in target else '?'}errors={errors}"
    return Reply(b"", 302, "text/html", {"Location": location})
