"""Recordings: for each class what was to be recorded against what was found; to play, to show, to hide, to delete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from worker.clock import Clock
from worker.domain import calendars
from worker.errors import Conflict, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.recordings import care, ledger
from worker.store.tables import Course, Meeting, Occurrence, Playback, Recording
from worker.store.upsert import in_batches
from worker.web import page
from worker.web.api_values import RecordingAction
from worker.web.session import Admin, Anyone, Form, Now, Number, Surroundings, Visitor

router = APIRouter()

_SPAN, _MOST = timedelta(days=14), 300
#: Classes whose recordings are looked for; the newest of them.
_LOOKED_AT = 5000
_ACTIONS: dict[RecordingAction, Callable[[Context, list[Recording], Clock], list[care.Done]]] = {
    "publish": lambda context, rows, clock: care.publish(context, rows, True, clock),
    "unpublish": lambda context, rows, clock: care.publish(context, rows, False, clock),
    # Not while a file of it is still to be downloaded.
    "delete": care.delete,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A recording, and how it can be played."""

    row: Recording
    playbacks: list[Playback]


@dataclass(frozen=True, slots=True)
class Entry:
    """A class of the ledger with what was found of it."""

    occurrence: Occurrence
    course: Course
    state: str
    found: list[Found]


@router.get("/recordings")
def listing(
    request: Request,
    visitor: Anyone,
    context: Surroundings,
    now: Now,
    since: str = "",
    until: str = "",
    state: str = "",
) -> Response:
    """The ledger of the last two weeks, or as asked; and recordings that belong to no class of ours."""
    zone = context.settings.timezone
    end = calendars.day_ends(until, zone) if until else now
    start = calendars.day_begins(since, zone) if since else end - _SPAN
    with context.database.read() as session:
        entries = _entries(session, context, visitor, start, min(end, now), now)
        strays = [] if visitor.only_teacher is not None else _with_playbacks(session, _unplaced())
    shown = [each for each in entries[:_LOOKED_AT] if state in ("", each.state)]
    return page.render(
        request,
        "recordings",
        entries=shown[:_MOST],
        total=len(shown),
        most=_MOST,
        looked_at=_LOOKED_AT if len(entries) > _LOOKED_AT else None,
        strays=strays,
        states=sorted({each.state for each in entries}),
        state=state,
        start=start,
        last=calendars.parse_date(until) if until else end,
    )


def _entries(
    session: Session, context: Context, visitor: Visitor, start: datetime, end: datetime, now: datetime
) -> list[Entry]:
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    wanted = wanted.where(Occurrence.starts_at >= start, Occurrence.starts_at < end)
    if visitor.only_teacher is not None:
        wanted = wanted.where(Course.teacher_id == visitor.only_teacher)
    placed = select(Recording.id).join(Meeting, Recording.meeting_id == Meeting.id)
    placed = placed.where(Meeting.occurrence_id == Occurrence.id)
    wanted = wanted.where(or_(Course.record != "never", exists(placed)))
    rows = session.execute(
        wanted.order_by(Occurrence.starts_at.desc(), Occurrence.id.desc()).limit(_LOOKED_AT + 1)
    ).all()
    ids = [occurrence.id for occurrence, _ in rows]
    states, found = ledger.states_of(session, context.settings, ids, now), _found(session, ids)
    return [Entry(row, course, states[row.id], found.get(row.id, [])) for row, course in rows]


def _found(session: Session, occurrence_ids: list[int]) -> dict[int, list[Found]]:
    found: dict[int, list[Found]] = {}
    for some in in_batches(occurrence_ids, 500):
        placed = select(Recording).join(Meeting, Recording.meeting_id == Meeting.id)
        placed = placed.where(Meeting.occurrence_id.in_(some))
        places = select(Meeting.id, Meeting.occurrence_id).where(Meeting.occurrence_id.in_(some))
        occurrence_of = dict(session.execute(places).all())
        for each in _with_playbacks(session, placed):
            if each.row.meeting_id is not None:
                found.setdefault(occurrence_of[each.row.meeting_id], []).append(each)
    return found


def _unplaced() -> Select[Recording]:
    wanted = select(Recording).where(Recording.meeting_id.is_(None), Recording.deleted_at.is_(None))
    return wanted.order_by(Recording.started_at.desc(), Recording.id.desc()).limit(50)


def _with_playbacks(session: Session, wanted: Select[Recording]) -> list[Found]:
    rows = session.scalars(wanted).all()
    playbacks: dict[int, list[Playback]] = {row.id: [] for row in rows}
    for each in session.scalars(select(Playback).where(Playback.recording_id.in_(playbacks)).order_by(Playback.format)):
        if each.url.startswith(("https://", "http://")):
            playbacks[each.recording_id].append(each)
    return [Found(row, playbacks[row.id]) for row in rows]


@router.post("/recordings/{number}/{action}")
def act(
    request: Request, number: Number, action: RecordingAction, visitor: Admin, form: Form, context: Surroundings
) -> Response:
    """Show it to those who have the address, hide it, or delete it on its server."""
    done(context, visitor, number, action, request.app.state.clock)
    return page.redirect("/recordings", done="recording")


def done(context: Context, visitor: Visitor, number: int, action: RecordingAction, clock: Clock) -> None:
    """Do it to this recording. Raises Unknown, and Conflict where it was not done, saying why."""
    with context.database.read() as session:
        row = session.get(Recording, number)
    if row is None:
        raise Unknown("not found")
    with story.acting(visitor.name):
        outcomes = _ACTIONS[action](context, [row], clock)
    for outcome in outcomes:
        if not outcome.done:
            raise Conflict(outcome.why)
