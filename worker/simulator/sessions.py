"""getSessions in its two dialects."""

import json
import time

from worker.simulator import gate
from worker.simulator.meeting import Meeting
from worker.simulator.wire import Reply, Request, success, tag, tags
from worker.simulator.world import World


def get_sessions(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ())
    if world.profile.sessions == "meetingz":
        return _of_meetingz(world, request, now)
    sessions = "".join(_session(meeting, person) for meeting in world.known() for person in _names(meeting, now))
    if not sessions:
        return success("<sessions/>", "noSessions", "There is no session.")
    return success(f"<sessions>{sessions}</sessions>")


def _names(meeting: Meeting, now: float) -> list[str]:
    return [person.full_name for person in meeting.listed(now)]


def _session(meeting: Meeting, name: str) -> str:
    inner = tags(meetingID=meeting.internal_id, meetingName=meeting.name, userName=name)
    return f"<meeting>{inner}</meeting>"


def _of_meetingz(world: World, request: Request, now: float) -> Reply:
    wanted = [item.strip() for item in request.text("meetingID").split(",") if item.strip()]
    rows = [
        _row(world, request, number, meeting, now)
        for number, meeting in enumerate(world.every(), start=1)
        if meeting.ended_at is not None and meeting.used and (not wanted or meeting.meeting_id in wanted)
    ]
    return success(tag("sessions", json.dumps(rows, ensure_ascii=False)))


def _row(world: World, request: Request, number: int, meeting: Meeting, now: float) -> dict[str, object]:
    ended_at = meeting.ended_at or now
    first = min((person.joined_at for person in meeting.connections), default=meeting.created_at)
    seconds = int(ended_at - first)
    recording = world.recordings.get(meeting.internal_id)
    played = recording is not None and "video" in recording.formats(now) and not recording.deleted
    url = f"{request.origin}/recordings/{meeting.internal_id}/video.mp4" if played else ""
    return {
        "id": number,
        "name": meeting.name,
        "started_at": _stamp(first),
        "ended_at": _stamp(ended_at),
        "realDuration": seconds,
        "realDurationStr": f"{seconds // 3600}:{seconds // 60 % 60:02d}",
        "userCount": len({person.user_id for person in meeting.connections}),
        "comment": "",
        "record_url": url,
        "record0_url": url,
    }


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
