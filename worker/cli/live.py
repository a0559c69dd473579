"""``meetingz live``: who is on, now, and in all."""

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="live")(live)


def live(as_json: door.Json = False) -> None:
    """Who is on, now, and in all, as the last poll saw it."""
    from worker.operations import report

    with door.context().database.read() as session:
        found = report.live(session, door.now())
    if as_json:
        door.as_json(found)
        return
    door.say(f"{found['participants']} people in {found['meetings']} open meetings")
    rows = [tuple(each.values()) for each in found["courses"]]
    if rows:
        door.table(("course", "occurrence", "people", "moderators"), rows, empty="")
