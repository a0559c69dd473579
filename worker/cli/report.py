"""``meetingz report``: who was there, as files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.exports import Format

app = typer.Typer(name="report", help="Reports, as CSV, XLSX, HTML or JSON.", no_args_is_help=True)

_FORMATS: "tuple[Format, ...]" = ("csv", "xlsx", "html", "json")
FormatOption = Annotated[str | None, typer.Option("--format", help="csv, xlsx, html or json; else by the file's name.")]
LanguageOption = Annotated[str | None, typer.Option("--lang", help="en or fa; for people's eyes: XLSX and HTML.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="stdout if left out.")]


@app.command()
def attendance(
    course: door.CourseOption = None,
    since: door.Since = None,
    until: door.Until = None,
    format: FormatOption = None,
    language: LanguageOption = None,
    output: Output = None,
) -> None:
    """A row a person and sitting: present, partial, absent or unknown, late, left early, how long."""
    _write("attendance", course, since, until, format, language, output)


def _write(
    name: str,
    course: str | None,
    since: str | None,
    until: str | None,
    format: str | None,
    language: str | None,
    output: Path | None,
) -> None:
    from worker import exports
    from worker.operations import tables_of_reports
    from worker.operations.report import Wanted

    context = door.context()
    start, end = door.span(since, until, context.settings.timezone)
    spoken = language or context.settings.language
    if spoken not in ("en", "fa"):
        raise typer.BadParameter(f"{spoken!r} is not en or fa", param_hint="--lang")
    table = tables_of_reports.make(
        context, name, Wanted(course, start, end), "fa" if spoken == "fa" else "en", door.now()
    )
    exports.write(table, _format(format, output), output if output is not None else sys.stdout.buffer)


def _format(asked: str | None, output: Path | None) -> "Format":
    chosen = asked or (output.suffix.lstrip(".").lower() if output and output.suffix else "csv")
    for known in _FORMATS:
        if known == chosen:
            return known
    raise typer.BadParameter(f"{chosen!r} is not one of {', '.join(_FORMATS)}", param_hint="--format")
