"""``meetingz simulate``: the simulated server alone."""

from typing import Annotated

import typer

from worker.cli import door


def add_to(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command(name="simulate")(simulate)


def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8090,
    profile: Annotated[str, typer.Option(help="A, B, C, D, E, meetingz or scalelite: which server it is like.")] = "B",
    secret_env: Annotated[str, typer.Option(metavar="VAR", help="The variable that holds its secret.")] = "",
    scale: Annotated[float, typer.Option(min=0.01, help="How many times faster its own clocks run.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same people and faults.")] = 0,
) -> None:
    """A simulated server, to try things on.

    It behaves as BigBlueButton does and has a control API at /control/. Its secret is "simulated" unless given.
    """
    import os
    import signal
    import threading
    from contextlib import suppress

    from worker.errors import InputError
    from worker.simulator import PROFILES, World, serve

    if profile not in PROFILES:
        raise typer.BadParameter(f"{profile!r} is not one of {', '.join(PROFILES)}", param_hint="--profile")
    secret = os.environ.get(secret_env, "") if secret_env else "simulated"
    if not secret:
        raise typer.BadParameter(f"the variable {secret_env} is not set or empty", param_hint="--secret-env")
    world = World(secret, profile=profile, seed=seed, scale=scale)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        running = serve(world, port=port)
    except OSError as error:
        raise InputError(f"port {port} cannot be used ({error.strerror}); choose another with --port") from None
    with running, suppress(KeyboardInterrupt):
        door.say(f"simulated server (profile {profile}) at {running.base_url} ; Ctrl-C stops it")
        threading.Event().wait()
