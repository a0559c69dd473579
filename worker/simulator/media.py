"""The files of recordings: always the same bytes for the same name, in ranges where asked."""

import hashlib
import re
from functools import lru_cache

from worker.simulator.captions import track_file
from worker.simulator.wire import Reply, page
from worker.simulator.world import World

TYPES = {"mp4": "video/mp4", "ogg": "audio/ogg", "webm": "video/webm"}
_FILE = re.compile(r"/recordings/([^/]+)/([a-z]+)\.(mp4|ogg|webm)")
_PAGE = re.compile(r"/playback/presentation/2\.\d/([^/]+)")
_TRACK = re.compile(r"/textTrack/[0-9a-f]+/([^/]+)/([^/]+)")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve_media(world: World, path: str, headers: dict[str, str]) -> Reply:
    """The file, page or captions at this path."""
    with world.at_now() as now:
        if match := _FILE.fullmatch(path):
            if _is_played(world, match[1], match[2], now):
                return ranged(content(match[1], match[2], world.media_size), TYPES[match[3]], headers)
        elif match := _PAGE.fullmatch(path):
            if _is_played(world, match[1], "presentation", now):
                return page(200, f"Playback of {match[1]}")
        elif match := _TRACK.fullmatch(path):
            return track_file(world, match[1], match[2]) or page(404, "Not Found")
    return page(404, "Not Found")


def _is_played(world: World, record_id: str, name: str, now: float) -> bool:
    recording = world.recordings.get(record_id)
    return recording is not None and recording.state(now) == "published" and name in recording.formats(now)


@lru_cache(maxsize=16)
def content(record_id: str, name: str, size: int) -> bytes:
    """What a format of a recording holds."""
    return hashlib.shake_128(f"{record_id}/{name}".encode()).digest(size)


def ranged(data: bytes, content_type: str, headers: dict[str, str]) -> Reply:
    """All of a file, or the part asked for unless the file has changed since."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    own = {"Accept-Ranges": "bytes", "ETag": tag}
    if headers.get("if-none-match") == tag:
        return Reply(b"", 304, content_type, own)
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or not (match[1] or match[2]) or headers.get("if-range", tag) != tag:
        return Reply(data, 200, content_type, own)
    start, stop = _bounds(match[1], match[2], len(data))
    if start >= stop:
        return Reply(b"", 416, content_type, {**own, "Content-Range": f"bytes */{len(data)}"})
    own["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Reply(data[start:stop], 206, content_type, own)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size
