"""A server's health, with inertia both ways: a blip neither condemns nor acquits."""

from datetime import datetime

from sqlalchemy.orm import Session

from worker import bbb
from worker.operations import story
from worker.settings import Settings
from worker.store.tables import Server


def answered(session: Session, settings: Settings, server: Server, now: datetime) -> None:
    """One good answer."""
    server.failures, server.successes, server.checked_at = 0, server.successes + 1, now
    if server.healthy:
        server.last_error = None
    elif server.successes >= settings.server_up_after:
        server.healthy, server.last_error = True, None
        story.tell(session, "server_up", now, server_id=server.id, detail=server.name)


def failed(session: Session, settings: Settings, server: Server, error: bbb.Error, now: datetime) -> None:
    """One failure. It says nothing about meetings or people."""
    server.successes, server.failures, server.checked_at = 0, server.failures + 1, now
    server.last_error = bbb.redact(str(error))[:500]
    if server.healthy and server.failures >= settings.server_down_after:
        server.healthy = False
        story.tell(session, "server_down", now, server_id=server.id, detail=f"{server.name}: {server.last_error}")
