"""``meetingz up``: everything in one process."""

from contextlib import ExitStack
from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="up")(up)


def up(
    web: Annotated[
        bool, typer.Option("--web/--no-web", help="Serve the page too, where its part is installed.")
    ] = True,
) -> None:
    """Migrate, then worker, beat and page in one process: enough for one school. Ctrl-C stops it cleanly."""
    asked = _stop_signals()
    from worker import logs
    from worker.embedded import Embedded
    from worker.errors import SettingsError
    from worker.operations.installation import servers
    from worker.store import migrate

    context = door.context(migrated=False)
    if not context.settings.embedded:
        raise SettingsError(
            "MEETINGZ_BROKER_URL is set: run `celery -A worker.celery_app worker` and `... beat`, not `meetingz up`"
        )
    migrate.upgrade(context.database)
    if asked:  # while all this was read
        raise KeyboardInterrupt
    servers.from_settings(context, door.now())
    logs.configure(context.settings)
    with ExitStack() as running:
        stack = running.enter_context(Embedded(context))
        if web and door.has_extra("web"):
            from worker.web import serving

            running.enter_context(serving.Beside(context))
        logs.event("up", origin=context.settings.origin, data=str(context.settings.data_dir))
        running.callback(logs.event, "stopping")
        stack.wait(lambda: asked)


def _stop_signals() -> list[int]:
    """Filled by the first SIGINT or SIGTERM; a second one interrupts at once.

    An exception, which is what Python makes of SIGINT, would be lost where it falls into a finaliser.
    """
    import signal

    asked: list[int] = []

    def note(number: int, _frame: object) -> None:
        asked.append(number)
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return asked
