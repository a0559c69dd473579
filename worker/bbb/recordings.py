"""Answers about recordings (protocol sections 4.7 to 4.10 and 7)."""

from dataclasses import dataclass, field, replace

from worker.bbb.envelope import Element, answer, text_map
from worker.bbb.errors import NotFound
from worker.bbb.values import boolean, integer, word


@dataclass(frozen=True, slots=True)
class Playback:
    """One format of a recording. `length_minutes` are whole minutes, 0 for a short one (E80).

    `url` is for people; `format` is presentation, video, podcast, notes, screenshare, statistics or capture.
    """

    format: str
    url: str = ""
    length_minutes: int = 0
    processing_ms: int = 0
    size_bytes: int = 0
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """What the server kept of one run of a meeting: `record_id` equals the run's internal id (E71).

    Times are milliseconds since 1970 by the server's clock and span the life of the meeting, not what was recorded; 0
    while it is being processed (E79). `state` is processing, processed, published, unpublished or deleted. Playbacks
    appear one by one (E78). `name` may be escaped twice; `title` is better (E88).
    """

    record_id: str
    meeting_id: str = ""
    internal_id: str = ""
    name: str = ""
    state: str = ""
    published: bool = False
    start_time_ms: int = 0
    end_time_ms: int = 0
    participants: int = 0
    size_bytes: int = 0
    raw_size_bytes: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    playbacks: tuple[Playback, ...] = ()
    is_breakout: bool = False

    @property
    def title(self) -> str:
        """The meeting's name as it was given (E88)."""
        return self.metadata.get("meetingName") or self.name


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to `getRecordings`. `total` is None where the server does not divide into pages (E83).

    `shown` is how many the server sent, before those that were not asked for are left out.
    """

    recordings: list[Recording]
    total: int | None = None
    shown: int = 0


def parse_recordings(body: bytes) -> list[Recording]:
    """The answer to `getRecordings`, oldest first (E82), each recording and format once (E81). No recordings: empty."""
    return parse_page(body).recordings


def parse_page(body: bytes) -> Page:
    """`parse_recordings`, with the number of recordings on all pages."""
    try:
        root = answer(body)
    except NotFound:
        return Page([])
    found: dict[str, Recording] = {}
    for element in root.iterfind("recordings/recording"):
        recording = _recording(element)
        if recording.record_id:
            found[recording.record_id] = _merged(found.get(recording.record_id), recording)
    total = word(root.findtext("totalElements"))
    return Page(sorted(found.values(), key=_order), integer(total) if total else None)


def parse_done(body: bytes, flag: str) -> None:
    """The answer to a publish, update or delete. `<flag>false</flag>` of an update means an unknown id: `NotFound`."""
    if word(answer(body).findtext(flag)) == "false":
        raise NotFound("notFound", f"the server answered {flag}=false")


def _order(recording: Recording) -> tuple[int, str]:
    return recording.start_time_ms, recording.record_id


def _merged(first: Recording | None, second: Recording) -> Recording:
    if first is None:
        return second
    return replace(first, playbacks=_once([*first.playbacks, *second.playbacks]))


def _once(playbacks: list[Playback]) -> tuple[Playback, ...]:
    kept: dict[str, Playback] = {}
    for playback in playbacks:
        kept.setdefault(playback.format, playback)
    return tuple(kept.values())


def _recording(element: Element) -> Recording:
    read = {child.tag: child.text for child in element}
    published = boolean(read.get("published"))
    record_id = word(read.get("recordID"))
    return Recording(
        record_id=record_id,
        meeting_id=word(read.get("meetingID")),
        internal_id=word(read.get("internalMeetingID")) or record_id,
        name=read.get("name") or "",
        state=word(read.get("state")).lower() or ("published" if published else "unpublished"),
        published=published,
        start_time_ms=integer(read.get("startTime")),
        end_time_ms=integer(read.get("endTime")),
        participants=integer(read.get("participants")),
        size_bytes=integer(read.get("size")),
        raw_size_bytes=integer(read.get("rawSize")),
        metadata=text_map(element.find("metadata")),
        playbacks=_once([_playback(child) for child in element.iterfind("playback/format")]),
        is_breakout=boolean(read.get("isBreakout")),
    )


def _playback(element: Element) -> Playback:
    read = {child.tag: child.text for child in element}
    return Playback(
        format=word(read.get("type")),
        url=word(read.get("url")),
        length_minutes=integer(read.get("length")),
        processing_ms=integer(read.get("processingTime")),
        size_bytes=integer(read.get("size")),
        images=tuple(word(image.text) for image in element.iterfind("preview/images/image")),
    )
