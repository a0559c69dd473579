"""end_now: a person ends a sitting before its time. Its room is asked to end, and is not opened again by itself."""

from datetime import datetime

from sqlalchemy import select, update

from worker.errors import Conflict
from worker.operations import story
from worker.operations.context import Context
from worker.operations.meetings import endings
from worker.operations.timetable import arrange
from worker.store.tables import Meeting, Server


def one(context: Context, occurrence_id: int, now: datetime) -> None:
    """Ask its open room to end. Raises Conflict where none is open, bbb.Error where the server does not take it.

    The server is asked first: asking twice does no harm, and what it did not take is not told.
    """
    with context.database.read() as session:
        occurrence = arrange.occurrence(session, occurrence_id)
        live = select(Meeting).where(Meeting.occurrence_id == occurrence_id, Meeting.closed_at.is_(None))
        meeting = session.scalar(live.where(Meeting.state != "requested"))
        if meeting is None:
            raise Conflict(f"occurrence {occurrence.id} has no open room")
        server = session.get_one(Server, meeting.server_id)
    endings.ask(context, meeting, server)
    with context.database.write() as session:
        mine = update(Meeting).where(Meeting.id == meeting.id, Meeting.closed_at.is_(None))
        asked = {"end_requested_at": now, "end_requests": Meeting.end_requests + 1, "state": "ending"}
        session.execute(mine.values(**asked))
        arrange.occurrence(session, occurrence_id).finished_at = now
        story.tell(session, "end_asked", now, occurrence_id=occurrence_id, server_id=server.id)
