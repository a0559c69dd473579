"""``meetingz server``: the API endpoints."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door
from worker.errors import InputError, ServerTrouble

if TYPE_CHECKING:
    from worker.store.tables import Server

app = typer.Typer(name="server", help="Servers: add, list, check, set, drain, enable, disable.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")]
_CHECKSUMS = ("sha1", "sha256", "sha384", "sha512")


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="For example https://api.meetingz.ir/<key>/")],
    secret_env: Annotated[str | None, typer.Option(metavar="VAR", help="The variable that holds the secret.")] = None,
    secret_file: Annotated[Path | None, typer.Option(metavar="F", help="The file that holds the secret.")] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from stdin.")] = False,
    checksum: Annotated[str, typer.Option(help="sha1, sha256, sha384 or sha512.")] = "sha1",
    capacity: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="People at once; no limit if left out.")
    ] = None,
    weight: Annotated[float, typer.Option(help="Its share of the meetings, against the other servers' weights.")] = 1.0,
    rate: Annotated[float | None, typer.Option(help="Creates a second at most; no limit if left out.")] = None,
) -> None:
    """Add a server. The secret never stands on the command line."""
    from worker.operations.installation import servers

    _check_checksum(checksum)
    secret = _secret(secret_env, secret_file, secret_stdin)
    shares: dict[str, Any] = {"capacity": capacity, "weight": weight, "rate": rate}
    servers.add(door.context(), name, url, secret, door.now(), checksum=checksum, **shares)
    door.say(f"added {name}; `meetingz server check {name}` asks what it can do")


def _check_checksum(name: str | None) -> None:
    if name is not None and name not in _CHECKSUMS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(_CHECKSUMS)}", param_hint="--checksum")


def _secret(variable: str | None, file: Path | None, stdin: bool) -> str:
    if (variable is not None) + (file is not None) + stdin != 1:
        raise typer.BadParameter("give one of --secret-env VAR, --secret-file F, --secret-stdin")
    if variable is not None:
        if not (value := os.environ.get(variable, "").strip()):
            raise InputError(f"the variable {variable} is not set or empty")
        return value
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return sys.stdin.readline().strip()


@app.command(name="list")
def list_(as_json: door.Json = False) -> None:
    """Every server with its load, the seats kept on it for the next hour, its health, and why."""
    from worker.operations.installation import servers
    from worker.operations.meetings import seating

    now = door.now()
    with door.context().database.read() as session:
        rows, load = servers.everyone(session), seating.load(session, now)
    reserved = {row.id: load.get(row.id, (0, 0))[1] for row in rows}
    if as_json:
        door.as_json([_facts(row) | {"reserved": reserved[row.id]} for row in rows])
        return
    cells = [
        (r.name, r.api_url, _state(r), r.meetings, r.people, reserved[r.id], r.capacity, f"{r.weight:g}", _why(r))
        for r in rows
    ]
    headings = ("name", "address", "state", "meetings", "people", "reserved", "capacity", "weight", "why")
    door.table(headings, cells, empty="no server yet: `meetingz server add NAME URL --secret-env VAR`")


def _facts(row: "Server") -> dict[str, Any]:
    keys = (
        "name",
        "api_url",
        "checksum",
        "capacity",
        "weight",
        "leave_latency_seconds",
        "rate_limit",
        "enabled",
        "draining",
        "healthy",
    )
    rest = ("failures", "last_error", "checked_at", "harvested_at", "meetings", "people", "bulk_poll", "features")
    return {key: getattr(row, key) for key in keys + rest} | {"state": _state(row), "why": _why(row)}


def _why(row: "Server") -> str:
    """Why its health is what it is; it takes several answers, or failures, in a row to change.

    Before any poll, what the check found: a server that cannot be used is not yet known to be down.
    """
    if row.last_error is None:
        return "" if row.polled_at else str((row.features or {}).get("problem", ""))
    streak = f"{row.failures} failures in a row" if row.failures else f"{row.successes} good answers since"
    return f"{streak}: {row.last_error}"


def _state(row: "Server") -> str:
    if not row.enabled:
        return "disabled"
    asked = row.checked_at or row.polled_at
    health = "down" if not row.healthy else "healthy" if asked else "not asked yet"
    return f"draining, {health}" if row.draining else health


@app.command()
def check(name: Name, as_json: door.Json = False) -> None:
    """Ask a server what it can do; says in words what is wrong with it. Exit 1 if it cannot be used."""
    from dataclasses import asdict

    from worker.operations.installation import servers

    features = servers.check(door.context(), name, door.now())
    if as_json:
        door.as_json(asdict(features))
    elif features.problem:
        raise ServerTrouble(f"server {name} cannot be used: {features.problem}; `meetingz server set` mends an entry")
    else:
        for line in features.words():
            door.say(line)
    if features.problem:
        raise typer.Exit(1)


@app.command(name="set")
def set_(
    name: Name,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Another address.")] = None,
    secret_env: Annotated[str | None, typer.Option(metavar="VAR", help="The variable that holds the secret.")] = None,
    secret_file: Annotated[Path | None, typer.Option(metavar="F", help="The file that holds the secret.")] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from stdin.")] = False,
    checksum: Annotated[str | None, typer.Option(help="sha1, sha256, sha384 or sha512.")] = None,
    capacity: Annotated[
        int | None, typer.Option(min=0, max=1_000_000, help="People at once; 0 takes the limit away.")
    ] = None,
    weight: Annotated[float | None, typer.Option(help="Its share of the meetings.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Creates a second; 0 takes the limit away.")] = None,
    leave_latency: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds that it still lists somebody who has left.")
    ] = None,
) -> None:
    """Change what is known of a server: its address, secret, limits; what is not named stays."""
    from worker.operations.installation import servers

    _check_checksum(checksum)
    named = secret_env is not None or secret_file is not None or secret_stdin
    secret = _secret(secret_env, secret_file, secret_stdin) if named else None
    changes = servers.Changes(url, secret, checksum, capacity, weight, rate, leave_latency)
    servers.change(door.context(), name, changes, door.now())
    door.say(f"changed {name}; `meetingz server check {name}` asks what it can do")


@app.command()
def drain(name: Name) -> None:
    """No new meetings on it; those that are there run to their end."""
    from worker.operations.installation import servers

    servers.drain(door.context(), name, door.now())
    door.say(f"{name} takes no new meetings")


@app.command()
def enable(name: Name) -> None:
    """Back in use."""
    from worker.operations.installation import servers

    servers.enable(door.context(), name, door.now())
    door.say(f"{name} is in use")


@app.command()
def disable(name: Name) -> None:
    """Not used and not watched, but for meetings that are still on it."""
    from worker.operations.installation import servers

    servers.disable(door.context(), name, door.now())
    door.say(f"{name} is out of use")
