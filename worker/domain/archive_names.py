"""What archived files are called: names of our own making, safe on every file system, never a server's. Pure."""

import re
from datetime import datetime

#: Kinds of files, by what the server says they are.
_EXTENSIONS = {
    "video/mp4": "mp4",
    "video/x-m4v": "m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "audio/ogg": "ogg",
    "application/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/webm": "weba",
    "audio/x-wav": "wav",
    "application/pdf": "pdf",
    "application/zip": "zip",
}
_KNOWN = frozenset(_EXTENSIONS.values())


def extension(content_type: str, path: str) -> str:
    """By the kind the server gives; else by the end of the address, if it is a usual one; else ``bin``."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _EXTENSIONS:
        return _EXTENSIONS[kind]
    end = path.partition("?")[0].rpartition(".")[2].lower()
    return end if end in _KNOWN else "bin"


def file_name(
    course: tuple[int, str] | None, recording_id: int, started_at: datetime | None, kind: str, ending: str
) -> str:
    """``ALG-101.3/20260302-0900.17.video.mp4``: a folder a course, a time in UTC, our number, the format."""
    folder = "stray" if course is None else f"{_safe(course[1]) or 'course'}.{course[0]}"
    day = started_at.strftime("%Y%m%d-%H%M") if started_at else "undated"
    return f"{folder}/{day}.{recording_id}.{_safe(kind) or 'file'}.{ending}"


def part_name(recording_id: int, kind: str) -> str:
    """Where a file grows until it is whole."""
    return f"{recording_id}.{_safe(kind) or 'file'}.part"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_")[:40]
