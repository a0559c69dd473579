"""Servers: added, changed, listed, checked, drained, enabled, disabled."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker import bbb
from worker.errors import Conflict, InputError, SettingsError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.store.tables import Server
from worker.store.upsert import insert_new

#: Servers forget who has left within about a minute (protocol section 5).
_LONGEST_LATENCY = 600


def find(session: Session, name: str) -> Server:
    """The server of this name. Raises Unknown."""
    found = session.scalar(select(Server).where(Server.name == name))
    if found is None:
        raise Unknown(f"there is no server {name!r}; `meetingz server list` shows all")
    return found


def everyone(session: Session) -> Sequence[Server]:
    """All servers, by name."""
    return session.scalars(select(Server).order_by(Server.name)).all()


def add(
    context: Context,
    name: str,
    url: str,
    secret: str,
    now: datetime,
    *,
    checksum: str = "sha1",
    capacity: int | None = None,
    weight: float = 1.0,
    rate: float | None = None,
) -> int:
    """Add a server; its secret is stored encrypted. ``rate`` is how many creates a second it takes; None: no limit.

    Raises Conflict where name or address is taken.
    """
    _check_weight(weight)
    _check_rate(rate)
    _check_capacity(capacity)
    endpoint = _endpoint(url, secret, checksum)
    with context.database.write() as session:
        if session.scalar(select(Server.id).where(Server.name == name)) is not None:
            raise Conflict(f"there is a server {name!r} already")
        _check_address_is_free(session, endpoint.base_url)
        row = Server(
            name=name,
            api_url=endpoint.base_url,
            secret=context.vault.lock(secret),
            checksum=checksum,
            capacity=capacity,
            weight=weight,
            rate_limit=rate,
        )
        session.add(row)
        session.flush()
        story.tell(session, "server_added", now, server_id=row.id, detail=name)
        return row.id


def _check_weight(weight: float) -> None:
    if not 0 < weight < float("inf"):
        raise InputError(f"the weight {weight:g} is not possible; write a number above 0")


def _check_capacity(capacity: int | None) -> None:
    if capacity is not None and capacity < 0:
        raise InputError(f"the capacity {capacity} is not possible; write how many people at once")


def _check_rate(rate: float | None) -> None:
    if rate is not None and not 0 < rate < float("inf"):
        raise InputError(f"the rate {rate:g} is not possible; write creates a second, above 0")


def _endpoint(url: str, secret: str, checksum: str) -> bbb.Endpoint:
    if not secret:
        raise InputError("the secret is empty")
    try:
        return bbb.Endpoint(url, secret, checksum)
    except (ValueError, bbb.UnsafeRequest) as error:
        raise InputError(str(error)) from None


def _check_address_is_free(session: Session, url: str) -> None:
    if session.scalar(select(Server.id).where(Server.api_url == url)) is not None:
        raise Conflict(f"there is a server with the address {url} already")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a server; None stays as it is, a capacity or rate of 0 takes the limit away."""

    url: str | None = None
    secret: str | None = None
    checksum: str | None = None
    capacity: int | None = None
    weight: float | None = None
    rate: float | None = None
    leave_latency: float | None = None  #: seconds that the server still lists somebody who has left


def change(context: Context, name: str, changes: Changes, now: datetime) -> None:
    """Mend a server's entry. Raises Unknown, Conflict where the address is taken, InputError."""
    if changes == Changes():
        raise InputError("nothing to change was named")
    with context.database.write() as session:
        row = find(session, name)
        secret = context.vault.open(row.secret) if changes.secret is None else changes.secret
        endpoint = _endpoint(changes.url or row.api_url, secret, changes.checksum or row.checksum)
        if endpoint.base_url != row.api_url:
            _check_address_is_free(session, endpoint.base_url)
        row.api_url, row.checksum = endpoint.base_url, endpoint.checksum
        if changes.secret is not None:
            row.secret = context.vault.lock(secret)
        _change_share(row, changes)
        row.healthy, row.failures, row.last_error = True, 0, None
        story.tell(session, "server_changed", now, server_id=row.id, detail=name)


def _change_share(row: Server, changes: Changes) -> None:
    if changes.weight is not None:
        _check_weight(changes.weight)
        row.weight = changes.weight
    if changes.capacity is not None:
        _check_capacity(changes.capacity)
        row.capacity = changes.capacity or None
    if changes.rate is not None:
        _check_rate(changes.rate or None)
        row.rate_limit = changes.rate or None
    if changes.leave_latency is not None:
        if not 0 <= changes.leave_latency <= _LONGEST_LATENCY:
            raise InputError(f"a leave latency of {changes.leave_latency:g} s is not possible; write 0 to 600")
        row.leave_latency_seconds = changes.leave_latency


def from_settings(context: Context, now: datetime) -> None:
    """The server of the quick start (``MEETINGZ_SERVER_URL``): added once, its secret kept up to date."""
    settings = context.settings
    if settings.server_url is None or settings.server_secret is None:
        return
    secret = settings.server_secret.get_secret_value()
    try:
        endpoint = bbb.Endpoint(settings.server_url, secret, settings.server_checksum)
    except (ValueError, bbb.UnsafeRequest) as error:
        raise SettingsError(f"MEETINGZ_SERVER_URL: {error}") from None
    row: dict[str, Any] = {"name": "default", "api_url": endpoint.base_url, "secret": context.vault.lock(secret)}
    with context.database.write() as session:
        # Several processes may start at once: the first inserts, the others wait for it and find the row.
        new = insert_new(session, Server, [row])
        known = session.scalar(select(Server).where(Server.api_url == endpoint.base_url))
        if known is None:
            told = "MEETINGZ_SERVER_URL: there is a server 'default' with another address"
            raise Conflict(
                f"{told}; take it over by `meetingz server set default --url URL`, or leave the variable out"
            )
        if new:
            story.tell(session, "server_added", now, server_id=known.id, detail="default")
        elif context.vault.open(known.secret) != secret:
            known.secret = row["secret"]
        known.checksum = settings.server_checksum


def drain(context: Context, name: str, now: datetime) -> None:
    """No new meetings; those that are on it run to their end."""
    _set(context, name, now, "server_draining", enabled=True, draining=True)


def enable(context: Context, name: str, now: datetime) -> None:
    """Back in use."""
    _set(context, name, now, "server_enabled", enabled=True, draining=False)


def disable(context: Context, name: str, now: datetime) -> None:
    """Not used for new meetings and not watched, but for meetings of ours that are still on it."""
    _set(context, name, now, "server_disabled", enabled=False, draining=False)


def _set(context: Context, name: str, now: datetime, kind: str, *, enabled: bool, draining: bool) -> None:
    with context.database.write() as session:
        row = find(session, name)
        row.enabled, row.draining = enabled, draining
        if enabled and not draining:
            row.healthy, row.failures = True, 0
        story.tell(session, kind, now, server_id=row.id, detail=name)


def check(context: Context, name: str, now: datetime) -> bbb.Features:
    """Ask a server what it can do, and remember it. Whether its list names people the next poll finds out anew."""
    with context.database.read() as session:
        server = find(session, name)
    features = bbb.probe(context.connect(server))
    if features.checksums and server.checksum not in features.checksums:
        accepted = ", ".join(features.checksums)
        features = replace(features, problem=f"it does not accept {server.checksum} checksums, but {accepted}")
    with context.database.write() as session:
        row = find(session, name)
        row.features = {key: str(value) for key, value in asdict(features).items()}
        row.checked_at, row.bulk_poll = now, None
    return features
