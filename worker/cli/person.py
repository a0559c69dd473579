"""``meetingz person``: forget somebody."""

from typing import Annotated

import typer

from worker.cli import door

app = typer.Typer(name="person", help="People: forget somebody.", no_args_is_help=True)


@app.command()
def forget(
    user: Annotated[str, typer.Argument(metavar="ID", help="The id that join links and rosters carry.")],
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
) -> None:
    """Replace somebody by a pseudonym everywhere, for good. Statuses and counts stay as they are."""
    from worker.operations.attendance import people

    context = door.context()
    with context.database.read() as session:
        found = people.traces(session, user)
    if not yes:
        listed = ", ".join(f"{number} {name}" for name, number in found.items() if number) or "nothing"
        if not typer.confirm(f"{user}: {listed}. Forget for good?", err=True):
            raise typer.Exit(1)
    alias, _ = people.forget(context, user, door.now())
    door.say(f"forgotten; reports call them {alias}")
