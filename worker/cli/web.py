"""``meetingz web``: the page."""

from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="web")(web)


def web(
    host: Annotated[str | None, typer.Option(help="The address to listen on; MEETINGZ_WEB_HOST if left out.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="MEETINGZ_WEB_PORT if left out.")] = None,
) -> None:
    """Serve the page and its API. Behind a proxy that speaks HTTPS; Ctrl-C stops it."""
    door.require_extra("web")
    import signal

    from worker import logs
    from worker.web import serving

    context = door.context()
    logs.configure(context.settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serving.run(context, host, port)
    except KeyboardInterrupt:
        logs.event("stopping")
