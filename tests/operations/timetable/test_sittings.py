"""Sittings: the state that a list is asked for is the state that it shows."""

from datetime import timedelta
from itertools import product
from typing import get_args

import pytest
from sqlalchemy import select

from worker.domain.lifecycle import OccurrenceState
from worker.operations.timetable import sittings
from worker.store.tables import Course, EndedObservation, Meeting, Occurrence, OngoingObservation, Stay

#: (state, closed, people) of the meeting; None: there is none.
MEETINGS = [
    None,
    ("requested", False, 0),
    ("open", False, 0),
    ("open", False, 3),
    ("ending", False, 1),
    ("closed", True, 2),
]


@pytest.fixture
def everything(stage, add_server, make_course):
    """An occurrence for each way its columns, its meeting and what was seen of it can stand."""
    server, now = add_server().server_id, stage.clock()
    make_course()
    ways = product((False, True), (None, "settled_at", "finished_at"), (-60, 0, 60), MEETINGS, (None, "stay", "poll"))
    with stage.context.database.write() as session:
        course = session.scalars(select(Course.id)).one()
        for number, (cancelled, over, closes, meeting, seen) in enumerate(ways):
            start = now + timedelta(minutes=closes - 30, seconds=number)
            end = now + timedelta(minutes=closes)
            row = Occurrence(course_id=course, original_start=start, starts_at=start, ends_at=end, opens_at=start)
            row.closes_at, row.planned_at, row.cancelled_at = end, now, now if cancelled else None
            if over:
                setattr(row, over, now)
            session.add(row)
            session.flush()
            if meeting is not None:
                _add_meeting(session, row.id, server, meeting, now, polled=seen == "poll")
            if seen == "stay":
                session.add(_stay(row.id, now))
    return now


def _add_meeting(session, occurrence, server, facts, now, *, polled):
    state, closed, people = facts
    row = Meeting(occurrence_id=occurrence, server_id=server, external_id=f"m-{occurrence}", state=state)
    row.requested_at, row.closed_at, row.passwords = now, now if closed else None, b""
    session.add(row)
    session.flush()
    run = {"meeting_id": row.id, "first_at": now, "last_at": now, "polls": 1}
    if people:
        session.add(OngoingObservation(attendees="1" if polled else "", people=people, moderators=0, **run))
    elif polled:
        session.add(EndedObservation(attendees="1", **run))


def _stay(occurrence, now):
    return Stay(occurrence_id=occurrence, attendee_key="u", full_name="U", role="viewer", first_seen=now, last_seen=now)


def test_the_database_and_the_program_call_every_occurrence_the_same(stage, everything):
    with stage.context.database.read() as session:
        called = {each.occurrence.id: each.state for each in sittings.find(session, everything)}
        for state in get_args(OccurrenceState):
            asked = set(session.scalars(select(Occurrence.id).where(sittings.in_state(state, everything))))
            assert asked == {id for id, found in called.items() if found == state}, state
    assert set(called.values()) == set(get_args(OccurrenceState))
