"""doctor: what is wrong with this installation, and what to do about it."""

import difflib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import DateTime, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from worker import bbb
from worker.errors import DatabaseBehind, SettingsError
from worker.operations import pulse
from worker.operations.context import Context
from worker.operations.installation import alarms, broker, places
from worker.operations.installation.places import Finding
from worker.operations.meetings import provision
from worker.settings import Settings
from worker.store import due, migrate
from worker.store.database import complaint
from worker.store.tables import Course, Pulse, Server

#: Servers asked at one time.
_AT_ONCE = 8
#: Our clock and the database's may be this far apart.
_CLOCKS = timedelta(seconds=5)
#: A sitting is settled by the sweep after its end and grace; one that is over for this long was forgotten.
_LONG_OVER = timedelta(hours=1)
#: Bells that wait: three sweeps of a bell a server, and something besides, is more than workers ever leave.
_BELLS_A_SERVER, _BELLS = 3, 100


def examine(context: Context, now: datetime) -> list[Finding]:
    """Everything, in the order in which to mend it."""
    began = time.monotonic()
    found = [*_variables(), *places.look(context.settings)]
    try:
        migrate.require_current(context.database)
    except DatabaseBehind as error:
        return [*found, Finding("database", False, str(error), "meetingz db upgrade")]
    except DBAPIError as error:
        why = bbb.redact(complaint(error))
        return [*found, Finding("database", False, why, "is it running? see MEETINGZ_DATABASE_URL")]
    found.append(Finding("database", True, f"at revision {migrate.head()}"))
    found.extend(_servers(context))
    with context.database.read() as session:
        found.extend(_clock(context, session, now + timedelta(seconds=time.monotonic() - began)))
        found.extend(places.archive(context.settings, session))
        for check in (_broker, _courses, _backlog, _alarms):
            found.extend(check(context, session, now))
        found.extend(pulses(context, session, now))
    return found


def pulses(context: Context, session: Session, now: datetime) -> Iterator[Finding]:
    """Each loop: did it end a sweep lately? Cheap enough for a container's health check."""
    known = {row.loop: row for row in session.scalars(select(Pulse))}
    for loop in pulse.LOOPS:
        yield _pulse(loop, known.get(loop), pulse.patience(context, loop), now)


def _pulse(loop: str, row: Pulse | None, patience: timedelta, now: datetime) -> Finding:
    remedy = "is worker and beat running? `meetingz up`, or `celery -A worker.celery_app worker` and `... beat`"
    if row is None or row.ended_at is None:
        return Finding(f"loop {loop}", False, "has never run", remedy)
    if row.failed_at is not None and row.failed_at > row.ended_at:
        return Finding(f"loop {loop}", False, f"failed: {row.error}", "see the log of the worker")
    age = now - row.ended_at
    if age > patience:
        return Finding(f"loop {loop}", False, f"last ran {_ago(age)} ago", remedy)
    return Finding(f"loop {loop}", True, f"last ran {_ago(age)} ago")


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _variables() -> Iterator[Finding]:
    """Variables that look like ours and mean nothing: a setting that was misspelt is silently not set."""
    known = {name.removeprefix("MEETINGZ_") for name in _known()}
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix("MEETINGZ_")
        if name != variable.upper() and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            remedy = f"did you mean MEETINGZ_{near[0]}?" if near else "see docs/settings.md"
            yield Finding(f"variable {variable}", False, "is not a setting", remedy)


def _known() -> frozenset[str]:
    """Every variable of ours that means something."""
    found = {"MEETINGZ_CONFIG"}
    for name, field in Settings.model_fields.items():
        ours = f"MEETINGZ_{name.upper()}"
        found |= {ours, f"{ours}_FILE"} if "SecretStr" in str(field.annotation) else {ours}
    return frozenset(found)


def _clock(context: Context, session: Session, now: datetime) -> Iterator[Finding]:
    """Of several machines one may be wrong; SQLite has no clock of its own."""
    if context.database.is_sqlite:
        return
    theirs = session.scalar(select(func.clock_timestamp(type_=DateTime(timezone=True))))
    assert theirs is not None
    apart = abs(now - theirs)
    wrong = apart > _CLOCKS
    remedy = "set both clocks by NTP" if wrong else ""
    yield Finding("clock", not wrong, f"{apart.total_seconds():.1f} s from the database's", remedy)


def _broker(context: Context, session: Session, _now: datetime) -> Iterator[Finding]:
    try:
        waiting = broker.length(context.settings)
    except broker.Unreachable as error:
        yield Finding("broker", False, str(error), "is it running? see MEETINGZ_BROKER_URL")
        return
    if waiting is not None:
        many = waiting > _BELLS + _BELLS_A_SERVER * len(due.servers_to_poll(session))
        yield Finding("broker", not many, f"{waiting} bells wait", "start more workers" if many else "")


def _servers(context: Context) -> list[Finding]:
    """Each is asked now: what the last poll found may be old, and without a worker there was none."""
    with context.database.read() as session:
        rows = session.scalars(select(Server).where(Server.enabled).order_by(Server.name)).all()
    if not rows:
        return [Finding("servers", False, "none is in use", "meetingz server add NAME URL --secret-env VAR")]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda row: _server(context, row), rows))


def _server(context: Context, row: Server) -> Finding:
    remedy = f"meetingz server check {row.name}"
    try:
        context.connect(row).is_running("mtz-health")
    except bbb.Error as error:
        return Finding(f"server {row.name}", False, bbb.redact(str(error)), remedy)
    except SettingsError as error:
        return Finding(f"server {row.name}", False, str(error), "see docs/deployment.md, secrets and keys")
    if not row.healthy or row.last_error is not None:
        told = f"answers, but the last polls did not get through: {row.last_error or 'it counts as down'}"
        return Finding(f"server {row.name}", False, told, remedy)
    return Finding(f"server {row.name}", True, "healthy" if row.checked_at else "answers; not polled yet")


def _courses(_context: Context, session: Session, _now: datetime) -> Iterator[Finding]:
    count = session.scalar(select(func.count()).select_from(Course).where(Course.archived_at.is_(None))) or 0
    yield Finding("courses", count > 0, f"{count}", "" if count else "meetingz timetable import FILE")


def _backlog(context: Context, session: Session, now: datetime) -> Iterator[Finding]:
    waiting = len(provision.due_now(context, session, now))
    if waiting:
        yield Finding("rooms", False, f"{waiting} should be open and are not", "see `meetingz occurrence list`")
    if over := len(due.occurrences_to_settle(session, now - _LONG_OVER)):
        detail = f"{over} are over for more than {_ago(_LONG_OVER)} and not settled"
        yield Finding("sittings", False, detail, "does the loop `end` run? see the log of the worker")


def _alarms(_context: Context, session: Session, _now: datetime) -> Iterator[Finding]:
    for row in alarms.standing(session)[:10]:
        where = f" (occurrence {row.occurrence_id})" if row.occurrence_id else ""
        since = row.raised_at.isoformat(timespec="seconds")
        yield Finding(f"alarm {row.kind}", False, f"since {since}{where}: {row.detail}", "see docs/alarms.md")
