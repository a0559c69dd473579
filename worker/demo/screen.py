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

from worker.demo import cast
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
    "recording_ready": "recording ready to be watched",
    "archived_file": "a file of it archived",
    "not_opened": "NOT OPENED",
    "server_down": "server does not answer",
}
_STYLES = {"live": "bold green", "open": "cyan", "held": "blue", "planned": "dim", "missed": "red"}


@contextmanager
def shown(stage: Stage) -> Iterator[Show]:
    """A function that shows one scene after another."""
    console = Console(stderr=True, highlight=False)
    console.print(_introduction(stage))
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=False) as live:
            yield lambda scene: live.update(_picture(stage, scene))
    else:
        yield _lines(stage, console)


def _introduction(stage: Stage) -> Text:
    length = cast.LASTS * stage.unit
    period = stage.context.settings.poll_period_seconds
    return Text(
        f"{len(stage.plays)} classes of {length:.0f} s on a simulated server, watched every {period:.2g} s. "
        "Times are seconds from the start of class.\n"
    )


def _lines(stage: Stage, console: Console) -> Show:
    told: set[int] = set()

    def show(scene: Scene) -> None:
        for event in scene.events:
            if event.id not in told and event.kind in _TELL:
                told.add(event.id)
                console.print(_story(stage, event))

    return show


def _story(stage: Stage, event: Event) -> Text:
    play = stage.plays.get(event.occurrence_id or 0)
    at = (event.at - stage.starts_at).total_seconds()
    return Text(f"{at:+6.1f} s  {play.code if play else '':8} {_TELL.get(event.kind, event.kind)}")


def _picture(stage: Stage, scene: Scene) -> Group:
    table = _table("course", "title", "state", "room", "on")
    for each in scene.sittings:
        state = Text(each.state, style=_STYLES.get(each.state, ""))
        table.add_row(each.course.code, each.course.title, state, _room(each.meeting), _people(each.meeting))
    story = [_story(stage, event) for event in scene.events if event.kind in _TELL][-8:]
    done = Table.grid(padding=(0, 1))
    done.add_row(Text(f"{scene.done:4.0%}", style="dim"), ProgressBar(total=1, completed=scene.done, width=60))
    return Group(table, Text(), *story, Text(), done)


def _table(*headings: str) -> Table:
    """Narrow enough for a terminal of 80 columns with every name on one line."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _people(meeting: Meeting | None) -> Text:
    count = meeting.people if meeting else 0
    return Text.assemble(f"{count:2d} ", ("●" * count, "green")) if count else Text()


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
        for file in recording["files"]:
            where = file["url"] or file["error"] or ""
            console.print(Text(f"  {file['format']}: {file['state'].replace('_', ' ')}, {where}"), soft_wrap=True)
    accuracy = summary["accuracy"]
    console.print(
        f"presence against the simulator's truth, {accuracy['persons']} people: median error "
        f"{accuracy['median_seconds']:.2f} s, worst {accuracy['worst_seconds']:.2f} s ({accuracy['worst_person']}); "
        f"polled every {accuracy['poll_period_seconds']:.2f} s, longest gap {accuracy['longest_gap_seconds']:.2f} s"
    )
    for path in summary["files"]:
        console.print(f"wrote {path}")
    for problem in summary["problems"]:
        console.print(Text(f"not as it should be: {problem}", style="bold red"))


def _attendance(rows: list[dict[str, Any]]) -> Table:
    table = _table("course", "name", "status", "seconds", "share", "joins")
    for column in table.columns[3:]:
        column.justify = "right"
    for row in rows:
        flags = [word for word, on in (("late", row["late"]), ("left early", row["left_early"])) if on]
        numbers = (f"{row['seconds_present']:.1f}", f"{row['percent']:.0f} %", str(row["joins"]))
        table.add_row(row["course"], Text(row["full_name"]), ", ".join((row["status"], *flags)), *numbers)
    return table
