"""Numbers of attendees: observations name people by small numbers, and each name is stored once a meeting."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.domain.attendance import Seen
from worker.store.bulk import insert_many
from worker.store.tables import Attendee

#: The numbers of one meeting's attendees.
Names = dict[Seen, int]
_COLUMNS = ("meeting_id", "number", "user_id", "full_name", "role")
#: The columns of our tables; what is longer is cut, so that one strange name never stops a sweep.
_ID, _NAME, _ROLE = 256, 512, 16
_TRIES = 5


def fitting(seen: Seen) -> Seen:
    """As it fits the table."""
    user_id, full_name, role = seen
    if len(user_id) <= _ID and len(full_name) <= _NAME and len(role) <= _ROLE:
        return seen
    return Seen(user_id[:_ID], full_name[:_NAME], role[:_ROLE])


def number(session: Session, people: Mapping[int, Sequence[Seen]], known: dict[int, Names]) -> None:
    """Make ``known`` name everybody of these meetings: read where a meeting is new to us, written where a person is.

    ``known`` is a short cut of this process. Another poll may take our numbers for its own newcomers first: its rows
    hold, all is read again, and ours are numbered after them.
    """
    known.update(_read(session, [meeting_id for meeting_id in people if meeting_id not in known]))
    for _ in range(_TRIES):
        fresh = list(_newcomers(people, known))
        if _all_new(session, fresh):
            for meeting_id, place, *who in fresh:
                known[meeting_id][Seen._make(who)] = place
            return
        known.update(_read(session, list({row[0] for row in fresh})))


def _all_new(session: Session, rows: Sequence[tuple[int, int, str, str, str]]) -> bool:
    """Write all of them, or none: what comes after a number that somebody else took might be theirs as well."""
    if not rows:
        return True
    with session.begin_nested() as all_or_none:
        if insert_many(session, Attendee, _COLUMNS, rows) == len(rows):
            return True
        all_or_none.rollback()
    return False


def _read(session: Session, meeting_ids: Sequence[int]) -> dict[int, Names]:
    found: dict[int, Names] = {meeting_id: {} for meeting_id in meeting_ids}
    if found:
        columns = (Attendee.meeting_id, Attendee.number, Attendee.user_id, Attendee.full_name, Attendee.role)
        for meeting_id, place, *who in session.execute(select(*columns).where(Attendee.meeting_id.in_(meeting_ids))):
            found[meeting_id][Seen._make(who)] = place
    return found


def _newcomers(
    people: Mapping[int, Sequence[Seen]], known: Mapping[int, Names]
) -> Iterable[tuple[int, int, str, str, str]]:
    for meeting_id, present in people.items():
        names = known[meeting_id]
        place = max(names.values(), default=0)
        for seen in sorted(set(present) - names.keys()):
            place += 1
            yield meeting_id, place, *seen
