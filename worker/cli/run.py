"""``meetingz run LOOP``: one sweep now, in this process, without a queue."""

from typing import Annotated

import typer

from worker.cli import door

_LOOPS = ("plan", "provision", "poll", "end", "harvest")


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="run")(run)


def run(loop: Annotated[str, typer.Argument(metavar="|".join(_LOOPS), help="Which loop.")]) -> None:
    """One sweep of a loop, now, in this process, without a queue."""
    if loop not in _LOOPS:
        raise typer.BadParameter(f"{loop!r} is not one of {', '.join(_LOOPS)}")
    from worker.operations import sweeps

    door.say(sweeps.run(door.context(), loop))
