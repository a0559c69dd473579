"""``meetingz alarms``: what people should look at."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.store.tables import Alarm


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="alarms")(alarms)


def alarms(
    everything: Annotated[bool, typer.Option("--all", help="Those that recovered as well, the newest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="With --all: at most so many.")] = 100,
    as_json: door.Json = False,
) -> None:
    """What people should look at: the alarms that stand now."""
    from worker.operations.installation import alarms as operation

    context = door.context()
    with context.database.read() as session:
        rows = operation.every(session, limit) if everything else operation.standing(session)
    zone = context.settings.timezone
    if as_json:
        door.as_json([_facts(row, zone) for row in rows])
    else:
        headings = ("alarm", "since", "recovered", "occurrence", "what")
        cells = [
            (
                r.kind,
                door.clock_time(r.raised_at, zone),
                door.clock_time(r.recovered_at, zone),
                r.occurrence_id,
                r.detail,
            )
            for r in rows
        ]
        door.table(headings, cells, empty="no alarm stands")


def _facts(row: "Alarm", zone: str) -> dict[str, Any]:
    keys = ("id", "kind", "cause", "detail", "occurrence_id", "server_id")
    times = {key: door.iso(getattr(row, key), zone) for key in ("raised_at", "recovered_at")}
    return {key: getattr(row, key) for key in keys} | times
