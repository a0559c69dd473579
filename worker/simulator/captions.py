"""getRecordingTextTracks and putRecordingTextTrack: the two calls that answer in JSON."""

import hashlib
import re
from email.parser import BytesParser
from email.policy import HTTP

from worker.simulator import gate
from worker.simulator.recording import Recording, TextTrack
from worker.simulator.wire import Refused, Reply, Request, json_failure, json_reply
from worker.simulator.world import World

READY_AFTER = 60.0


def get_text_tracks(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    recording = world.recordings.get(request.text("recordID"))
    if recording is None or not recording.settled(now):
        return json_failure(Refused("noRecordings", "There is no such recording."))
    ready = [track for track in recording.tracks if track.ready_at <= now]
    if not ready:
        return json_failure(Refused("noCaptionsFound", "There are no captions."))
    return json_reply("SUCCESS", tracks=[_shown(request, recording, track) for track in ready])


def _shown(request: Request, recording: Recording, track: TextTrack) -> dict[str, str]:
    name = file_name(track)
    token = hashlib.sha256(f"{recording.record_id}/{name}".encode()).hexdigest()[:32]
    href = f"{request.origin}/textTrack/{token}/{recording.record_id}/{name}"
    return {"href": href, "kind": track.kind, "label": track.label, "lang": track.lang, "source": "upload"}


def file_name(track: TextTrack) -> str:
    return f"{track.kind}_{track.lang}.vtt"


def put_text_track(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    recording = world.recordings.get(request.text("recordID"))
    refused = _objection(request, recording, now)
    if refused is not None or recording is None:
        return json_failure(refused or Refused("noRecordings"))
    data = _uploaded(request)
    if not data:
        return json_failure(Refused("empty_uploaded_text_track", "The file is empty."))
    _store(recording, request, data, now + world.pace.seconds(READY_AFTER))
    return json_reply("SUCCESS", messageKey="upload_text_track_success", message="", recordId=recording.record_id)


def _objection(request: Request, recording: Recording | None, now: float) -> Refused | None:
    if recording is None or not recording.settled(now):
        return Refused("noRecordings", "There is no such recording.")
    if request.text("kind") not in ("subtitles", "captions"):
        return Refused("invalidKind", "kind is subtitles or captions.")
    if not re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?", request.text("lang")):
        return Refused("invalidLang", "lang is not a language.")
    return None


def _store(recording: Recording, request: Request, data: bytes, ready_at: float) -> None:
    kind, lang = request.text("kind"), request.text("lang")
    recording.tracks = [track for track in recording.tracks if (track.kind, track.lang) != (kind, lang)]
    if b"-->" in data:  # anything else vanishes without a word
        recording.tracks.append(TextTrack(kind, lang, request.text("label") or lang, data, ready_at))


def _uploaded(request: Request) -> bytes:
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else b""
    return b""


def track_file(world: World, record_id: str, name: str) -> Reply | None:
    """The captions themselves."""
    recording = world.recordings.get(record_id)
    tracks = [track for track in recording.tracks if file_name(track) == name] if recording else []
    return Reply(tracks[0].data, content_type="text/vtt; charset=utf-8") if tracks else None
