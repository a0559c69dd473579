"""The command line: one file a noun. A command reads its words, calls one operation, and prints.

Nothing heavy is imported until a command runs, so that help and completion answer at once. Exit status: 0 done, 1
failed, 2 usage; an error is one line on stderr, what is wrong and what to do.
"""

import os
import signal
import sys

import typer

from worker.cli import (
    alarms,
    attendance,
    course,
    database,
    demo,
    doctor,
    door,
    holiday,
    join,
    live,
    occurrence,
    person,
    recordings,
    recordings_care,
    report,
    roster,
    run,
    server,
    simulate,
    timetable,
    up,
    user,
    web,
)

app = typer.Typer(
    name="meetingz",
    help="Schedule online classes on Meetingz or BigBlueButton: open, watch, end, find recordings, report attendance.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_NOUNS = (
    database,
    server,
    timetable,
    holiday,
    course,
    roster,
    occurrence,
    attendance,
    report,
    person,
    recordings,
    user,
)
recordings_care.add_to(recordings.app)
for noun in _NOUNS:
    app.add_typer(noun.app)
for verb in (demo, up, web, run, join, live, simulate, doctor, alarms):
    verb.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        import worker

        typer.echo(f"meetingz-worker {worker.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Options before the command."""
    ctx.call_on_close(door.leave)


def main() -> None:
    """The entry point of the ``meetingz`` command."""
    try:
        sys.exit(app(standalone_mode=False))
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is only to leave
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        usage = _usage(error)
        line = None if usage else _line(error)
        if not usage and line is None:
            raise
        print(usage or f"meetingz: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if usage else 1)


def _usage(error: Exception) -> str | None:
    """One line for a command that was typed wrongly, or the help where nothing was typed; None for other errors.

    Typer keeps the class of these errors to itself: they are known by what they can do.
    """
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    text, context = str(message()), getattr(error, "ctx", None)
    if text.startswith("Usage:"):
        return text
    path = context.command_path if context else "meetingz"
    return f"{path}: {' '.join(text.split()).rstrip('.')}; see `{path} --help`"


def _line(error: Exception) -> str | None:
    """One line for errors that a person can mend; None for bugs, which keep their traceback."""
    from sqlalchemy.exc import DBAPIError

    from worker import bbb
    from worker.domain.calendars import InvalidDate
    from worker.errors import WorkerError
    from worker.store.database import complaint
    from worker.timetables import BadFile

    if isinstance(error, DBAPIError):
        return bbb.redact(
            f"the database cannot be used: {complaint(error)}; see MEETINGZ_DATABASE_URL and `meetingz db check`"
        )
    if isinstance(error, WorkerError | BadFile | InvalidDate | bbb.Error):
        return bbb.redact(" ".join(str(error).split()))
    if isinstance(error, OSError):
        return bbb.redact(f"{error.filename or 'system'}: {error.strerror or error}")
    return None


if __name__ == "__main__":
    main()
