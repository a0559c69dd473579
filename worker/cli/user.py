"""``meetingz user``: who may sign in to the web page, and the tokens of programs."""

import sys
from typing import Annotated

import typer

from worker.cli import door

app = typer.Typer(name="user", help="Users of the web page, and tokens of its API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Label = Annotated[str, typer.Option("--label", metavar="L", help="What the token is for.")]


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, teacher or admin.")] = "viewer",
    teacher_id: Annotated[
        str | None, typer.Option(metavar="T", help="Whose courses a teacher sees, as the timetable names them.")
    ] = None,
) -> None:
    """A user. The password is asked for, or read from stdin where that is no terminal."""
    door.require_extra("web")
    from worker.web import access

    access.add(door.context(), name, _password(), role, door.now(), teacher_id)
    door.say(f"added {name}, {role}")


def _password() -> str:
    if sys.stdin.isatty():
        given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return given
    return sys.stdin.readline().rstrip("\r\n")


@app.command(name="list")
def list_(as_json: door.Json = False) -> None:
    """Every user."""
    door.require_extra("web")
    from worker.web import access

    with door.context().database.read() as session:
        rows = access.everyone(session)
    if as_json:
        keys = ("name", "role", "teacher_id", "created_at", "disabled_at")
        door.as_json([{key: getattr(row, key) for key in keys} for row in rows])
        return
    cells = [(row.name, row.role, row.teacher_id, "disabled" if row.disabled_at else "") for row in rows]
    door.table(("name", "role", "teacher id", ""), cells, empty="no user yet: `meetingz user add NAME --role admin`")


@app.command()
def password(name: Name) -> None:
    """Another password; all sessions of theirs end."""
    door.require_extra("web")
    from worker.web import access

    access.change_password(door.context(), name, _password(), door.now())
    door.say(f"changed the password of {name}")


@app.command()
def disable(name: Name) -> None:
    """They may not come in any more, nor their tokens."""
    door.require_extra("web")
    from worker.web import access

    access.disable(door.context(), name, door.now())
    door.say(f"{name} may not come in any more")


@app.command()
def enable(name: Name) -> None:
    """They may come in again."""
    door.require_extra("web")
    from worker.web import access

    access.enable(door.context(), name, door.now())
    door.say(f"{name} may come in")


@app.command()
def token(
    name: Name,
    label: Label,
    scope: Annotated[
        list[str], typer.Option("--scope", help="read, timetable, attendance, recordings, servers, join.")
    ],
    days: Annotated[float | None, typer.Option(min=0, help="How long it holds; for ever if left out.")] = None,
) -> None:
    """Print a new API token: it is shown this once."""
    door.require_extra("web")
    from worker.web import access

    door.say(access.issue(door.context(), name, label, scope, door.now(), days))


@app.command()
def revoke(name: Name, label: Label) -> None:
    """End the tokens of this label."""
    door.require_extra("web")
    from worker.web import access

    door.say(f"revoked {access.revoke(door.context(), name, label, door.now())}")
