"""``meetingz roster``: who is enrolled."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import door

app = typer.Typer(name="roster", help="Rosters: who is enrolled in which course.", no_args_is_help=True)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX: course,user_id,full_name,role.")],
    course: door.CourseOption = None,
    as_json: door.Json = False,
) -> None:
    """Bring rosters in: each course's roster becomes what the file says of it."""
    from dataclasses import asdict

    from worker.errors import InputError, Unknown
    from worker.operations.timetable.import_roster import import_roster
    from worker.timetables import read_roster

    try:
        changes = import_roster(door.context(), read_roster(file, course=course), door.now())
    except (Unknown, InputError) as error:
        raise type(error)(f"{file.name}, {error}") from error
    if as_json:
        door.as_json({key: value for key, value in asdict(changes).items() if key in ("new", "changed", "unchanged")})
        return
    door.say(f"rosters: {len(changes.new)} new, {len(changes.changed)} changed, {len(changes.unchanged)} unchanged")


@app.command(name="list")
def list_(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The course's code.")], as_json: door.Json = False
) -> None:
    """Who is enrolled in a course."""
    from sqlalchemy import select

    from worker.operations.timetable import arrange
    from worker.store.tables import Participant

    with door.context().database.read() as session:
        course = arrange.course(session, code)
        wanted = select(Participant).where(Participant.course_id == course.id).order_by(Participant.user_id)
        people = session.scalars(wanted).all()
    rows = [(p.user_id, p.full_name, p.role, _day(p.valid_from), _day(p.valid_until)) for p in people]
    if as_json:
        keys = ("user_id", "full_name", "role", "from", "until")
        door.as_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    door.table(("user id", "name", "role", "from", "until"), rows, empty=f"{code} has no roster")


def _day(value: object) -> str | None:
    return None if value is None else str(value)
