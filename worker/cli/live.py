"""``meetingz live``: who is on, now, and in all."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from rich.console import Group

    from worker.operations.context import Context


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="live")(live)


def live(
    as_json: door.Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh in place until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.5, help="How often, with --watch.")] = 5,
) -> None:
    """Who is on, now, and in all, as the last poll saw it."""
    from worker.operations.reports import report

    context = door.context()
    if watch:
        if as_json:
            raise typer.BadParameter("--watch is for people; leave out --json")
        _watch(context, every)
        return
    with context.database.read() as session:
        found = report.live(session, door.now())
    if as_json:
        door.as_json(found)
        return
    door.say(_headline(found))
    rows = [tuple(each.values()) for each in found["courses"]]
    if rows:
        door.table(("course", "occurrence", "people", "moderators"), rows, empty="")


def _headline(found: Mapping[str, Any]) -> str:
    return f"{found['participants']} people in {found['meetings']} open meetings"


def _watch(context: "Context", every: float) -> None:
    """Draw anew until Ctrl-C, which is how one leaves and no error."""
    from rich.live import Live

    from worker.operations.reports import report

    with Live(auto_refresh=False, screen=False) as shown:
        try:
            while True:
                with context.database.read() as session:
                    shown.update(_drawn(report.live(session, door.now())), refresh=True)
                time.sleep(every)
        except KeyboardInterrupt:
            return


def _drawn(found: Mapping[str, Any]) -> "Group":
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from worker.exports.text import harmless

    table = Table("course", "occurrence", "people", "moderators", box=box.SIMPLE_HEAD, show_edge=False)
    for each in found["courses"]:
        table.add_row(*(Text(harmless(str(cell))) for cell in each.values()))
    at = found["at"].astimezone().strftime("%H:%M:%S")
    return Group(Text(f"{at}  {_headline(found)}"), table)
