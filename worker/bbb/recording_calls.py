"""The calls about recordings: ids in portions, pages to their end, and our own look at what was asked for."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import quote_plus

from worker.bbb.envelope import answer
from worker.bbb.errors import NotFound, UnsafeRequest
from worker.bbb.others import TextTrack, parse_text_tracks, parse_track_put
from worker.bbb.params import as_text, check_meta
from worker.bbb.recordings import Page, Recording, parse_done, parse_page
from worker.bbb.wanted import Wanted

Pairs = list[tuple[str, str]]

#: Bytes of ids in one address, so that it stays below 2000 (E74).
_PORTION: Final = 1500


class _Asks(Protocol):
    def ask(self, call: str, params: Pairs) -> bytes: ...
    def send_file(self, call: str, params: Pairs, file_name: str, data: bytes) -> bytes: ...


class RecordingCalls:
    """The part of `Client` that speaks of recordings."""

    def recordings(
        self: _Asks,
        *,
        meeting_ids: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        states: Sequence[str] = (),
        meta: Mapping[str, str] | None = None,
        page_size: int | None = None,
    ) -> list[Recording]:
        """`iter_recordings` as a list, oldest first (E82)."""
        found = _recordings(self, list(meeting_ids), list(record_ids), tuple(states), dict(meta or {}), page_size)
        return sorted(found, key=lambda recording: (recording.start_time_ms, recording.record_id))

    def iter_recordings(
        self: _Asks,
        *,
        meeting_ids: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        states: Sequence[str] = (),
        meta: Mapping[str, str] | None = None,
        page_size: int | None = None,
    ) -> Iterator[Recording]:
        """Recordings that match all that is given, each once; nothing given: all.

        Servers differ in how they combine filters and match beginnings of ids, so each recording is looked at again
        here (E73, E76): ids exactly, `meta` by AND with `%` at an end for "anything". `states` empty means published
        and unpublished, `("any",)` all. `page_size` is 1 to 100; servers before 2.6 answer with one page (E83).
        Raises `UnsafeRequest` before the first request for what cannot be asked (E75, E77).
        """
        return _recordings(self, list(meeting_ids), list(record_ids), tuple(states), dict(meta or {}), page_size)

    def recordings_page(
        self: _Asks, offset: int, size: int, *, states: Sequence[str] = (), meta: Mapping[str, str] | None = None
    ) -> Page:
        """One page, for a caller that keeps its place between pages; what was asked for is looked at again here.

        A server before 2.6 answers with everything, whatever the page (E83): `Page.total` is None then.
        """
        query = _queries([], [], tuple(states), dict(meta or {}))[0]
        page = parse_page(_page(self, query, offset, size))
        wanted = Wanted(frozenset(), frozenset(), frozenset(states), dict(meta or {}))
        return Page(list(filter(wanted.matches, page.recordings)), page.total, len(page.recordings))

    def publish_recordings(self: _Asks, ids: Iterable[str], publish: bool) -> None:
        """Show or hide. No change is no error (E86). Raises `NotFound` if none of a portion of ids exists."""
        for portion in portions(ids):
            pairs = [("recordID", portion), ("publish", as_text(publish))]
            answer(self.ask("publishRecordings", pairs))

    def delete_recordings(self: _Asks, ids: Iterable[str]) -> None:
        """Delete; those already gone are no error (E85)."""
        for portion in portions(ids):
            try:
                parse_done(self.ask("deleteRecordings", [("recordID", portion)]), "deleted")
            except NotFound:
                continue

    def update_recordings(self: _Asks, ids: Iterable[str], meta: Mapping[str, str]) -> None:
        """Set labels; an empty value removes one (E87). Raises `NotFound` for an unknown id if the server tells."""
        check_meta(meta)
        if not meta:
            raise UnsafeRequest("meta: nothing to update")
        labels = [(f"meta_{key}", meta[key]) for key in sorted(meta)]
        for portion in portions(ids):
            parse_done(self.ask("updateRecordings", [("recordID", portion), *labels]), "updated")

    def text_tracks(self: _Asks, record_id: str) -> list[TextTrack]:
        """The subtitles of one recording (2.2 and later). Raises `NotFound` for an unknown one."""
        return parse_text_tracks(self.ask("getRecordingTextTracks", [("recordID", record_id)]))

    def put_text_track(
        self: _Asks, record_id: str, kind: str, lang: str, label: str, file_name: str, data: bytes
    ) -> None:
        """Hand in subtitles: `kind` is subtitles or captions, `lang` best a bare `fa`. Done minutes later, or never."""
        pairs = [("recordID", record_id), ("kind", kind), ("lang", lang), ("label", label)]
        parse_track_put(self.send_file("putRecordingTextTrack", pairs, file_name, data))


def portions(ids: Iterable[str], size: int = _PORTION) -> list[str]:
    """Ids, each once, as comma lists of at most `size` bytes in an address. Refuses an id that cannot stand in one."""
    lists: list[list[str]] = []
    room = 0
    for item in dict.fromkeys(ids):
        _check_id(item)
        cost = len(quote_plus(item)) + len("%2C")
        if cost > room:
            lists.append([])
            room = size
        lists[-1].append(item)
        room -= cost
    return [",".join(items) for items in lists]


def _check_id(item: str) -> None:
    """Lists are decoded twice and split at commas by the server (E75); an empty id would mean "all"."""
    if not item.strip() or any(letter in item for letter in ",+%"):
        raise UnsafeRequest("an id in a list must not be empty nor hold , + or %")


def _recordings(
    client: _Asks,
    meetings: list[str],
    records: list[str],
    states: tuple[str, ...],
    meta: dict[str, str],
    size: int | None,
) -> Iterator[Recording]:
    wanted = Wanted(frozenset(meetings), frozenset(records), frozenset(states), meta)
    queries = _queries(meetings, records, states, meta)
    if size is not None and not 1 <= size <= 100:
        raise UnsafeRequest("page_size: 1 to 100")
    return _found(client, queries, wanted, size)


def _queries(meetings: list[str], records: list[str], states: tuple[str, ...], meta: dict[str, str]) -> list[Pairs]:
    """The parameters of each request. Given record ids, meeting ids are not sent: servers differ on both at once."""
    check_meta(meta)
    if not all(meta.values()):
        raise UnsafeRequest("meta: an empty value cannot be searched for")
    common = [("state", ",".join(states))] if states else []
    common += [(f"meta_{key}", meta[key]) for key in sorted(meta)]
    name, ids = ("recordID", records) if records else ("meetingID", meetings)
    return [[(name, portion), *common] for portion in portions(ids)] if ids else [common]


def _found(client: _Asks, queries: list[Pairs], wanted: Wanted, size: int | None) -> Iterator[Recording]:
    seen: set[str] = set()
    for query in queries:
        for page in _pages(client, query, size):
            fresh = [recording for recording in page.recordings if recording.record_id not in seen]
            seen.update(recording.record_id for recording in fresh)
            yield from filter(wanted.matches, fresh)


def _pages(client: _Asks, query: Pairs, size: int | None) -> Iterator[Page]:
    """Pages until the end. It ends for sure: each further page must bring an id not seen before (E83)."""
    seen: set[str] = set()
    for offset in itertools.count(0, size or 1):
        page = parse_page(_page(client, query, offset, size))
        yield page
        ids = {recording.record_id for recording in page.recordings}
        if size is None or ids <= seen or _is_last(page, offset + size, size):
            return
        seen |= ids


def _page(client: _Asks, query: Pairs, offset: int, size: int | None) -> bytes:
    limits = [("offset", str(offset)), ("limit", str(size))] if size else []
    return client.ask("getRecordings", query + limits)


def _is_last(page: Page, reached: int, size: int) -> bool:
    """Without a total the server knows no pages and gave all, unless it gave exactly a page full."""
    return len(page.recordings) != size if page.total is None else reached >= page.total
