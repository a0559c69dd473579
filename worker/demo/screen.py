"""What a person sees while the demo runs: a table that moves on a terminal, lines in a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from worker.demo.stage import Scene, Show, Stage
from worker.store.tables import Event, Meeting

_TELL = {
    "opened": "room open",
    "reopened": "room found alive",
    "first_seen": "the first people are in",
    "expired": "room deserted, the server closed it",
    "end_asked": "past its end: asked to end",
    "ended": "ended",
    "finished": "ended from inside",
    "held": "held",
    "missed": "nobody came",
    "recorded": "recording found",
    "not_opened": "NOT OPENED",
    "server_down": "server does not answer",
}
_STYLES = {"live": "bold green", "open": "cyan", "held": "blue", "planned": "dim", "missed": "red"}


@contextmanager
def shown(stage: Stage) -> Iterator[Show]:
    """A function that shows one scene after another."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=False) as live:
            yield lambda scene: live.update(_picture(stage, scene))
    else:
        yield _lines(stage, console)


def _lines(stage: Stage, console: Console) -> Show:
    told: set[int] = set()

    def show(scene: Scene) -> None:
        for event in scene.events:
            if event.id not in told and event.kind in _TELL:
                told.add(event.id)
                console.print(_story(stage, event), highlight=False)

    return show


def _story(stage: Stage, event: Event) -> Text:
    play = stage.plays.get(event.occurrence_id or 0)
    at = (event.at - stage.starts_at).total_seconds()
    return Text(f"{at:+6.1f} s  {play.code if play else '':8} {_TELL.get(event.kind, event.kind)}")


def _picture(stage: Stage, scene: Scene) -> Group:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, expand=False)
    for heading in ("course", "title", "state", "on", "room"):
        table.add_column(heading)
    for each in scene.sittings:
        people = each.meeting.people if each.meeting else 0
        state = Text(each.state, style=_STYLES.get(each.state, ""))
        bar = Text("●" * people, style="green")
        table.add_row(
            each.course.code, each.course.title, state, Text.assemble(f"{people:2d} ", bar), _room(each.meeting)
        )
    story = [_story(stage, event) for event in scene.events if event.kind in _TELL][-8:]
    left = Text(f"{scene.done:4.0%} ", style="dim")
    return Group(table, Text(), *story, Text(), left, ProgressBar(total=1, completed=scene.done, width=60))


def _room(meeting: Meeting | None) -> str:
    return "" if meeting is None else meeting.close_reason or meeting.state


def tell(summary: dict[str, Any], attendance: list[dict[str, Any]]) -> None:
    """The outcome, for people, on stdout."""
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(_attendance(attendance))
    for course in summary["courses"]:
        mark = "✓" if course["as_expected"] else "✗"
        people = ", ".join(f"{count} {status}" for status, count in course["people"].items() if count)
        rooms = f"{course['rooms']} room{'s' if course['rooms'] != 1 else ''}"
        console.print(f"{mark} {course['course']}: {course['state']}, {rooms}, {course['closed']}; {people}")
    for recording in summary["recordings"]:
        console.print(f"recording of {recording['course']}: {recording['state']}, {', '.join(recording['formats'])}")
    accuracy = summary["accuracy"]
    console.print(
        f"presence against the truth, {accuracy['persons']} people: median error {accuracy['median_seconds']:.2f} s, "
        f"worst {accuracy['worst_seconds']:.2f} s ({accuracy['worst_person']}); polled every "
        f"{accuracy['poll_period_seconds']:g} s"
    )
    for path in summary["files"]:
        console.print(f"wrote {path}")
    if not summary["ok"]:
        console.print("something did not come out as it should", style="bold red")


def _attendance(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("course", "name", "status", "", "seconds", "percent", "joins"):
        table.add_column(heading, justify="right" if heading in ("seconds", "percent", "joins") else "left")
    for row in rows:
        flags = " ".join(word for word, on in (("late", row["late"]), ("left early", row["left_early"])) if on)
        numbers = (f"{row['seconds_present']:.1f}", f"{row['percent']:.0f} %", str(row["joins"]))
        table.add_row(row["course"], Text(row["full_name"]), row["status"], flags, *numbers)
    return table
