"""``meetingz occurrence``: the dated sittings."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from worker.operations.timetable.sittings import Sitting

app = typer.Typer(name="occurrence", help="Sittings: list, add, cancel, move, extend, reopen.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", parser=door.whole, help="The occurrence's number.")]
Start = Annotated[str, typer.Option("--start", metavar="T", help="ISO 8601, or wall-clock time of the course's zone.")]
End = Annotated[str, typer.Option("--end", metavar="T", help="The same.")]


@app.command(name="list")
def list_(
    course: door.CourseOption = None, since: door.Since = None, until: door.Until = None, as_json: door.Json = False
) -> None:
    """Sittings in order of time, with their state: planned, open, live, held, missed or cancelled."""
    from worker.operations.timetable import sittings

    context = door.context()
    start, end = door.span(since, until, context.settings.timezone)
    with context.database.read() as session:
        found = sittings.find(session, door.now(), course=course, since=start, until=end)
    if as_json:
        door.as_json([_facts(each) for each in found])
        return
    cells = [
        (each.occurrence.id, each.course.code, each.course.title, _when(each), each.state, each.server)
        for each in found
    ]
    door.table(("id", "course", "title", "starts", "state", "server"), cells, empty="no occurrence in that time")


def _when(each: "Sitting") -> str:
    return door.clock_time(each.occurrence.starts_at, each.course.timezone)


def _facts(each: "Sitting") -> dict[str, Any]:
    zone, meeting = each.course.timezone, each.meeting
    return {
        "id": each.occurrence.id,
        "course": each.course.code,
        "title": each.course.title,
        "starts_at": door.iso(each.occurrence.starts_at, zone),
        "ends_at": door.iso(each.occurrence.ends_at, zone),
        "state": each.state,
        "server": each.server,
        "meeting_id": meeting and meeting.external_id,
        "internal_meeting_id": meeting and meeting.internal_id,
        "cancelled": each.occurrence.cancelled_at is not None,
    }


@app.command()
def show(number: Id, as_json: door.Json = False) -> None:
    """One sitting and its story: what was planned, what changed, by whom, and when."""
    from worker.operations import story

    with door.context().database.read() as session:
        found = _one(session, number)
        told = story.of(session, number)
    zone, row = found.course.timezone, found.occurrence
    if as_json:
        facts = {"planned_for": door.iso(row.original_start, zone), "planned_at": door.iso(row.planned_at, zone)}
        facts |= {"extended_until": door.iso(row.extended_until, zone), "cancel_reason": row.cancel_reason}
        events = [{"at": door.iso(e.at, zone), "kind": e.kind, "by": e.actor, "detail": e.detail} for e in told]
        door.as_json(_facts(found) | facts | {"events": events})
        return
    door.say(f"{row.id}  {found.course.code}  {found.course.title}  {_when(found)} ({zone}), {found.state}")
    if row.original_start != row.starts_at:
        door.say(f"planned for {door.clock_time(row.original_start, zone)}")
    story_of_it = [(row.planned_at, "planned", None, None), *((e.at, e.kind, e.actor, e.detail) for e in told)]
    cells = [(door.clock_time(at, zone), kind, who or "the worker", detail) for at, kind, who, detail in story_of_it]
    door.table(("when", "what", "by", ""), cells, empty="")


@app.command()
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The course's code.")],
    start: Start,
    end: End,
    as_json: door.Json = False,
) -> None:
    """An extra sitting of a course."""
    from worker.operations.timetable import arrange

    context = door.context()
    with context.database.read() as session:
        zone = arrange.course(session, code).timezone
    number = arrange.add(context, code, door.moment(start, zone), door.moment(end, zone), door.now())
    with context.database.read() as session:
        added = _one(session, number)
    if as_json:
        door.as_json(_facts(added))
        return
    door.say(f"added occurrence {number}: {code}, {_when(added)}")


def _one(session: "Session", number: int) -> "Sitting":
    from worker.operations.timetable import arrange, sittings
    from worker.store.tables import Course

    row = arrange.occurrence(session, number)
    return sittings.described(session, [(row, session.get_one(Course, row.course_id))], door.now())[0]


@app.command()
def cancel(number: Id, reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is kept.")]) -> None:
    """It will not take place."""
    from worker.errors import InputError
    from worker.operations.timetable import arrange

    if not reason.strip():
        raise InputError("the reason is empty; say why in a few words")
    arrange.cancel(door.context(), number, reason, door.now())
    door.say(f"cancelled occurrence {number}")


@app.command()
def move(number: Id, start: Start, end: End) -> None:
    """Another time for one sitting; its first time is remembered."""
    from worker.operations.timetable import arrange

    context = door.context()
    with context.database.read() as session:
        zone = _one(session, number).course.timezone
    arrange.move(context, number, door.moment(start, zone), door.moment(end, zone), door.now())
    with context.database.read() as session:
        door.say(f"moved occurrence {number} to {_when(_one(session, number))}")


@app.command()
def extend(
    number: Id,
    minutes: Annotated[
        float, typer.Option("--minutes", metavar="N", parser=door.decimal, help="Beyond its present end.")
    ],
) -> None:
    """Let it run on."""
    from worker.operations.timetable import arrange

    context = door.context()
    until = arrange.extend(context, number, minutes, door.now())
    with context.database.read() as session:
        zone = _one(session, number).course.timezone
    door.say(f"occurrence {number} may run until {door.clock_time(until, zone)}")


@app.command()
def reopen(number: Id) -> None:
    """Open it again after a teacher has ended it early."""
    from worker.operations.timetable import arrange

    arrange.reopen(door.context(), number, door.now())
    door.say(f"occurrence {number} will be opened by the next sweep of provision")
