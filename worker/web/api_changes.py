"""What programs change over the API: the same operations as the buttons of the pages, told with the user's name."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from worker.operations import arrange, care, corrections, end_now, joining, servers, story
from worker.operations.context import Context
from worker.operations.sittings import Sitting
from worker.store.tables import Recording
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


def _changing(context: Context, visitor: Visitor, number: int, now: datetime) -> Sitting:
    """The sitting, if it is theirs to change."""
    with context.database.read() as session:
        found = one(session, visitor, number, now)
    visitor.must_change(found.course)
    return found


def _after(context: Context, visitor: Visitor, number: int, now: datetime) -> values.OccurrenceValue:
    with context.database.read() as session:
        return values.OccurrenceValue.of(one(session, visitor, number, now))


@router.post("/course/occurrences", status_code=201)
def add(visitor: Arranger, context: Surroundings, now: Now, code: Code, span: values.Span) -> values.OccurrenceValue:
    """An extra sitting."""
    with context.database.read() as session:
        visitor.must_change(course_of(session, visitor, code))
    with story.acting(visitor.name):
        number = arrange.add(context, code, span.starts_at, span.ends_at, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/cancel")
def cancel(
    number: Number, visitor: Arranger, context: Surroundings, now: Now, why: values.Cancel
) -> values.OccurrenceValue:
    """It will not take place."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        arrange.cancel(context, number, why.reason, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/move")
def move(
    number: Number, visitor: Arranger, context: Surroundings, now: Now, span: values.Span
) -> values.OccurrenceValue:
    """Another time."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        arrange.move(context, number, span.starts_at, span.ends_at, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/extend")
def extend(
    number: Number, visitor: Arranger, context: Surroundings, now: Now, how: values.Extend
) -> values.OccurrenceValue:
    """Let it run on."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        arrange.extend(context, number, how.minutes, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/reopen")
def reopen(number: Number, visitor: Arranger, context: Surroundings, now: Now) -> values.OccurrenceValue:
    """Open it again after it was ended from inside."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        arrange.reopen(context, number, now)
    return _after(context, visitor, number, now)


@router.post("/occurrences/{number}/end")
def end(number: Number, visitor: Arranger, context: Surroundings, now: Now) -> values.OccurrenceValue:
    """End it before its time; its room is asked to end and not opened again by itself."""
    _changing(context, visitor, number, now)
    with story.acting(visitor.name):
        end_now.one(context, number, now)
    return _after(context, visitor, number, now)


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
    clock = request.app.state.clock
    operations: dict[str, Callable[[list[Recording]], list[care.Done]]] = {
        "publish": lambda rows: care.publish(context, rows, True, clock),
        "unpublish": lambda rows: care.publish(context, rows, False, clock),
        "delete": lambda rows: care.delete(context, rows, clock),
    }
    recording_pages.done(context, visitor, number, operations[action])
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
