"""A run that was believed gone and lives: its row is that of a room again (E43)."""

from datetime import datetime

from sqlalchemy.orm import Session

from worker.operations import story
from worker.store.tables import Meeting


def revive(session: Session, meeting: Meeting, now: datetime) -> None:
    """As it was before it was missed; what was done to it as a stray is forgotten."""
    meeting.state, meeting.closed_at, meeting.close_reason = "open", None, None
    meeting.misses, meeting.missed_at, meeting.doubted_at = 0, None, None
    meeting.end_requested_at, meeting.end_requests, meeting.end_refused = None, 0, None
    story.tell(session, "reopened", now, occurrence_id=meeting.occurrence_id, server_id=meeting.server_id)
