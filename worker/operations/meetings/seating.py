"""What placement is told: which servers can take a meeting, what is on them, and what the timetable will bring.

Sizes come from what is known of a course, in this order: what it says it expects, its roster, who came the last times.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.orm import Session

from worker.domain import placement
from worker.domain.placement import Candidate, Demand
from worker.store.tables import Course, Meeting, Occurrence, Participant, Server, Stay

#: People expected where neither the course nor its roster nor its past says.
UNKNOWN_SIZE = 15
_PAST = timedelta(days=60)
_LAST_TIMES = 4
#: A class that is past its end is thought to stay this long.
_OVERRUN = timedelta(hours=1)
_LATE = timedelta(minutes=20)


def able(session: Session, *, alone: bool = False) -> Sequence[Server]:
    """The servers that may take a new meeting.

    ``alone``: until this transaction ends nobody else chooses, or classes that open together choose the same server.
    """
    wanted = select(Server).where(Server.enabled, Server.healthy, ~Server.draining).order_by(Server.id)
    return session.scalars(wanted.with_for_update(key_share=True) if alone else wanted).all()


def candidates(session: Session, servers: Iterable[Server], since: datetime, seconds: float) -> list[Candidate]:
    """Servers with the people on them that are not ours, and how many creates they may still take.

    A rate limit counts the requests made since ``since``, which is ``seconds`` ago.
    """
    ours = dict(session.execute(_live_sum(func.sum(Meeting.people))).all())
    lately = dict(session.execute(_live_sum(func.count()).where(Meeting.requested_at > since)).all())
    return [
        Candidate(
            each.id,
            each.weight,
            each.capacity,
            people=max(0, each.people - int(ours.get(each.id, 0))),
            reserved=0,
            creates=None
            if each.rate_limit is None
            else max(1, int(each.rate_limit * seconds)) - lately.get(each.id, 0),
        )
        for each in servers
    ]


def _live_sum(figure: ColumnElement[int]) -> Select[int, int]:
    return select(Meeting.server_id, figure).where(Meeting.closed_at.is_(None)).group_by(Meeting.server_id)


def held(session: Session, now: datetime, until: datetime, leave_out: Collection[int] = ()) -> list[Demand]:
    """The seats that our live meetings hold, and those that pinned classes will want on their server by ``until``.

    ``leave_out`` are occurrences that are being placed now.
    """
    live, pinned = _live(session), _pinned(session, now, until, leave_out)
    size = sizes(session, [course for *_, course in live] + [course for _, course in pinned], now)
    return [_holding(meeting, occurrence, size[course.id], now) for meeting, occurrence, course in live] + [
        Demand(occurrence.starts_at, occurrence.closes_at, size[course.id], server_id=course.server_id or 0)
        for occurrence, course in pinned
    ]


def _holding(meeting: Meeting, occurrence: Occurrence, size: int, now: datetime) -> Demand:
    """Whoever has not come a while after the start will not come; who is there past the end will stay a while."""
    if now >= occurrence.starts_at + _LATE:
        closes_at = occurrence.closes_at if now < occurrence.closes_at else now + _OVERRUN
        return Demand(occurrence.starts_at, closes_at, 0, meeting.people, meeting.server_id)
    return Demand(occurrence.starts_at, occurrence.closes_at, size, meeting.people, meeting.server_id)


def _live(session: Session) -> Sequence[Row[Meeting, Occurrence, Course]]:
    wanted = select(Meeting, Occurrence, Course).join(Occurrence, Meeting.occurrence_id == Occurrence.id)
    return session.execute(wanted.join(Course).where(Meeting.closed_at.is_(None))).all()


def _pinned(
    session: Session, now: datetime, until: datetime, leave_out: Collection[int]
) -> Sequence[Row[Occurrence, Course]]:
    """Classes of pinned courses that have no room yet."""
    open_ = exists(select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id, Meeting.closed_at.is_(None)))
    wanted = select(Occurrence, Course).join(Course).where(Course.server_id.is_not(None), ~open_)
    wanted = wanted.where(Occurrence.settled_at.is_(None), Occurrence.cancelled_at.is_(None))
    wanted = wanted.where(Occurrence.finished_at.is_(None), Occurrence.opens_at < until, Occurrence.closes_at > now)
    return session.execute(wanted.where(Occurrence.id.not_in(leave_out))).all()


def sizes(session: Session, courses: Iterable[Course], now: datetime) -> dict[int, int]:
    """How many people each of these courses is expected to bring."""
    found = {each.id: each.expected for each in courses}
    silent = [course_id for course_id, expected in found.items() if expected is None]
    rosters = _rosters(session, silent)
    came = _came(session, [each for each in silent if each not in rosters], now)
    return {key: known or rosters.get(key) or came.get(key) or UNKNOWN_SIZE for key, known in found.items()}


def _rosters(session: Session, course_ids: Sequence[int]) -> dict[int, int]:
    counted = select(Participant.course_id, func.count()).where(Participant.course_id.in_(course_ids))
    return dict(session.execute(counted.group_by(Participant.course_id)).all())


def _came(session: Session, course_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """The mean of the last times that anybody came."""
    heads = func.count(func.distinct(Stay.attendee_key))
    counted = select(Occurrence.course_id, heads).join(Stay, Stay.occurrence_id == Occurrence.id)
    counted = counted.where(Occurrence.course_id.in_(course_ids), Occurrence.starts_at > now - _PAST)
    counted = counted.group_by(Occurrence.course_id, Occurrence.id, Occurrence.starts_at)
    last: dict[int, list[int]] = defaultdict(list)
    for course_id, people in session.execute(counted.order_by(Occurrence.starts_at.desc())):
        if len(last[course_id]) < _LAST_TIMES:
            last[course_id].append(people)
    return {course_id: round(sum(counts) / len(counts)) for course_id, counts in last.items()}


def load(session: Session, now: datetime) -> dict[int, tuple[int, int]]:
    """People of ours, and seats kept for those who have not come yet, a server, within the next hour."""
    until = now + timedelta(hours=1)
    return placement.seats(held(session, now, until), now, until)
