"""``meetingz timetable``: files in and out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.operations.import_timetable import Changes

app = typer.Typer(name="timetable", help="The timetable: import it, export it.", no_args_is_help=True)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, XLS, ODS, ICS, FET or Golestan.")],
    format: Annotated[str | None, typer.Option(help="csv, xlsx, ics, fet or golestan; guessed if left out.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="Z", help="Zone of courses that name none.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="D", help="First day of the term.")] = None,
    until: Annotated[str | None, typer.Option(metavar="D", help="Last day of the term.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")] = False,
    as_json: door.Json = False,
) -> None:
    """Bring a timetable in: all of it or nothing, updated by course code; twice the same file changes nothing."""
    from worker.domain.calendars import parse_date
    from worker.operations.import_timetable import import_timetable
    from worker.timetables import read_timetable

    context = door.context()
    draft = read_timetable(
        file,
        format=format,
        timezone=timezone or context.settings.timezone,
        from_date=parse_date(since) if since else None,
        until_date=parse_date(until) if until else None,
    )
    _show(import_timetable(context, draft, door.now(), dry_run=dry_run), dry_run, as_json)


def _show(changes: "Changes", dry_run: bool, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        door.as_json(asdict(changes) | {"dry_run": dry_run})
        return
    for warning in changes.warnings:
        print(f"meetingz: {warning}", file=sys.stderr)  # noqa: T201
    kinds = (("new", changes.new), ("changed", changes.changed), ("unchanged", changes.unchanged))
    if dry_run:
        rows = [(kind, code) for kind, codes in kinds for code in codes if kind != "unchanged"]
        door.table(("change", "course"), rows, empty="nothing would change")
    counts = ", ".join(f"{len(codes)} {kind}" for kind, codes in kinds)
    door.say(f"{'would be ' if dry_run else ''}courses: {counts}; occurrences planned now: {changes.occurrences}")


@app.command()
def export(
    format: Annotated[str, typer.Option(help="csv, xlsx or ics.")] = "csv",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="stdout if left out.")] = None,
) -> None:
    """Write the timetable in a form that import reads back."""
    from worker.operations.export_timetable import drafts
    from worker.timetables import write_timetable

    if format not in ("csv", "xlsx", "ics"):
        raise typer.BadParameter(f"{format!r} is not one of csv, xlsx, ics", param_hint="--format")
    with door.context().database.read() as session:
        courses = drafts(session, door.now())
    write_timetable(courses, output if output is not None else sys.stdout.buffer, format)
