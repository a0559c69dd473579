"""``meetingz recordings``: what becomes of them on their servers, and how long they are kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import door
from worker.cli.recordings import DryRun, Ids, would

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.operations.context import Context
    from worker.operations.recordings.care import Done
    from worker.store.tables import Recording

captions_app = typer.Typer(name="captions", help="Captions of a recording: list, add.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="A recording, as `recordings list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Hang the commands beside those of ``recordings``."""
    for command in (publish, unpublish, update, delete, policy):
        app.command()(command)
    app.add_typer(captions_app)


def publish(ids: Ids = None, course: door.CourseOption = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Show recordings to those who have their links."""
    _show(True, ids, course, yes, dry_run)


def unpublish(ids: Ids = None, course: door.CourseOption = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Hide recordings; they are kept."""
    _show(False, ids, course, yes, dry_run)


def _show(shown: bool, ids: list[str] | None, course: str | None, yes: bool, dry_run: bool) -> None:
    from worker import clock
    from worker.operations.recordings import care

    context = door.context()
    rows = _chosen(context, ids, course, "be published" if shown else "be hidden", yes, dry_run)
    _report(care.publish(context, rows, shown, clock.now), "published" if shown else "hidden")


def update(
    labels: Annotated[list[str], typer.Argument(metavar="NAME=VALUE... [ID]...", help="NAME= removes a label.")],
    course: door.CourseOption = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Set labels of recordings: `update chapter=3 ID`."""
    from worker import clock
    from worker.errors import InputError
    from worker.operations.recordings import care

    changes = dict(each.split("=", 1) for each in labels if "=" in each)
    if not changes:
        raise InputError("no label to set; write NAME=VALUE")
    context = door.context()
    ids = [each for each in labels if "=" not in each]
    rows = _chosen(context, ids, course, f"get the labels {', '.join(changes)}", yes, dry_run)
    _report(care.update_labels(context, rows, changes, clock.now), "labelled")


def delete(ids: Ids = None, course: door.CourseOption = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete recordings on their servers; files in the archive stay. Not before wanted files are archived."""
    from worker import clock
    from worker.operations.recordings import care

    context = door.context()
    rows = _chosen(context, ids, course, "be deleted on their servers", yes, dry_run, always=True)
    _report(care.delete(context, rows, clock.now), "deleted")


def _chosen(
    context: "Context",
    ids: list[str] | None,
    course: str | None,
    what: str,
    yes: bool,
    dry_run: bool,
    always: bool = False,
) -> "Sequence[Recording]":
    """Those meant, after a question where there are several, or where it cannot be undone."""
    from worker.operations.recordings import care

    with context.database.read() as session:
        rows = care.chosen(session, ids or [], course)
    if dry_run or not rows:
        would(rows, what)
        raise typer.Exit
    if not yes and (always or len(rows) > 1):
        would(rows, what, err=True)
        _ask()
    return rows


def _ask() -> None:
    """Nobody there to answer is a no."""
    from worker.errors import InputError

    try:
        sure = typer.confirm("Go on?", err=True)
    except typer.Abort:
        sure = False
    if not sure:
        raise InputError("nothing was changed; --yes goes on without asking")


def _report(outcomes: "Sequence[Done]", word: str) -> None:
    for each in outcomes:
        door.say(f"{each.record_id}: {word if each.done else f'not {word}: {each.why}'}")
    if not all(each.done for each in outcomes):
        raise typer.Exit(1)


def policy(
    code: Annotated[str, typer.Argument(metavar="COURSE", help="The course's code.")],
    download: Annotated[bool | None, typer.Option("--download/--no-download", help="Archive its recordings.")] = None,
    formats: Annotated[str | None, typer.Option(metavar="F", help="Wait for, and archive, these; '' for any.")] = None,
    keep_server_days: Annotated[str | None, typer.Option(metavar="N", help="Days on the server, or ever.")] = None,
    keep_archive_days: Annotated[str | None, typer.Option(metavar="N", help="Days in the archive, or ever.")] = None,
    as_json: door.Json = False,
) -> None:
    """How the recordings of a course are kept; without options: show it."""
    from worker.operations.recordings import lifetime

    given: dict[str, object] = {"download": download, "recording_formats": formats}
    given = {name: value for name, value in given.items() if value is not None}
    days = {"keep_server_days": keep_server_days, "keep_archive_days": keep_archive_days}
    given |= {name: _days(name, text) for name, text in days.items() if text is not None}
    row = lifetime.policy(door.context(), code, given, door.now())
    names = ("download", "recording_formats", "keep_server_days", "keep_archive_days")
    facts = {"course": row.code, "record": row.record} | {name: getattr(row, name) for name in names}
    if as_json:
        door.as_json(facts)
        return
    for name, value in facts.items():
        door.say(f"{name}: {'not set' if value is None else value}")


def _days(name: str, text: str) -> int | None:
    if text == "ever":
        return None
    try:
        return door.whole(text)
    except typer.BadParameter as error:
        told = f"{error.message}; write a number of days, or 'ever'"
        raise typer.BadParameter(told, param_hint=f"--{name.replace('_', '-')}") from None


# Captions ------------------------------------------------------------------------------------------------------------


@captions_app.command(name="list")
def captions_list(record_id: Id, as_json: door.Json = False) -> None:
    """The captions that the server has."""
    from worker.operations.recordings import care

    tracks = care.captions(door.context(), record_id)
    if as_json:
        door.as_json([{"kind": t.kind, "lang": t.lang, "label": t.label, "source": t.source} for t in tracks])
        return
    cells = [(t.kind, t.lang, t.label, t.source) for t in tracks]
    door.table(("kind", "language", "label", "source"), cells, empty="it has no captions")


@captions_app.command(name="add")
def captions_add(
    record_id: Id,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="WebVTT or SRT.")],
    lang: Annotated[str, typer.Option("--lang", help="Such as fa or en.")] = "fa",
    label: Annotated[str, typer.Option("--label", help="What viewers choose; else the language.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="subtitles or captions.")] = "subtitles",
) -> None:
    """Hand captions in; the server takes some minutes to show them."""
    from worker.operations.recordings import care

    if kind not in ("subtitles", "captions"):
        raise typer.BadParameter(f"{kind!r} is not subtitles or captions", param_hint="--kind")
    care.add_captions(door.context(), record_id, file.name, file.read_bytes(), lang, label or lang, kind, door.now())
    door.say("handed in; `meetingz recordings captions list` shows it once the server has worked it in")
