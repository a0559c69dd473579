"""getRecordings, publishRecordings, deleteRecordings and updateRecordings."""

import hashlib
from urllib.parse import unquote_plus

from worker.simulator import gate
from worker.simulator.recording import STATES, Recording
from worker.simulator.wire import Crashed, Refused, Reply, Request, success, tag, tags
from worker.simulator.world import World

EXTENSIONS = {"podcast": "ogg"}
TRUE_WORDS = ("true", "1", "y")


def get_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ())
    found = _selected(world, request, now)
    if not found:
        return success("<recordings></recordings>", "noRecordings", "There is no such recording.")
    shown, total = _page(world, request, found)
    inner = "".join(_render(world, request, recording, now) for recording in shown)
    return success(f"<recordings>{inner}</recordings>{total}")


def _selected(world: World, request: Request, now: float) -> list[Recording]:
    states = _listed(request, "state") or ["published", "unpublished"]
    wanted = set(STATES) if "any" in states else set(states)
    by_id = [r for r in world.recordings.values() if _id_fits(world, request, r) and r.state(now) in wanted]
    filters = gate.metadata(request)
    if world.profile.meta_filter == "or":
        found = [r for r in by_id if _any_meta(r, filters)]
    else:
        found = [r for r in by_id if _every_meta(r, filters)]
    if world.profile.newest_first:
        return sorted(found, key=lambda r: r.started, reverse=True)
    # Hash order, as the real server's: repeatable, but by nothing that means anything.
    return sorted(found, key=lambda r: gate.hash_order(r.record_id))


def _listed(request: Request, name: str) -> list[str]:
    # The real server decodes these a second time: an id with a plus or a percent sign finds nothing.
    return [item.strip() for item in unquote_plus(request.text(name)).split(",") if item.strip()]


def _id_fits(world: World, request: Request, recording: Recording) -> bool:
    record_ids, meeting_ids = _listed(request, "recordID"), _listed(request, "meetingID")
    by_record = any(recording.record_id.startswith(prefix) for prefix in record_ids)
    by_meeting = any(recording.record_id.startswith(_digest(meeting_id)) for meeting_id in meeting_ids)
    if world.profile.meta_filter == "or" and record_ids and meeting_ids:
        return by_record and by_meeting
    if record_ids:
        return by_record
    return by_meeting if meeting_ids else True


def _digest(meeting_id: str) -> str:
    return hashlib.sha1(meeting_id.encode("utf-8", "replace")).hexdigest()  # noqa: S324 (the protocol says so)


def _every_meta(recording: Recording, filters: dict[str, str]) -> bool:
    return all(key in recording.metadata and _like(recording.metadata[key], value) for key, value in filters.items())


def _any_meta(recording: Recording, filters: dict[str, str]) -> bool:
    return not filters or any(
        recording.metadata.get(key) in value.split(",") and key in recording.metadata for key, value in filters.items()
    )


def _like(value: str, pattern: str) -> bool:
    if not pattern:
        raise Crashed
    head, tail = pattern.startswith("%"), pattern.endswith("%")
    word = pattern.strip("%")
    if head and tail:
        return word in value
    if head:
        return value.endswith(word)
    return value.startswith(word) if tail else value == pattern


def _page(world: World, request: Request, found: list[Recording]) -> tuple[list[Recording], str]:
    offset, limit = request.text("offset"), request.text("limit")
    paged = world.profile.pages and (offset or limit)
    if not paged or not (offset or "0").isdecimal() or not (limit or "100").isdecimal():
        return found, ""
    start, size = int(offset or 0), int(limit or 100)
    if not 1 <= size <= 100:
        return found, ""
    return found[start : start + size], tag("totalElements", len(found))


def _render(world: World, request: Request, recording: Recording, now: float) -> str:
    ready = recording.state(now) not in ("processing", "processed")
    # The name went through XML attributes: it comes out escaped twice.
    name = recording.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = tags(
        recordID=recording.record_id, meetingID=recording.meeting_id, internalMeetingID=recording.record_id, name=name
    )
    text += "" if world.profile.protected else tag("isBreakout", recording.metadata.get("isBreakout", "false"))
    text += tags(published=recording.state(now) == "published", state=recording.state(now) or "")
    text += tags(startTime=recording.started if ready else 0, endTime=recording.ended if ready else 0)
    text += tag("participants", recording.participants if ready else "")
    text += tag("rawSize", world.media_size * 10) if world.profile.sizes else ""
    text += tag("protected", False) if world.profile.protected else ""
    text += _meta(recording) + (tag("size", world.media_size) if world.profile.sizes else "")
    return f"<recording>{text}{_playback(world, request, recording, now)}<data></data></recording>"


def _meta(recording: Recording) -> str:
    return "<metadata>" + "".join(tag(key, value) for key, value in recording.metadata.items()) + "</metadata>"


def _playback(world: World, request: Request, recording: Recording, now: float) -> str:
    formats = [] if recording.deleted else recording.formats(now)
    return "<playback>" + "".join(_format(world, request, recording, name) for name in formats) + "</playback>"


def _format(world: World, request: Request, recording: Recording, name: str) -> str:
    text = tags(type=name, url=url_of(request.origin, recording, name))
    text += tags(processingTime=0 if name == "podcast" else 7177, length=int(recording.length))
    text += tag("size", world.media_size) if world.profile.sizes else ""
    if name == "presentation":
        image = f"{request.origin}/recordings/{recording.record_id}/thumb-1.png"
        text += f'<preview><images><image width="176" height="136" alt="">{image}</image></images></preview>'
    return f"<format>{text}</format>"


def url_of(origin: str, recording: Recording, name: str) -> str:
    """Where a format is played: a page for presentations, a file for everything else."""
    if name == "presentation":
        return f"{origin}/playback/presentation/2.3/{recording.record_id}"
    return f"{origin}/recordings/{recording.record_id}/{name}.{EXTENSIONS.get(name, 'mp4')}"


def _named(world: World, request: Request, now: float) -> list[Recording]:
    """The recordings that the request names exactly."""
    exact = (world.recordings.get(record_id) for record_id in _listed(request, "recordID"))
    found = [recording for recording in exact if recording is not None and recording.settled(now)]
    if not found:
        raise Refused("notFound", "There is no such recording.")
    return found


def publish_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID", "publish"))
    for recording in _named(world, request, now):
        recording.published = request.text("publish").lower() in TRUE_WORDS
    return success(tag("published", request.params["publish"]))


def delete_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    for recording in _named(world, request, now):
        recording.deleted = True
        if world.profile.meta_filter == "or":
            recording.metadata.clear()
    return success(tag("deleted", True))


def update_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ("recordID",))
    try:
        _named(world, request, now)
    except Refused:
        if world.profile.unknown_update == "false":
            return success(tag("updated", False))
        raise
    prefixes = tuple(_listed(request, "recordID"))
    for recording in world.recordings.values():
        if recording.record_id.startswith(prefixes) and recording.settled(now) and recording.metadata:
            _update(recording, gate.metadata(request))
    return success(tag("updated", True))


def _update(recording: Recording, changes: dict[str, str]) -> None:
    for key, value in changes.items():
        if value:
            recording.metadata[key] = value
        else:
            recording.metadata.pop(key, None)
