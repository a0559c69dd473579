"""``meetingz report``: who was there, how classes went, how many were on; as files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.exports import Format, Language
    from worker.operations.reports.report import Wanted

app = typer.Typer(name="report", help="Reports, as CSV, XLSX, HTML, JSON or PDF.", no_args_is_help=True)

_FORMATS: "tuple[Format, ...]" = ("csv", "xlsx", "html", "json", "pdf")
_BINARY = ("xlsx", "pdf")
Sitting = Annotated[
    int | None, typer.Option("--occurrence", metavar="ID", parser=door.whole, help="Only this sitting.")
]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that all reports have, as they were typed."""

    course: door.CourseOption = None
    since: door.Since = None
    until: door.Until = None
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="csv, xlsx, html, json or pdf; else by the file's name. Of attendance also moodle: "
            "marks of a sitting for Moodle's import.",
        ),
    ] = None
    language: Annotated[str | None, typer.Option("--lang", help="en or fa; for people's eyes: XLSX, HTML and PDF.")] = (
        None
    )
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="stdout if left out.")] = None


def _report(command: Callable[..., None]) -> Callable[..., None]:
    """Register a command that takes these options as its argument ``asked``, after options of its own."""
    own, asked = signature(command).parameters, signature(Asked).parameters

    def typed(**given: Any) -> None:
        command(Asked(**{name: given.pop(name) for name in asked}), **given)

    listed = [each for name, each in own.items() if name != "asked"] + list(asked.values())
    typed.__dict__["__signature__"] = Signature([each.replace(kind=Parameter.KEYWORD_ONLY) for each in listed])
    typed.__annotations__ = {each.name: each.annotation for each in listed}
    app.command(name=command.__name__, help=command.__doc__)(typed)
    return command


@_report
def attendance(asked: Asked, occurrence: Sitting = None) -> None:
    """A row a person and sitting: present, partial, absent, excused or unknown, late, left early, how long."""
    wanted = replace(_wanted(asked), occurrence=occurrence)
    if asked.format == "moodle":
        _write("moodle", wanted, replace(asked, format="csv"))
    else:
        _write("attendance", wanted, asked)


@_report
def matrix(asked: Asked) -> None:
    """One course: people down, sittings across, P L A E U; how often each, and the share attended."""
    _write("matrix", _wanted(asked), asked)


@_report
def sessions(asked: Asked) -> None:
    """A row a sitting: held against its plan, who was expected and came, peak and mean online, who ended it."""
    _write("sessions", _wanted(asked), asked)


@_report
def person(
    asked: Asked, user_id: Annotated[str, typer.Argument(metavar="USER", help="The id that join links carry.")]
) -> None:
    """One learner's sittings, over all courses or one."""
    _write("person", replace(_wanted(asked), user_id=user_id), asked)


@_report
def totals(
    asked: Asked,
    by: Annotated[
        str,
        typer.Option("--by", help="time: a row a minute; server or course: peak and mean of each; person: how often."),
    ] = "time",
) -> None:
    """How many people were online over time, and the peak and mean of each server or course."""
    _write("totals", _wanted(asked), asked, by)


def _wanted(asked: Asked) -> "Wanted":
    from worker import settings
    from worker.operations.reports.report import Wanted

    return Wanted(asked.course, *door.span(asked.since, asked.until, settings.load().timezone))


def _write(name: str, wanted: "Wanted", asked: Asked, by: str = "time") -> None:
    from worker.operations.reports import tables_of_reports

    chosen, context = _format(asked.format, asked.output), door.context()
    if asked.output is None and chosen in _BINARY and sys.stdout.isatty():
        raise typer.BadParameter(f"{chosen} is nothing for a terminal: name a file", param_hint="-o")
    if wanted.course is not None:
        door.require_course(context, wanted.course)  # rows are streamed: an unknown course is to be said before them
    spoken = _language(asked.language or context.settings.language)
    target = asked.output if asked.output is not None else sys.stdout.buffer
    with _progress(asked.output) as seen:
        tables_of_reports.write(context, name, wanted, chosen, spoken, door.now(), target, by=by, seen=seen)
    if asked.output is not None:
        door.say(f"wrote {asked.output}")


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
