"""Rules of one course that no timetable holds: which server it is pinned to, and how its classes end."""

from datetime import datetime
from typing import get_args

from worker.domain.lifecycle import EndPolicy
from worker.errors import InputError
from worker.operations import story
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.timetable import arrange

#: Takes a pin away.
ANY = "any"


def put(
    context: Context, code: str, now: datetime, *, server: str | None = None, end_policy: str | None = None
) -> None:
    """Change what is given. Rooms that are open stay where they are. Raises Unknown or InputError."""
    policies = get_args(EndPolicy)
    if end_policy is not None and end_policy not in policies:
        raise InputError(f"the end policy {end_policy!r} is not one of {', '.join(policies)}")
    with context.database.write() as session:
        found = arrange.course(session, code)
        if server is not None:
            found.server_id = None if server == ANY else servers.find(session, server).id
        if end_policy is not None:
            found.end_policy = end_policy
        changed = [f"server {server}"] if server is not None else []
        changed += [f"end policy {end_policy}"] if end_policy is not None else []
        story.tell(session, "course_changed", now, detail=f"{code}: {', '.join(changed)}")
