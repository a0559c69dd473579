"""What a server shows: one ``getMeetings`` where it lists attendees, ``getMeetingInfo`` where it does not.

Three outcomes for each of our meetings, three places: in ``rooms`` (an answer), in ``missing`` (the server said
notFound), in neither (no answer: nothing is known). A meeting that the list does not show is asked for by itself before
anything is believed (E43).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from worker import bbb
from worker.domain.attendance import Seen
from worker.operations.attendance.numbering import fitting

#: Single questions at once to one server.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Room:
    """One run of a meeting as a server shows it."""

    external_id: str
    internal_id: str
    people: tuple[Seen, ...]  #: one a connection
    bots: frozenset[Seen]  #: those of them who are recorders
    heads: int  #: distinct people, recorders left out
    moderators: int  #: of these
    named: bool  #: whether everybody who is counted is also named
    recording: bool  #: made with record=true, says the server


class Open(NamedTuple):
    """One of our open meetings, as poll needs to know it: the columns of its row by their names."""

    id: int
    occurrence_id: int
    server_id: int
    external_id: str
    internal_id: str | None
    opened_at: datetime | None
    people: int
    moderators: int
    recording: bool | None
    misses: int
    missed_at: datetime | None
    end_requested_at: datetime | None


@dataclass(slots=True)
class View:
    """One look at a server."""

    rooms: dict[int, Room] = field(default_factory=dict)  #: by the id of our meeting
    missing: set[int] = field(default_factory=set)
    silent: dict[int, str] = field(default_factory=dict)  #: no answer about this meeting, and why
    everything: tuple[Room, ...] | None = None  #: all meetings on the server; None: not listed
    bulk: bool | None = None  #: whether getMeetings names attendees; None: cannot be told yet
    oldest: datetime | None = None  #: when the oldest of our rooms in it was opened
    late: bool = False  #: it came so long after the question that nobody knows when it was true


class Memory:
    """What each server answered last, by digest: an unchanged answer, or part of a list, is not parsed again.

    Lives in one process and is only a short cut: whatever it has forgotten is parsed.
    """

    def __init__(self, bots: re.Pattern[str]) -> None:
        self._lists: dict[int, dict[bytes, Room]] = {}
        self._answers: defaultdict[int, dict[str, tuple[bytes, Room]]] = defaultdict(dict)
        self._bots = bots

    def read(self, server_id: int, segments: Iterable[bytes]) -> list[Room]:
        """The rooms of a list. One that cannot be read, or is over, is left out, and so is asked for by itself."""
        known, now = self._lists.get(server_id, {}), {}
        before = {room.internal_id: room for room in known.values()}
        for segment in segments:
            digest = _digest(segment)
            room = known.get(digest) or self._read(segment, before)
            if room is not None:
                now[digest] = room
        self._lists[server_id] = now
        return list(now.values())

    def answer(self, server_id: int, meeting_id: str, body: bytes) -> Room:
        """The room of an answer about one meeting. Raises what it refuses, and what is no answer; NotFound (E42)."""
        known, digest = self._answers[server_id].get(meeting_id), _digest(body)
        if known is not None and known[0] == digest:
            return known[1]
        found = bbb.parse_roll_call_info(body)
        if found.forcibly_ended:
            raise bbb.NotFound("meetingForciblyEnded", "shown, but over")
        room = self._room(found, None if known is None else known[1])
        self._answers[server_id][meeting_id] = digest, room
        return room

    def keep_only(self, server_id: int, meeting_ids: Iterable[str]) -> None:
        """The others of these answers are not asked for any more."""
        for meeting_id in self._answers[server_id].keys() - set(meeting_ids):
            del self._answers[server_id][meeting_id]

    def _read(self, segment: bytes, before: Mapping[str, Room]) -> Room | None:
        try:
            found = bbb.parse_roll_call(segment)
        except bbb.Error:
            return None
        return None if found.forcibly_ended else self._room(found, before.get(found.internal_id))

    def _room(self, found: bbb.RollCall, before: Room | None) -> Room:
        """What we keep of a meeting's answer. Most of its people were there before: each is judged once."""
        known: dict[bbb.Who, Seen] = {} if before is None else {seen: seen for seen in before.people}
        people = tuple([known.get(who) or fitting(Seen._make(who)) for who in found.people])
        was_bot = frozenset() if before is None else before.bots
        bots = frozenset([seen for seen in people if (seen in was_bot if seen in known else self._is_bot(seen))])
        heads = {seen.user_id or seen.key for seen in people if seen not in bots}
        moderators = heads & {seen.key for seen in people if seen.role == "MODERATOR"}
        return Room(
            external_id=found.meeting_id,
            internal_id=found.internal_id,
            people=people,
            bots=bots,
            heads=len(heads),
            moderators=len(moderators),
            named=found.names_all,
            recording=found.recording,
        )

    def _is_bot(self, seen: Seen) -> bool:
        return bool(self._bots.search(seen.user_id) or self._bots.search(seen.full_name))


def _digest(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).digest()


def look(client: bbb.Client, server_id: int, bulk: bool | None, ours: Sequence[Open], memory: Memory) -> View:
    """Ask one server about our meetings. Raises bbb.Error where it answers nothing at all."""
    view = View(bulk=bulk)
    unnamed = set() if bulk is False else _list(client, server_id, ours, memory, view)
    _ask_each(client, server_id, [meeting for meeting in ours if meeting.id not in view.rooms], memory, view)
    if any(view.rooms[meeting].people for meeting in unnamed & view.rooms.keys()):
        view.bulk = False  # the list only counted whom the server names when it is asked for one meeting
    if bulk is False and ours and not view.rooms and not view.missing:
        raise bbb.Unreachable(next(iter(view.silent.values()), "no answer"))
    if bulk is False and not ours:
        client.is_running("mtz-health")  # nothing of ours is there: only ask whether the server is
    return view


def _list(client: bbb.Client, server_id: int, ours: Sequence[Open], memory: Memory, view: View) -> set[int]:
    """What the list shows. Returns ours of which it only counts the people, where it names nobody at all.

    A count that lags behind the names says nothing about the server; such a room is asked for by itself.
    """
    try:
        rooms = memory.read(server_id, bbb.split_meetings(client.meetings_raw()))
    except bbb.Unsupported:
        view.bulk = False
        return set()
    view.everything = tuple(rooms)
    view.rooms = _matched([room for room in rooms if room.named], ours)
    if any(room.people for room in rooms):
        view.bulk = True
        return set()
    return set(_matched([room for room in rooms if not room.named], ours))


def _matched(rooms: Iterable[Room], ours: Iterable[Open]) -> dict[int, Room]:
    """Ours by id. Two runs of one id may coexist for a moment (E44): the one we know goes before the other."""
    by_internal = {room.internal_id: room for room in rooms}
    by_external = {room.external_id: room for room in rooms}
    found = ((each.id, by_internal.get(each.internal_id or "") or by_external.get(each.external_id)) for each in ours)
    return {meeting_id: room for meeting_id, room in found if room is not None}


def _ask_each(client: bbb.Client, server_id: int, meetings: Sequence[Open], memory: Memory, view: View) -> None:
    down: list[str] = []
    memory.keep_only(server_id, [meeting.external_id for meeting in meetings])

    def ask(meeting: Open) -> None:
        if down:  # one time limit is enough: the others would only wait for theirs
            view.silent[meeting.id] = down[0]
            return
        try:
            body = client.meeting_info_raw(meeting.external_id)
            view.rooms[meeting.id] = memory.answer(server_id, meeting.external_id, body)
        except bbb.NotFound:
            view.missing.add(meeting.id)
        except bbb.Unreachable as error:
            down.append(str(error))
            view.silent[meeting.id] = str(error)
        except bbb.Error as error:
            view.silent[meeting.id] = str(error)

    if len(meetings) <= 1:
        for meeting in meetings:
            ask(meeting)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(ask, meetings))
