"""getRecordings: which recordings are meant, and how they look."""

import hashlib
from collections.abc import Callable
from urllib.parse import unquote_plus

from worker.simulator import gate
from worker.simulator.profiles import Profile
from worker.simulator.recording import STATES, Recording
from worker.simulator.wire import Crashed, Reply, Request, success, tag, tags
from worker.simulator.world import World

EXTENSIONS = {"podcast": "ogg"}
Test = Callable[[Recording], bool]


def get_recordings(world: World, request: Request, now: float) -> Reply:
    gate.check(world, request, ())
    if not world.profile.lists_all_recordings and not _is_narrowed(request):
        return success("", "noRecordings", "Ask for something in particular.")
    found = _selected(world, request, now)
    if not found:
        return success("<recordings></recordings>", "noRecordings", "There is no such recording.")
    shown, total = _page(world.profile, request, found)
    inner = "".join(_render(world, request, recording, now) for recording in shown)
    return success(f"<recordings>{inner}</recordings>{total}")


def listed(request: Request, name: str) -> list[str]:
    """A comma list. The real server decodes it a second time: an id with a plus or a percent sign finds nothing."""
    return [item.strip() for item in unquote_plus(request.text(name)).split(",") if item.strip()]


def _is_narrowed(request: Request) -> bool:
    return bool(listed(request, "recordID") or listed(request, "meetingID") or gate.metadata(request))


def _selected(world: World, request: Request, now: float) -> list[Recording]:
    states = listed(request, "state") or ["published", "unpublished"]
    wanted = set(STATES) if "any" in states else set(states)
    named, labeled = _id_test(world.profile, request), _meta_test(world.profile, request)
    found = [r for r in world.recordings.values() if named(r) and r.state(now) in wanted and labeled(r)]
    if world.profile.from_database:
        return sorted(found, key=lambda r: r.started, reverse=True)
    # The real order is that of a hash map: repeatable, but by nothing that means anything.
    return sorted(found, key=lambda r: gate.hash_order(r.record_id))


def _id_test(profile: Profile, request: Request) -> Test:
    record_ids = tuple(listed(request, "recordID"))
    digests = tuple(_digest(meeting_id) for meeting_id in listed(request, "meetingID"))
    if profile.from_database:
        return lambda r: (
            (not record_ids or r.record_id.startswith(record_ids)) and (not digests or r.record_id.startswith(digests))
        )
    prefixes = record_ids or digests
    return lambda r: not prefixes or r.record_id.startswith(prefixes)


def _digest(meeting_id: str) -> str:
    return hashlib.sha1(meeting_id.encode("utf-8", "replace")).hexdigest()  # noqa: S324 (the protocol says so)


def _meta_test(profile: Profile, request: Request) -> Test:
    filters = gate.metadata(request).items()
    if profile.meta_filter == "or":
        return lambda r: not filters or any(r.metadata.get(key, "\0") in value.split(",") for key, value in filters)
    return lambda r: all(key in r.metadata and _like(r.metadata[key], value) for key, value in filters)


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


def _page(profile: Profile, request: Request, found: list[Recording]) -> tuple[list[Recording], str]:
    offset, limit = request.text("offset"), request.text("limit")
    fine = (offset or "0").isdecimal() and (limit or "100").isdecimal() and 1 <= int(limit or 100) <= 100
    if not (profile.pages and (offset or limit) and fine):
        return found, ""
    start = int(offset or 0)
    return found[start : start + int(limit or 100)], tag("totalElements", len(found))


def _render(world: World, request: Request, recording: Recording, now: float) -> str:
    # The name went through XML attributes: it comes out escaped twice.
    name = recording.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = tags(
        recordID=recording.record_id, meetingID=recording.meeting_id, internalMeetingID=recording.record_id, name=name
    )
    text += _facts(world, recording, now) + _metadata(world.profile, recording)
    text += tag("size", world.media_size) if world.profile.sizes else ""
    return f"<recording>{text}{_playback(world, request, recording, now)}<data></data></recording>"


def _facts(world: World, recording: Recording, now: float) -> str:
    state = recording.state(now) or ""
    ready = state not in ("processing", "processed")
    text = "" if world.profile.from_database else tag("isBreakout", recording.metadata.get("isBreakout", "false"))
    text += tags(published=state == "published", state=state)
    text += tags(startTime=recording.started if ready else 0, endTime=recording.ended if ready else 0)
    text += tag("participants", recording.participants if ready else "")
    text += tag("rawSize", world.media_size * 10) if world.profile.sizes else ""
    return text + (tag("protected", False) if world.profile.from_database else "")


def _metadata(profile: Profile, recording: Recording) -> str:
    hidden = ("meetingId", "meetingName", "isBreakout") if profile.from_database else ()
    shown = ((key, value) for key, value in recording.metadata.items() if key not in hidden)
    text = "".join(tag(key, value) if value else f"<{key}><![CDATA[]]></{key}>" for key, value in shown)
    return f"<metadata>{text}</metadata>"


def _playback(world: World, request: Request, recording: Recording, now: float) -> str:
    lost = recording.deleted and world.profile.from_database
    formats = [] if lost else recording.formats(now)
    return "<playback>" + "".join(_format(world, request, recording, name) for name in formats) + "</playback>"


def _format(world: World, request: Request, recording: Recording, name: str) -> str:
    processing = tag("processingTime", 0 if name == "podcast" else 7177)
    if world.profile.from_database:
        times = tag("length", round(recording.length)) + processing
    else:
        times = processing + tag("length", int(recording.length))
    text = tags(type=name, url=url_of(request.origin, recording, name)) + times
    text += tag("size", world.media_size) if world.profile.sizes else ""
    return f"<format>{text}{_preview(request, recording) if name == 'presentation' else ''}</format>"


def _preview(request: Request, recording: Recording) -> str:
    image = f"{request.origin}/recordings/{recording.record_id}/thumb-1.png"
    return f'<preview><images><image width="176" height="136" alt="">{image}</image></images></preview>'


def url_of(origin: str, recording: Recording, name: str) -> str:
    """Where a format is played: a page for presentations, a file for everything else."""
    if name == "presentation":
        return f"{origin}/playback/presentation/2.3/{recording.record_id}"
    return f"{origin}/recordings/{recording.record_id}/{name}.{EXTENSIONS.get(name, 'mp4')}"
