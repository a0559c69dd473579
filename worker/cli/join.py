"""``meetingz join``: a signed join link."""

from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="join")(join)


def join(
    occurrence: Annotated[int, typer.Argument(metavar="OCCURRENCE", help="The occurrence's number.")],
    user_id: Annotated[str, typer.Option("--user-id", metavar="U", help="Who it is; attendance is counted by it.")],
    name: Annotated[str, typer.Option("--name", metavar="N", help="The name that others see.")],
    role: Annotated[str, typer.Option(help="moderator or viewer.")] = "viewer",
    link: Annotated[bool, typer.Option("--link", help="A link to our own page, which may be sent beforehand.")] = False,
) -> None:
    """Print a signed link into an open room. It is a credential: whoever has it is that person."""
    from worker.operations.meetings import joining

    if link:
        context = door.context()
        made = joining.ticket(context, occurrence, user_id=user_id, name=name, role=role, now=door.now())
        door.say(joining.ticket_link(context, made))
        return
    door.say(joining.link(door.context(), occurrence, user_id=user_id, name=name, role=role, now=door.now()))
