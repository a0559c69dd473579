"""``meetingz recordings``: what the servers kept, what is missing, and what becomes of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.operations.context import Context
    from worker.store.tables import Recording

app = typer.Typer(
    name="recordings",
    help="Recordings: list, harvest, download, publish, unpublish, update, delete, captions, policy.",
    no_args_is_help=True,
)

_STATES = ("awaited", "processing", "published", "missing", "deleted", "stray", "not_expected")
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Recordings, as `recordings list` shows them.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command(name="list")
def list_(
    course: door.CourseOption = None,
    state: Annotated[str | None, typer.Option("--state", help=f"Only these: {', '.join(_STATES)}.")] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Classes whose recording did not come; as --state.")
    ] = False,
    as_json: door.Json = False,
) -> None:
    """Every recording found, with its course and sitting; those that fit none too."""
    from worker.domain.ledger import STATES
    from worker.operations.recordings import catalogue

    wanted = next((each for each in STATES if each == ("missing" if missing else state)), None)
    if wanted is None and (state is not None or missing):
        raise typer.BadParameter(f"{state!r} is not one of {', '.join(_STATES)}", param_hint="--state")
    context = door.context()
    with context.database.read() as session:
        if wanted is None:
            found = catalogue.listed(session, course)
        else:
            found = catalogue.accounted(session, context.settings, door.now(), wanted, course)
    if as_json:
        door.as_json(found)
        return
    empty = "no recording found yet: `meetingz recordings harvest` looks now" if wanted is None else "none"
    headings = ("recording", "course", "occurrence", "started", "state", "formats", "archived", "")
    door.table(headings, [_cells(each) for each in found], empty=empty)


def _cells(each: dict[str, Any]) -> tuple[object, ...]:
    files = ", ".join(f"{file['format']} {file['state']}" for file in each["files"])
    started = (each["started_at"] or "")[:16].replace("T", " ")
    notes = each.get("cause") or ("matched by name and time" if each["matched_by"] == "session" else "")
    return each["record_id"], each["course"], each["occurrence"], started, each["state"], _formats(each), files, notes


def _formats(each: dict[str, Any]) -> str:
    return ", ".join(each["formats"])


@app.command()
def harvest(
    everything: Annotated[
        bool, typer.Option("--all", help="Look through every recording of each server, labelled or not; this is slow.")
    ] = False,
) -> None:
    """Ask every server for our recordings, now."""
    from worker import clock
    from worker.operations import sweeps
    from worker.operations.recordings import full_harvest

    context = door.context()
    if everything:
        door.say(f"went through everything: {full_harvest.everything(context, clock.now)} recordings are ours")
        return
    door.say(sweeps.run(context, "harvest"))


@app.command()
def poke(some_id: Annotated[str, typer.Argument(metavar="ID", help="A recording's or a meeting's id.")]) -> None:
    """Say that a recording may be ready: it is asked for at the next sweep of harvest."""
    from worker.errors import Unknown
    from worker.operations.recordings import harvest

    if not harvest.poke(door.context(), some_id, door.now()):
        raise Unknown(f"no meeting of ours has the id {some_id!r}")
    door.say("it is asked for at the next sweep")


def would(rows: "Sequence[Recording]", what: str, *, err: bool = False) -> None:
    """Say what would be done, and to which."""
    for row in rows:
        started = f"  {row.started_at:%Y-%m-%d %H:%M} UTC" if row.started_at else ""
        door.say(f"{row.record_id}{started}", err=err)
    door.say(f"{len(rows)} would {what}", err=err)


# Download ------------------------------------------------------------------------------------------------------------


@app.command()
def download(
    ids: Ids = None,
    course: door.CourseOption = None,
    format: Annotated[str, typer.Option("--format", metavar="F", help="Only these, comma separated: video ...")] = "",
    dry_run: DryRun = False,
) -> None:
    """Fetch files into the archive; what was begun is gone on with. Safe to repeat."""
    from worker import clock
    from worker.domain.ladder import formats_in
    from worker.operations.recordings import archive, care

    context = door.context()
    with context.database.read() as session:
        rows = care.chosen(session, ids or [], course)
    if dry_run:
        would(rows, "be downloaded")
        return
    keys = archive.order(context, [row.id for row in rows], formats_in(format), door.now())
    names = {row.id: row.record_id for row in rows}
    with _bars(names) as progress:
        outcomes = archive.download(context, keys, clock.now, progress)
    for key, outcome in outcomes.items():
        door.say(f"{names[key.recording_id]} {key.format}: {_told(context, key, outcome)}")
    if not keys:
        door.say("nothing to fetch: all of it is archived, or is no file")
    if any(outcome in ("later", "failed") for outcome in outcomes.values()):
        raise typer.Exit(1)


def _told(context: "Context", key: Any, outcome: str) -> str:
    from worker.store.tables import File

    with context.database.read() as session:
        file = session.get_one(File, key)
    if outcome == "stored":
        return f"stored, {file.size_bytes} bytes, {file.url}"
    words = {"later": "failed, and is tried again later", "no_file": "no file", "idle": "somebody else is fetching it"}
    return f"{words.get(outcome, outcome)}" + (f": {file.error}" if file.error and outcome != "idle" else "")


class _bars:  # noqa: N801 - used as a function
    """A bar a file on a terminal; nothing in a pipe."""

    def __init__(self, names: dict[int, str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._names = names
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)

    def __enter__(self) -> "Callable[[Any], Callable[[int, int | None], None]]":
        self._progress.start()
        return self._bar

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _bar(self, key: Any) -> "Callable[[int, int | None], None]":
        task = self._progress.add_task(f"{self._names[key.recording_id][-14:]} {key.format}", total=None)
        return lambda had, total: self._progress.update(task, completed=had, total=total)
