"""What programs change over the API: the same operations as the buttons of the pages, told with the user's name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request

from worker.operations import story
from worker.operations.attendance import corrections
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.meetings import end_now, joining
from worker.operations.timetable import arrange
from worker.operations.timetable.sittings import Sitting
from worker.web import api_values as values
from worker.web import join as join_page
from worker.web import recordings as recording_pages
from worker.web import servers as server_pages
from worker.web.api import TROUBLES, Code, attendance, course_of, one
from worker.web.session import Forbidden, Now, Number, Surroundings, Visitor, scoped

router = APIRouter(prefix="/api/v1", responses=TROUBLES)

Arranger = Annotated[Visitor, Depends(scoped("timetable"))]
Attending = Annotated[Visitor, Depends(scoped("attendance"))]
Recorder = Annotated[Visitor, Depends(scoped("recordings"))]
Operator = Annotated[Visitor, Depends(scoped("servers"))]
Joiner = Annotated[Visitor, Depends(scoped("join"))]
#: Takes the surroundings, the sitting's number, facts of its own, and the present.
Operation: TypeAlias = Callable[..., object]


def _changing(context: Context, visitor: Visitor, number: int, now: datetime) -> Sitting:
    """The sitting, if it is theirs to change."""
    with context.database.read() as session:
        found = one(session, visitor, number, now)
    visitor.must_change(found.course)
    return found


def _after(context: Context, visitor: Visitor, number: int, now: datetime) -> values.OccurrenceValue:
    with context.database.read() as session:
        return values.OccurrenceValue.of(one(session, visitor, number, now))


@dataclass(frozen=True, slots=True)
class Change:
    """A sitting that is theirs to change, and what a change of it needs."""

    number: int
    visitor: Visitor
    context: Context
    now: datetime

    def made(self, operation: Operation, *facts: Any) -> values.OccurrenceValue:
        """Call the operation with the sitting's number and these facts; the sitting as it is then."""
        with story.acting(self.visitor.name):
            operation(self.context, self.number, *facts, self.now)
        return _after(self.context, self.visitor, self.number, self.now)


def _arranging(number: Number, visitor: Arranger, context: Surroundings, now: Now) -> Change:
    _changing(context, visitor, number, now)
    return Change(number, visitor, context, now)


Arranging = Annotated[Change, Depends(_arranging)]


@router.post("/course/occurrences", status_code=201)
def add(visitor: Arranger, context: Surroundings, now: Now, code: Code, span: values.Span) -> values.OccurrenceValue:
    """An extra sitting."""
    with context.database.read() as session:
        visitor.must_change(course_of(session, visitor, code))
    with story.acting(visitor.name):
        number = arrange.add(context, code, span.starts_at, span.ends_at, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/cancel")
def cancel(change: Arranging, why: values.Cancel) -> values.OccurrenceValue:
    """It will not take place."""
    return change.made(arrange.cancel, why.reason)


@router.post("/occurrences/{number}/move")
def move(change: Arranging, span: values.Span) -> values.OccurrenceValue:
    """Another time."""
    return change.made(arrange.move, span.starts_at, span.ends_at)


@router.post("/occurrences/{number}/extend")
def extend(change: Arranging, how: values.Extend) -> values.OccurrenceValue:
    """Let it run on."""
    return change.made(arrange.extend, how.minutes)


@router.post("/occurrences/{number}/reopen")
def reopen(change: Arranging) -> values.OccurrenceValue:
    """Open it again after it was ended from inside."""
    return change.made(arrange.reopen)


@router.post("/occurrences/{number}/end")
def end(change: Arranging) -> values.OccurrenceValue:
    """End it before its time; its room is asked to end and not opened again by itself."""
    return change.made(end_now.one)


@router.post("/occurrences/{number}/corrections", status_code=201)
def correct(
    number: Number, visitor: Attending, context: Surroundings, now: Now, what: values.Correct
) -> list[values.AttendanceValue]:
    """Another status for somebody, with a reason; answers the attendance as it stands now."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        corrections.correct(context, number, what.user_id, what.status, reason=what.reason, by=visitor.name, now=now)
    return attendance(number, visitor, context, now)


@router.post("/occurrences/{number}/join")
def join(number: Number, visitor: Joiner, context: Surroundings, now: Now, who: values.JoinAsked) -> values.JoinLink:
    """A signed link into an open room."""
    _changing(context, visitor, number, now)
    url = joining.link(context, number, user_id=who.user_id, name=who.name, role=who.role, now=now)
    return values.JoinLink(url=url)


@router.post("/occurrences/{number}/invitation")
def invite(
    request: Request, number: Number, visitor: Joiner, context: Surroundings, now: Now, who: values.JoinAsked
) -> values.JoinLink:
    """An address of our own join page, for one person: it can be given out long before the class."""
    _changing(context, visitor, number, now)
    return values.JoinLink(url=join_page.address(request, number, who.user_id, who.name, who.role, now))


@router.post("/recordings/{number}/{action}")
def act_on_recording(
    request: Request, number: Number, action: values.RecordingAction, visitor: Recorder, context: Surroundings
) -> values.Done:
    """Show it, hide it, or delete it on its server; for administrators."""
    if not visitor.is_admin:
        raise Forbidden
    recording_pages.done(context, visitor, number, action, request.app.state.clock)
    return values.Done(done=True)


@router.post("/servers/{name}/{action}")
def act_on_server(
    name: str, action: values.ServerAction, visitor: Operator, context: Surroundings, now: Now
) -> values.ServerValue:
    """Take no new classes, be used, not be used; for administrators."""
    if not visitor.is_admin:
        raise Forbidden
    with story.acting(visitor.name):
        server_pages.ACTIONS[action](context, name, now)
    with context.database.read() as session:
        return values.ServerValue.of(servers.find(session, name))
