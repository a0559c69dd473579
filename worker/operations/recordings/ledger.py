"""The ledger: for each class what was to be recorded against what was found, and an alarm where nothing came.

``state_of`` is for one class, ``states_of`` for many at once, ``entries`` for the list that people see.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from worker.domain.ledger import Circumstances, Facts, State, likely_cause
from worker.domain.ledger import state_of as _judged
from worker.operations import story
from worker.operations.attendance.attended import attended
from worker.operations.context import Context
from worker.settings import Settings
from worker.store.tables import Course, Meeting, Observation, Occurrence, Recording, Server
from worker.store.upsert import in_batches

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One class of the ledger; ``cause`` says why nothing was found, where nothing was."""

    occurrence: Occurrence
    course: Course
    state: State
    cause: str | None


def state_of(session: Session, settings: Settings, occurrence_id: int, now: datetime) -> State:
    """The state of one class. Raises KeyError where there is no such occurrence."""
    return states_of(session, settings, [occurrence_id], now)[occurrence_id]


def states_of(session: Session, settings: Settings, occurrence_ids: Sequence[int], now: datetime) -> dict[int, State]:
    """The states of these classes."""
    deadline = timedelta(seconds=settings.recording_deadline_seconds)
    facts: dict[int, Facts] = {}
    for some in in_batches(occurrence_ids, _BATCH):
        facts |= _facts(session, some)
    return {number: _judged(each, deadline, now) for number, each in facts.items()}


def entries(session: Session, settings: Settings, now: datetime, course_id: int | None = None) -> list[Entry]:
    """Every class that has begun, in order of time."""
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    wanted = wanted.where(Occurrence.opens_at <= now)
    if course_id is not None:
        wanted = wanted.where(Course.id == course_id)
    rows = session.execute(wanted.order_by(Occurrence.starts_at, Occurrence.id)).all()
    states = states_of(session, settings, [occurrence.id for occurrence, _ in rows], now)
    return [_entry(session, occurrence, course, states[occurrence.id]) for occurrence, course in rows]


def _entry(session: Session, occurrence: Occurrence, course: Course, state: State) -> Entry:
    cause = None
    if state == "missing":
        last = select(Meeting, Server).join(Server, Meeting.server_id == Server.id)
        last = last.where(Meeting.occurrence_id == occurrence.id, Meeting.recorded, Meeting.opened_at.is_not(None))
        row = session.execute(last.order_by(Meeting.id.desc()).limit(1)).one_or_none()
        if row is not None:
            cause = _cause(session, row[0], row[1], course, reached="harvest" not in (row[1].features or {}))
    return Entry(occurrence, course, state, cause)


def alarm(session: Session, context: Context, meeting: Meeting, now: datetime, *, reached: bool) -> None:
    """The deadline of this run has passed: an alarm, unless its class is accounted for otherwise. Told once a cause."""
    state = state_of(session, context.settings, meeting.occurrence_id, now)
    if state not in ("missing", "processing"):
        return
    server = session.get_one(Server, meeting.server_id)
    course = session.scalars(select(Course).join(Occurrence).where(Occurrence.id == meeting.occurrence_id)).one()
    detail = _cause(session, meeting, server, course, reached=reached)
    story.tell_once(session, "recording_missing", now, occurrence_id=meeting.occurrence_id, detail=detail)


def _cause(session: Session, meeting: Meeting, server: Server, course: Course, *, reached: bool) -> str:
    states = session.scalars(select(Recording.state).where(Recording.meeting_id == meeting.id)).all()
    features = server.features or {}
    offers = features.get("recordings") != "False" or features.get("sessions") != "False"
    attended = _facts(session, [meeting.occurrence_id])[meeting.occurrence_id].attended
    return likely_cause(Circumstances(bool(states), reached, offers, attended, course.record))


def _facts(session: Session, occurrence_ids: Sequence[int]) -> dict[int, Facts]:
    runs: dict[int, list[Meeting]] = defaultdict(list)
    wanted = select(Meeting).where(Meeting.occurrence_id.in_(occurrence_ids), Meeting.opened_at.is_not(None))
    for meeting in session.scalars(wanted.where(Meeting.recorded)):
        runs[meeting.occurrence_id].append(meeting)
    found: dict[int, set[str]] = defaultdict(set)
    kept = select(Meeting.occurrence_id, Recording.state).join(Meeting, Recording.meeting_id == Meeting.id)
    for number, state in session.execute(kept.where(Meeting.occurrence_id.in_(occurrence_ids))):
        found[number].add(state)
    looked, visited = _looked(session, occurrence_ids), _attended(session, occurrence_ids)
    return {
        number: Facts(
            recorded=bool(runs[number]),
            attended=number in visited or (False if number in looked else None),
            closed_at=_closed_at(runs[number]),
            found=frozenset(found[number]),
        )
        for number in occurrence_ids
    }


def _closed_at(runs: Sequence[Meeting]) -> datetime | None:
    closed = [each.closed_at for each in runs if each.closed_at is not None]
    return max(closed) if closed and len(closed) == len(runs) else None


def _looked(session: Session, occurrence_ids: Sequence[int]) -> set[int]:
    """Classes that were seen at least once, with people or without."""
    seen = exists(select(Observation.meeting_id).where(Observation.meeting_id == Meeting.id))
    wanted = select(Meeting.occurrence_id).where(Meeting.occurrence_id.in_(occurrence_ids), Meeting.recorded, seen)
    return set(session.scalars(wanted))


def _attended(session: Session, occurrence_ids: Sequence[int]) -> set[int]:
    wanted = select(Occurrence.id).where(Occurrence.id.in_(occurrence_ids), attended())
    return set(session.scalars(wanted))
