"""warn: people inside are told before their class is ended. Part of the ``end`` loop.

An event tells it, and a line in the public chat where the server takes one (3.0 and later); a server that does not is
remembered, and not asked again until it is checked anew.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from worker import bbb
from worker.clock import Clock
from worker.domain import lifecycle
from worker.operations import aside, story
from worker.operations.context import Context
from worker.operations.meetings import endings
from worker.store.tables import Course, Meeting, Occurrence, Server

_WORDS = {"en": "This class ends in {minutes} min.", "fa": "این کلاس تا {minutes} دقیقهٔ دیگر پایان می‌یابد."}
#: Who says it in the chat.
_SPEAKER = "Meetingz"


def due_meetings(context: Context, now: datetime) -> list[int]:
    """Meetings with people in them whose end is near, and who have not been told."""
    with context.database.read() as session:
        return [meeting.id for meeting, *_ in _due(context, session, now)]


def _due(
    context: Context, session: Session, now: datetime, only: int | None = None
) -> list[tuple[Meeting, Server, datetime]]:
    most = timedelta(seconds=context.settings.warn_seconds)
    wanted = select(Meeting, Occurrence, Course, Server).join(Occurrence, Meeting.occurrence_id == Occurrence.id)
    wanted = wanted.join(Course, Occurrence.course_id == Course.id).join(Server, Meeting.server_id == Server.id)
    wanted = wanted.where(Meeting.state == "open", Meeting.people > 0, Occurrence.cancelled_at.is_(None))
    # Policy and grace are the course's own: the band is wide here, and looked at closely below.
    wanted = wanted.where(Occurrence.closes_at <= now + most)
    rows = session.execute(wanted if only is None else wanted.where(Meeting.id == only)).all()
    found = []
    for meeting, occurrence, course, server in rows:
        ending = endings.of(context.settings, occurrence, course)
        # A class of a few minutes is not told for half of it that it is about to end.
        span = min(most, (occurrence.closes_at - occurrence.starts_at) / 4)
        if ending is not None and lifecycle.needs_warning(ending.must, span, meeting.warned_at, now):
            found.append((meeting, server, ending.must))
    return found


def some(context: Context, meeting_ids: Sequence[int], clock: Clock) -> int:
    """Tell these, each once; each succeeds or fails alone. Returns how many."""
    return aside.each_meeting(context, "warn", meeting_ids, clock, one)


def one(context: Context, meeting_id: int, now: datetime) -> bool:
    """Tell one class, if it is still due."""
    with context.database.write() as session:
        found = _due(context, session, now, meeting_id)
        if not found:
            return False
        meeting, server, ends_at = found[0]
        mine = update(Meeting).where(
            Meeting.id == meeting_id, Meeting.warned_at.is_not_distinct_from(meeting.warned_at)
        )
        if not session.execute(mine.values(warned_at=now)).rowcount:  # type: ignore[attr-defined]
            return False
        minutes = max(1, round((ends_at - now) / timedelta(minutes=1)))
        detail = f"ends in {minutes} min"
        story.tell(session, "warned", now, occurrence_id=meeting.occurrence_id, server_id=server.id, detail=detail)
    _say(context, meeting, server, minutes)
    return True


def _say(context: Context, meeting: Meeting, server: Server, minutes: int) -> None:
    """Best effort: a line that did not arrive is not said twice."""
    if (server.features or {}).get("chat") == "no":
        return
    text = _WORDS[context.settings.language].format(minutes=minutes)
    try:
        context.connect(server).send_chat_message(meeting.external_id, text, _SPEAKER)
    except (
        bbb.Unsupported,
        bbb.Garbled,
        bbb.ChecksumRefused,
    ):  # an unknown call is answered in any of these ways (E90)
        with context.database.write() as session:
            row = session.get_one(Server, server.id)
            row.features = {**(row.features or {}), "chat": "no"}
    except bbb.Error:
        return
