"""``meetingz attendance``: correct a status, and fold stays again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.store.tables import Correction

app = typer.Typer(name="attendance", help="Attendance: correct, undo, history, refold.", no_args_is_help=True)

Occurrence = Annotated[int, typer.Argument(metavar="OCCURRENCE", parser=door.whole, help="The sitting's number.")]
User = Annotated[str, typer.Argument(metavar="USER", help="The id that join links carry.")]


@app.command()
def correct(
    occurrence: Occurrence,
    user: User,
    status: Annotated[str, typer.Argument(metavar="STATUS", help="present, partial, absent, excused or unknown.")],
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is kept and shown in reports.")],
) -> None:
    """Give somebody another status. What was observed stays beside it."""
    from worker.operations.attendance import corrections

    context = door.context()
    row = corrections.correct(context, occurrence, user, status, reason=reason, by=door.person(), now=door.now())
    door.say(f"{user} is {row.status} in occurrence {occurrence}, was {row.before}")


@app.command()
def undo(occurrence: Occurrence, user: User) -> None:
    """Take back the correction that holds."""
    from worker.operations.attendance import corrections

    row = corrections.undo(door.context(), occurrence, user, by=door.person(), now=door.now())
    door.say(f"{user} is {row.before} in occurrence {occurrence} again")


@app.command()
def history(
    occurrence: Occurrence,
    user: Annotated[str | None, typer.Argument(metavar="[USER]", help="Only this person.")] = None,
    as_json: door.Json = False,
) -> None:
    """Every correction of a sitting: who, when, why, before and after."""
    from worker.operations.attendance import corrections

    context = door.context()
    with context.database.read() as session:
        rows = corrections.history(session, occurrence, user)
    if as_json:
        door.as_json([_facts(row) for row in rows])
        return
    zone = context.settings.timezone
    cells = [
        (r.id, r.user_id, r.before, r.status, r.reason, r.by, door.clock_time(r.at, zone), _undone(r, zone))
        for r in rows
    ]
    headings = ("no.", "person", "before", "after", "reason", "by", "at", "undone")
    door.table(headings, cells, empty="nothing was corrected")


def _facts(row: "Correction") -> dict[str, Any]:
    keys = ("id", "occurrence_id", "user_id", "before", "status", "reason", "by", "at", "undone_at", "undone_by")
    return {key: getattr(row, key) for key in keys}


def _undone(row: "Correction", zone: str) -> str:
    return f"{door.clock_time(row.undone_at, zone)} by {row.undone_by}" if row.undone_at else ""


@app.command()
def refold(course: door.CourseOption = None, since: door.Since = None, until: door.Until = None) -> None:
    """Fold stays again from the kept observations, with the present settings; corrections stay."""
    from worker.operations.attendance import fold

    context = door.context()
    start, end = door.span(since, until, context.settings.timezone)
    folded, kept = fold.refold(context, course, start, end, door.now())
    door.say(
        f"folded {folded} sittings again" + (f"; {kept} keep their stays, their observations are pruned" * (kept > 0))
    )
