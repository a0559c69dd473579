"""Whether anybody was in a class: one answer for lists, metrics and recordings."""

from sqlalchemy import ColumnElement, and_, exists, or_, select

from worker.store.tables import Meeting, Observation, Occurrence, Stay


def attended() -> ColumnElement[bool]:
    """Of the ``Occurrence`` of the statement around it: by its stays; until it is settled by what polls saw as well.

    A recorder is seen, and has no stay; observations are pruned one day, and stays may be kept.
    """
    stayed = exists(select(Stay.occurrence_id).where(Stay.occurrence_id == Occurrence.id))
    seen = select(Observation.meeting_id).join(Meeting, Meeting.id == Observation.meeting_id)
    seen = seen.where(Meeting.occurrence_id == Occurrence.id, Observation.attendees != "")
    return or_(stayed, and_(Occurrence.settled_at.is_(None), exists(seen)))
