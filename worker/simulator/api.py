"""From a request to a reply: which call, by which method, and how a refusal is put."""

import json
from collections.abc import Callable
from typing import NamedTuple

from worker.simulator import asking, captions, creating, curating, joining, replaying, sessions
from worker.simulator.profiles import Profile
from worker.simulator.wire import JSON, Crashed, Refused, Reply, Request, failure, page, success, tag, tags
from worker.simulator.world import World

Handler = Callable[[World, Request, float], Reply]
GET, BOTH, POST = ("GET",), ("GET", "POST"), ("POST",)


class Call(NamedTuple):
    """One call of the API; `part` names what a server may lack."""

    handler: Handler
    methods: tuple[str, ...] = BOTH
    part: str = ""


CALLS: dict[str, Call] = {
    "create": Call(creating.create),
    "join": Call(joining.join, GET),
    "isMeetingRunning": Call(asking.is_meeting_running),
    "getMeetingInfo": Call(asking.get_meeting_info),
    "getMeetings": Call(asking.get_meetings),
    "end": Call(asking.end),
    "getRecordings": Call(replaying.get_recordings, BOTH, "recordings"),
    "publishRecordings": Call(curating.publish_recordings, GET, "recordings"),
    "deleteRecordings": Call(curating.delete_recordings, GET, "recordings"),
    "updateRecordings": Call(curating.update_recordings, BOTH, "recordings"),
    "getRecordingTextTracks": Call(captions.get_text_tracks, BOTH, "text_tracks"),
    "putRecordingTextTrack": Call(captions.put_text_track, POST, "text_tracks"),
    "getSessions": Call(sessions.get_sessions, GET),
}


def answer(world: World, request: Request) -> Reply:
    """The server's answer to one API request."""
    if request.call == "":
        return _version(world.profile)
    call = CALLS.get(request.call)
    if call is None or (call.part and not getattr(world.profile, call.part)):
        return _unknown(world.profile)
    if request.method not in call.methods:
        return page(405, "Method Not Allowed")
    return _negotiated(request, _run(world, request, call.handler))


def _version(profile: Profile) -> Reply:
    return success(tag("version", "2.0") + tags(**dict(profile.version_fields)))


def _unknown(profile: Profile) -> Reply:
    if profile.unknown_call == "unsupportedRequest":
        return failure(Refused("unsupportedRequest", "There is no such call."))
    return page(404, "Not Found")


def _run(world: World, request: Request, handler: Handler) -> Reply:
    with world.at_now() as now:
        try:
            return handler(world, request, now)
        except Refused as refused:
            if request.call == "join":
                return joining.refusal(request, refused)
            return failure(refused, world.profile.errors)
        except Crashed:
            return page(500, "Internal Server Error")


def _negotiated(request: Request, reply: Reply) -> Reply:
    """A caller that asks for JSON gets refusals as JSON and successes as nothing, as the real server does."""
    if reply.content_type == JSON or not _wants_json(request.accept) or reply.status != 200:
        return reply
    if b"<returncode>FAILED" not in reply.body[:60]:
        return Reply(b"", content_type=JSON)
    key = reply.body.partition(b"<messageKey>")[2].partition(b"</messageKey>")[0].decode()
    fields = {"returncode": "FAILED", "messageKey": key, "message": ""}
    return Reply(json.dumps({"response": fields}).encode(), content_type=JSON)


def _wants_json(accept: str) -> bool:
    return "application/json" in accept and "xml" not in accept and "*/*" not in accept
