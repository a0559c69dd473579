"""``meetingz recordings``: what the servers kept."""

import typer

from worker.cli import door

app = typer.Typer(name="recordings", help="Recordings: list, harvest.", no_args_is_help=True)


@app.command(name="list")
def list_(course: door.CourseOption = None, as_json: door.Json = False) -> None:
    """Every recording found, with its course and sitting; those that fit none too."""
    from worker.operations import recordings

    with door.context().database.read() as session:
        found = recordings.listed(session, course)
    if as_json:
        door.as_json(found)
        return
    rows = [
        (each["record_id"], each["course"], each["occurrence"], each["state"], ", ".join(each["formats"]))
        for each in found
    ]
    headings = ("recording", "course", "occurrence", "state", "formats")
    door.table(headings, rows, empty="no recording found yet: `meetingz recordings harvest` looks now")


@app.command()
def harvest() -> None:
    """Ask every server for our recordings, now."""
    from worker.operations import sweeps

    door.say(sweeps.run(door.context(), "harvest"))
