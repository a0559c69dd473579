"""``meetingz doctor``: what is wrong with this installation, and what to do."""

from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="doctor")(doctor)


def doctor(
    pulse: Annotated[bool, typer.Option("--pulse", help="Only whether the loops run: a cheap health check.")] = False,
    as_json: door.Json = False,
) -> None:
    """What is wrong with this installation, and what to do. Exit 1 if anything is."""
    from dataclasses import asdict

    from worker.operations.installation import doctor as operation

    context = door.context(migrated=False)
    if pulse:
        with context.database.read() as session:
            findings = list(operation.pulses(context, session, door.now()))
    else:
        findings = operation.examine(context, door.now())
    if as_json:
        door.as_json([asdict(each) for each in findings])
    else:
        rows = [("ok" if each.ok else "WRONG", each.check, each.detail, each.remedy) for each in findings]
        door.table(("", "what", "found", "what to do"), rows, empty="nothing to look at")
    if not all(each.ok for each in findings):
        raise typer.Exit(1)
