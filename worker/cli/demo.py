"""``meetingz demo``: the whole story on an embedded stack, with a simulated server."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="demo")(demo)


def demo(
    seconds: Annotated[float, typer.Option(min=20, max=3600, help="How long the story takes.")] = 60,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where its files go.")] = Path("var/demo"),
    seed: Annotated[int, typer.Option(help="The same seed, the same people.")] = 1,
    as_json: door.Json = False,
) -> None:
    """A day of classes in a minute, simulated.

    A timetable and its people come from files; rooms open on a simulated server, stand empty, overrun and end; who was
    there is measured against what the simulator knows to be true; a recording is found; reports are written.
    """
    from worker import clock, logs, settings
    from worker.demo import screen, stage
    from worker.operations.reports import report

    logs.configure(settings.load(), "ERROR")
    with stage.set_up(seconds, out, seed) as scene:
        with screen.shown(scene) as show:
            stage.run(scene, show)
        summary = stage.sum_up(scene)
        if as_json:
            door.as_json(summary)
        else:
            rows = list(report.attendance_rows(scene.context, stage.wanted(scene), clock.now()))
            screen.tell(summary, rows)
    if not summary["ok"]:
        raise typer.Exit(1)
