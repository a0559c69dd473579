"""``meetingz timetable``: files in and out, one week to look at, what clashes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from worker.cli import door

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.operations.timetable.import_timetable import Changes, Progress

app = typer.Typer(name="timetable", help="The timetable: import, export, show, check.", no_args_is_help=True)

Format = Literal["csv", "xlsx", "ics", "fet", "golestan", "dated"]


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, XLS, ODS, ICS, FET or Golestan.")],
    format: Annotated[Format | None, typer.Option(help="Guessed from the file if left out.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="Z", help="Zone of courses that name none.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="D", help="First day of the term.")] = None,
    until: Annotated[str | None, typer.Option(metavar="D", help="Last day of the term, included.")] = None,
    periods: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Bell schedule for FET: period,start,end.")
    ] = None,
    renamed: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help='A column by its name: title="Kurs".')
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Archive courses that the file does not name.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")] = False,
    as_json: door.Json = False,
) -> None:
    """Bring a timetable in: all of it or nothing, updated by course code; twice the same file changes nothing."""
    from worker.operations.timetable.import_timetable import import_timetable
    from worker.timetables import read_timetable

    context = door.context()
    draft = read_timetable(
        file,
        format=format,
        timezone=timezone or context.settings.timezone,
        from_date=door.day(since),
        until_date=door.day(until),
        periods=periods,
        column_map=dict(map(_renaming, renamed or [])),
    )
    for progress in _bar(f"importing {len(draft.courses)} courses"):
        changes = import_timetable(
            context,
            draft,
            door.now(),
            dry_run=dry_run,
            prune=prune,
            names=dry_run or as_json,
            progress=progress,
        )
    _show(changes, dry_run, prune, as_json)


def _renaming(text: str) -> tuple[str, str]:
    """``title=نام`` -> what the file calls it, and what we do."""
    ours, mark, theirs = text.partition("=")
    if not mark or not ours.strip() or not theirs.strip():
        raise typer.BadParameter(f'{text!r} names no column; write title="name in the file"', param_hint="--map")
    return theirs.strip(), ours.strip()


def _bar(text: str) -> "Iterator[Progress]":
    """A bar on a terminal, on stderr; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(changes: "Changes", dry_run: bool, prune: bool, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        door.as_json(asdict(changes) | {"dry_run": dry_run, "pruned": prune and not dry_run})
        return
    for warning in (*changes.warnings, *(f"conflict: {each}" for each in changes.conflicts)):
        door.say(f"meetingz: {warning}", err=True)
    if dry_run:
        door.table(("change", "course", "what"), _rows(changes, prune), empty="nothing would change")
    kinds = (("new", changes.new), ("changed", changes.changed), ("unchanged", changes.unchanged))
    counts = ", ".join(f"{len(codes)} {kind}" for kind, codes in kinds)
    end = "; a dry run, nothing was changed" if dry_run else ""
    door.say(f"courses: {counts}; occurrences planned now: {changes.occurrences}{end}")
    if changes.gone_count:
        done = "archived" if prune else "not in the file; they stay, --prune archives them"
        door.say(f"{changes.gone_count} courses of this installation {'would be ' if dry_run and prune else ''}{done}")


def _rows(changes: "Changes", prune: bool) -> "Iterator[tuple[str, str, str]]":
    yield from (("new", code, changes.details[code]) for code in changes.new)
    yield from (("changed", code, changes.details[code]) for code in changes.changed)
    yield from (("gone", code, "would be archived" if prune else "stays") for code in changes.gone)
    for each in changes.conflicts:
        yield "in conflict", " and ".join(dict.fromkeys(each.courses)), str(each)


@app.command()
def export(
    format: Annotated[
        Literal["csv", "xlsx", "ics"] | None, typer.Option(help="By the file's name if left out, else csv.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="stdout if left out.")] = None,
) -> None:
    """Write the timetable in a form that import reads back."""
    from worker.errors import InputError
    from worker.operations.timetable.export_timetable import drafts
    from worker.timetables import write_timetable

    context, now = door.context(), door.now()
    with context.database.read() as session:
        courses = drafts(session, now)
    target = output if output is not None else sys.stdout.buffer
    try:
        write_timetable(
            courses, target, format or _by_name(output), since=now.date(), week_start=context.settings.week_start
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def _by_name(output: Path | None) -> str:
    suffix = output.suffix.lstrip(".").lower() if output else ""
    if suffix not in ("", "csv", "xlsx", "ics"):
        raise typer.BadParameter(f"{suffix!r} is not one of csv, xlsx, ics", param_hint="--format")
    return suffix or "csv"


@app.command()
def template(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="An XLSX file.")],
    lang: Annotated[Literal["en", "fa"] | None, typer.Option(help="The language of its headings.")] = None,
) -> None:
    """An empty workbook with drop-downs, to be filled in by schools."""
    from worker.timetables import template as write

    language = lang or door.context(migrated=False).settings.language
    with output.open("wb") as stream:
        write(stream, language)
    door.say(f"wrote {output}")


@app.command()
def check(as_json: door.Json = False) -> None:
    """What clashes up to the horizon: a teacher, a room or a course twice at once. Exit status 1 if anything does."""
    from dataclasses import asdict
    from datetime import timedelta

    from worker.operations.timetable import conflicts

    context, now = door.context(), door.now()
    with context.database.read() as session:
        found = conflicts.find(session, now, now + timedelta(days=context.settings.horizon_days + 1))
    if as_json:
        door.as_json([asdict(each) for each in found])
    else:
        zone = context.settings.timezone
        cells = [(c.kind, c.name, *c.courses, door.clock_time(c.starts_at, zone), c.times) for c in found]
        door.table(("twice", "who or what", "course", "and", "first", "times"), cells, empty="nothing clashes")
    if found:
        raise typer.Exit(1)


@app.command()
def show(
    week: Annotated[str | None, typer.Option("--week", metavar="D", help="A day of it; today if left out.")] = None,
    lang: Annotated[Literal["en", "fa"] | None, typer.Option(help="The language; fa is right to left.")] = None,
    course: door.CourseOption = None,
    as_json: door.Json = False,
) -> None:
    """One week as a grid: days across, hours down; what is cancelled says why."""
    from zoneinfo import ZoneInfo

    from worker.cli import week_grid
    from worker.operations.timetable import week as weeks

    context, now = door.context(), door.now()
    day = door.day(week) or now.astimezone(ZoneInfo(context.settings.timezone)).date()
    with context.database.read() as session:
        days = weeks.of(session, context, day, now, course=course)
    if as_json:
        door.as_json(week_grid.facts(days))
        return
    week_grid.show(days, lang or context.settings.language)
