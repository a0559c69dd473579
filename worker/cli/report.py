"""``meetingz report``: who was there, how classes went, how many were on; as files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.exports import Format, Language
    from worker.operations.report import Wanted

app = typer.Typer(name="report", help="Reports, as CSV, XLSX, HTML, JSON or PDF.", no_args_is_help=True)

_FORMATS: "tuple[Format, ...]" = ("csv", "xlsx", "html", "json", "pdf")
_BINARY = ("xlsx", "pdf")
FormatOption = Annotated[
    str | None, typer.Option("--format", help="csv, xlsx, html, json or pdf; else by the file's name.")
]
LanguageOption = Annotated[str | None, typer.Option("--lang", help="en or fa; for people's eyes: XLSX, HTML and PDF.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="stdout if left out.")]
Sitting = Annotated[int | None, typer.Option("--occurrence", metavar="ID", help="Only this sitting.")]


@app.command()
def attendance(
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    occurrence: Sitting = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="csv, xlsx, html, json, pdf; or moodle: marks of a sitting for Moodle's import."),
    ] = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """A row a person and sitting: present, partial, absent, excused or unknown, late, left early, how long."""
    wanted = _wanted(course, since, until, occurrence=occurrence)
    if format == "moodle":
        _write("moodle", wanted, "csv", language, output)
    else:
        _write("attendance", wanted, format, language, output)


@app.command()
def matrix(
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    format: FormatOption = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """One course: people down, sittings across, P L A E U; how often each, and the share attended."""
    _write("matrix", _wanted(course, since, until), format, language, output)


@app.command()
def sessions(
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    format: FormatOption = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """A row a sitting: held against its plan, who was expected and came, peak and mean online, who ended it."""
    _write("sessions", _wanted(course, since, until), format, language, output)


@app.command()
def person(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="The id that join links carry.")],
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    format: FormatOption = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """One learner's sittings, over all courses or one."""
    _write("person", replace(_wanted(course, since, until), user_id=user_id), format, language, output)


@app.command()
def totals(
    by: Annotated[
        str,
        typer.Option("--by", help="time: a row a minute; server or course: peak and mean of each; person: how often."),
    ] = "time",
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    format: FormatOption = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """How many people were online over time, and the peak and mean of each server or course."""
    _write("totals", _wanted(course, since, until), format, language, output, by)


def _wanted(course: str | None, since: str | None, until: str | None, occurrence: int | None = None) -> "Wanted":
    from worker import settings
    from worker.operations.report import Wanted

    start, end = door.span(since, until, settings.load().timezone)
    return Wanted(course, start, end, occurrence)


def _write(
    name: str, wanted: "Wanted", format: str | None, language: str | None, output: Path | None, by: str = "time"
) -> None:
    from worker.operations import tables_of_reports

    chosen, context = _format(format, output), door.context()
    if output is None and chosen in _BINARY and sys.stdout.isatty():
        raise typer.BadParameter(f"{chosen} is nothing for a terminal: name a file", param_hint="-o")
    if wanted.course is not None:
        door.require_course(context, wanted.course)  # rows are streamed: an unknown course is to be said before them
    spoken = _language(language or context.settings.language)
    target = output if output is not None else sys.stdout.buffer
    with _progress(output) as seen:
        tables_of_reports.write(context, name, wanted, chosen, spoken, door.now(), target, by=by, seen=seen)


@contextmanager
def _progress(output: Path | None) -> "Iterator[Callable[[int], None]]":
    """Rows counted on the terminal while they go to a file."""
    if output is None or not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} rows"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(output.name, total=None)
        yield lambda rows: progress.advance(task, rows)


def _language(spoken: str) -> "Language":
    if spoken not in ("en", "fa"):
        raise typer.BadParameter(f"{spoken!r} is not en or fa", param_hint="--lang")
    return "fa" if spoken == "fa" else "en"


def _format(asked: str | None, output: Path | None) -> "Format":
    chosen = asked or (output.suffix.lstrip(".").lower() if output and output.suffix else "csv")
    for known in _FORMATS:
        if known == chosen:
            return known
    raise typer.BadParameter(f"{chosen!r} is not one of {', '.join(_FORMATS)}", param_hint="--format")
