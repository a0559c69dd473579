"""isMeetingRunning, getMeetingInfo, getMeetings and end."""

from worker.simulator import answers, gate
from worker.simulator.wire import Refused, Reply, Request, success, tag
from worker.simulator.world import World


def is_meeting_running(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("meetingID",))
    meeting = world.find(request.text("meetingID"))
    return success(tag("running", meeting is not None and bool(meeting.listed(now))))


def get_meeting_info(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("meetingID",))
    inner = answers.info(gate.require(world, request), world.profile, now)
    return Reply(b"<response><returncode>SUCCESS</returncode>" + inner + b"</response>")


def get_meetings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ())
    meetings = world.known()
    if not meetings:
        return success("<meetings/>", "noMeetings", "There is no meeting.")
    inner = b"".join(
        b"<meeting>" + answers.info(meeting, world.profile, now, listed=True) + b"</meeting>" for meeting in meetings
    )
    return Reply(b"<response><returncode>SUCCESS</returncode><meetings>" + inner + b"</meetings></response>")


def end(world: World, request: Request, now: float) -> Reply:
    needed = ("meetingID",) if world.profile.validates else ("meetingID", "password")
    gate.check(world, request, needed)
    if world.profile.end_checks_password_first and world.find(request.text("meetingID")) is None:
        # Both constraints fail; the one about the password is reported.
        raise Refused("invalidPassword", "The password is wrong.")
    meeting = gate.require(world, request)
    optional = world.profile.without_passwords == "none" and not request.text("password")
    if not optional and request.text("password") != meeting.moderator_pw:
        raise Refused("invalidPassword", "The password is not the moderators'.")
    world.ask_to_end(meeting, now)
    return success("", "sentEndMeetingRequest", "The meeting will end in a moment.")
