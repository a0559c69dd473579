"""The analytics callback: what a server tells once, after a meeting, about everybody who was in it. Parsing only.

The server sends it where the meeting was made with ``meetingKeepEvents`` and ``meta_analytics-callback-url``: one POST,
never repeated, signed by a bearer token that the receiver checks before it calls this. Shape, as version 1.0 sends it::

    {"version": "1.0", "meeting_id": EXTERNAL, "internal_meeting_id": INTERNAL,
     "data": {"start": ISO, "finish": ISO, "attendees": [
         {"ext_user_id": ..., "name": ..., "moderator": true, "joins": [ISO, ...], "leaves": [ISO, ...],
          "sessions": [{"joins": [{"timestamp": ISO}], "lefts": [{"timestamp": ISO}]}, ...]}]}}

Older servers send no ``sessions``. Of each device one, of all together the union counts; the ``duration`` that stands
beside them adds up overlaps, and is not read. Times are the server's own clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.bbb.errors import Garbled

_PEOPLE, _EVENTS = 10_000, 5_000


@dataclass(frozen=True, slots=True)
class Presence:
    """One person's unbroken presence, in UTC by the server's clock."""

    user_id: str
    full_name: str
    role: str
    joined_at: datetime
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Analytics:
    """One meeting as its server remembers it."""

    meeting_id: str
    internal_id: str
    started_at: datetime
    finished_at: datetime
    presences: tuple[Presence, ...]


def parse_analytics(payload: Mapping[str, Any]) -> Analytics:
    """The presences, sorted, overlaps united. Raises Garbled, naming the field, where it cannot be trusted."""
    data = _mapping(payload.get("data"), "data")
    start, finish = _instant(data.get("start"), "data.start"), _instant(data.get("finish"), "data.finish")
    if finish < start:
        raise Garbled("analytics: data.finish lies before data.start")
    people = _list(data.get("attendees"), "data.attendees", _PEOPLE)
    found = [each for number, person in enumerate(people) for each in _person(person, number, start, finish)]
    return Analytics(
        meeting_id=_text(payload.get("meeting_id"), "meeting_id"),
        internal_id=_text(payload.get("internal_meeting_id"), "internal_meeting_id"),
        started_at=start,
        finished_at=finish,
        presences=tuple(sorted(found, key=lambda each: (each.user_id, each.full_name, each.joined_at))),
    )


def _person(value: object, number: int, start: datetime, finish: datetime) -> Iterable[Presence]:
    place = f"data.attendees[{number}]"
    person = _mapping(value, place)
    user_id, name = str(person.get("ext_user_id") or ""), str(person.get("name") or "")
    role = "MODERATOR" if person.get("moderator") is True else "VIEWER"
    spans = [span for device in _devices(person, place) for span in _spans(*device, finish)]
    for first, last in _united(spans):
        first, last = max(first, start), min(last, finish)
        if first <= last:
            yield Presence(user_id, name, role, first, last)


def _devices(person: Mapping[str, Any], place: str) -> Iterable[tuple[list[datetime], list[datetime]]]:
    """Joins and leaves of each device; of all together where the server does not tell them apart."""
    if sessions := person.get("sessions"):
        listed = list(sessions.values()) if isinstance(sessions, Mapping) else sessions
        for number, each in enumerate(_list(listed, f"{place}.sessions", _EVENTS)):
            session = _mapping(each, f"{place}.sessions[{number}]")
            yield _times(session, "joins", place), _times(session, "lefts", place)
    else:
        yield _times(person, "joins", place), _times(person, "leaves", place)


def _times(holder: Mapping[str, Any], key: str, place: str) -> list[datetime]:
    events = _list(holder.get(key) or [], f"{place}.{key}", _EVENTS)
    bare = (each.get("timestamp") if isinstance(each, Mapping) else each for each in events)
    return [_instant(each, f"{place}.{key}") for each in bare]


def _spans(
    joins: Iterable[datetime], leaves: Iterable[datetime], finish: datetime
) -> Iterable[tuple[datetime, datetime]]:
    """Present while more joined than left. A leave without a join is nothing; a join without a leave lasts to the end.

    At one instant a leave goes first: a device that comes back at once was never two.
    """
    inside, since = 0, finish
    for at, step in sorted([*((join, 1) for join in joins), *((leave, -1) for leave in leaves)]):
        if step > 0 and inside == 0:
            since = at
        if step < 0 and inside == 1:
            yield since, at
        inside = max(inside + step, 0)
    if inside and since <= finish:
        yield since, finish


def _united(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    united: list[tuple[datetime, datetime]] = []
    for first, last in sorted(spans):
        if united and first <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        else:
            united.append((first, last))
    return united


def _instant(value: object, place: str) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Garbled(f"analytics: {place} is not a time with an offset")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise Garbled(f"analytics: {place} is not a time of this world") from None


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise Garbled(f"analytics: {place} is missing")
    return value


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Garbled(f"analytics: {place} is not an object")
    return value


def _list(value: object, place: str, limit: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > limit:
        raise Garbled(f"analytics: {place} is not a list of at most {limit}")
    return value
