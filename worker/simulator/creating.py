"""`create`: a new meeting, or the old one again, or a conflict."""

import hashlib
from xml.etree import ElementTree

from worker.simulator import answers, gate
from worker.simulator.meeting import Meeting
from worker.simulator.profiles import Profile
from worker.simulator.wire import Crashed, Refused, Reply, Request, success
from worker.simulator.world import World


def create(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("meetingID",))
    gate.check_create(request, world.profile)
    live = world.find(request.text("meetingID"))
    if live is not None and live.ended_at is None:
        return _again(live, request, world.profile)
    _check_bridge(world, request)
    meeting = _new(world, request, now)
    world.open(meeting)
    _read_slides(request, world.profile)
    return success(answers.created(meeting), "")


def _again(meeting: Meeting, request: Request, profile: Profile) -> Reply:
    if not _same_passwords(meeting, request, profile):
        raise Refused("idNotUnique", "A meeting with this id and other passwords is running.")
    key = "duplicateWarning" if profile.duplicate_key else None
    return success(answers.created(meeting), key, "This meeting exists already.")


def _same_passwords(meeting: Meeting, request: Request, profile: Profile) -> bool:
    given = (request.text("attendeePW"), request.text("moderatorPW"))
    if profile.without_passwords == "none" and given == ("", ""):
        return True
    return given == (meeting.attendee_pw, meeting.moderator_pw)


def _check_bridge(world: World, request: Request) -> None:
    bridge = request.text("voiceBridge")
    if world.profile.unique_bridge and bridge and any(other.voice_bridge == bridge for other in world.known()):
        key = "nonUniqueVoiceBridge"
        raise Refused(key, "Another meeting has this voice bridge.", labeled=False)


def _new(world: World, request: Request, now: float) -> Meeting:
    profile = world.profile
    meeting_id = request.text("meetingID")
    internal_id, create_time = _identity(world, meeting_id, now)
    meeting = Meeting(
        meeting_id=meeting_id,
        internal_id=internal_id,
        create_time=create_time,
        created_at=now,
        start_time=create_time + world.number(20, 100),
        name=profile.cleaned(request.text("name")),
        attendee_pw=_password(world, request.text("attendeePW")),
        moderator_pw=_password(world, request.text("moderatorPW")),
        voice_bridge=request.text("voiceBridge") or f"{world.number(0, 99999):05d}",
        unused_limit=_limit(world, request, "meetingExpireIfNoUserJoinedInMinutes", profile.unused_minutes),
        emptied_limit=_limit(world, request, "meetingExpireWhenLastUserLeftInMinutes", profile.emptied_minutes),
    )
    _fill(meeting, request)
    _attach(world, meeting, request)
    return meeting


def _identity(world: World, meeting_id: str, now: float) -> tuple[str, int]:
    digest = hashlib.sha1(meeting_id.encode("utf-8", "replace")).hexdigest()  # noqa: S324 (the protocol says so)
    create_time = int(now * 1000)
    while world.is_taken(f"{digest}-{create_time}"):
        create_time += 1
    return f"{digest}-{create_time}", create_time


def _password(world: World, given: str) -> str | None:
    if given or world.profile.without_passwords == "none":
        return given or None
    return world.token(8)


def _limit(world: World, request: Request, name: str, default: float) -> float:
    if world.profile.expiry_params and request.text(name).isdecimal():
        return world.pace.minutes(request.whole(name))
    return world.pace.seconds(default * 60)


def _fill(meeting: Meeting, request: Request) -> None:
    meeting.duration = max(0, request.whole("duration"))
    meeting.max_participants = max(0, request.whole("maxParticipants"))
    meeting.record = request.flag("record")
    meeting.auto_start = request.flag("autoStartRecording")
    meeting.logout_url = request.text("logoutURL")
    meeting.dial_number = request.text("dialNumber") or meeting.dial_number
    meeting.guest_policy = request.text("guestPolicy") or meeting.guest_policy
    meeting.metadata = gate.metadata(request)


def _attach(world: World, meeting: Meeting, request: Request) -> None:
    if not (request.flag("isBreakout") or request.flag("isBreakoutRoom")):
        return
    if not request.text("parentMeetingID"):
        raise Refused("parentMeetingIDMissing")
    wanted = request.text("parentMeetingID")
    meeting.parent = next((m for m in world.known() if wanted in (m.meeting_id, m.internal_id)), None)
    if meeting.parent is None:
        raise Refused("parentMeetingDoesNotExist")
    meeting.sequence = request.whole("sequence")
    meeting.free_join = request.flag("freeJoin")


def _read_slides(request: Request, profile: Profile) -> None:
    if not request.body or "xml" not in request.content_type:
        return
    try:
        ElementTree.fromstring(request.body)  # noqa: S314 (only tests and the demo speak to this server)
    except ElementTree.ParseError as error:
        # The meeting exists by now: old servers read the slides too late.
        if profile.malformed_slides_crash:
            raise Crashed from error
        raise Refused("malformedXml") from error
