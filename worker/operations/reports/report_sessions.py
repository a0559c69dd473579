"""Sessions: each sitting held against what was planned, and how many were in it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from worker.domain.attendance import Span, clip, merge
from worker.domain.crowd import Peak, peak
from worker.domain.spans import minus
from worker.operations.attendance import thresholds
from worker.operations.context import Context
from worker.operations.reports import report
from worker.operations.reports.report import Judged, Row, Wanted
from worker.operations.timetable import sittings
from worker.operations.timetable.sittings import Sitting
from worker.store.tables import Meeting, Recording
from worker.store.upsert import in_batches

_BATCH = 100
#: Who ended the last meeting of a sitting, from its reason for closing.
_ENDED_BY = {"finished": "teacher", "ended": "worker", "expired": "empty", "replaced": "server", "abandoned": "server"}
#: Sooner or later than planned by less than this is on time.
_NOTABLE = timedelta(minutes=1)


def rows(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a sitting, those that are cancelled or lie ahead as well, in order of time."""
    with context.database.read() as session:
        ids = session.scalars(report.chosen(session, wanted)).all()
    for batch in in_batches(ids, _BATCH):
        with context.database.read() as session:
            found = list(_batch(session, context, batch, now))
        yield from found


def _batch(session: Session, context: Context, ids: Sequence[int], now: datetime) -> Iterator[Row]:
    judged = report.judged_batch(session, context, ids, now)
    described = sittings.described(session, [(each.occurrence, each.course) for each in judged], now)
    rooms, recordings = _rooms(session, ids), _recordings(session, ids)
    for each, sitting in zip(judged, described, strict=True):
        room = rooms.get(each.occurrence.id, Rooms())
        ended_by = _ENDED_BY.get(room.reason or "")
        facts: Row = {"opened_at": room.opened_at, "closed_at": room.closed_at, "ended_by": ended_by}
        yield _plan(sitting) | facts | _held(context, each, now) | {"recordings": recordings.get(each.occurrence.id, 0)}


def _plan(sitting: Sitting) -> Row:
    occurrence, course = sitting.occurrence, sitting.course
    return {
        "course": course.code,
        "title": course.title,
        "teacher": course.teacher_name or course.teacher_id,
        "occurrence": occurrence.id,
        "starts_at": occurrence.starts_at,
        "ends_at": occurrence.ends_at,
        "state": sitting.state,
        "server": sitting.server,
        "reason": occurrence.cancel_reason,
        "timezone": course.timezone,
    }


def _held(context: Context, judged: Judged, now: datetime) -> Row:
    """How it went; nothing of one that was cancelled, has not begun, or whose people were pruned."""
    occurrence = judged.occurrence
    if occurrence.cancelled_at is not None or occurrence.starts_at > now or occurrence.emptied_at is not None:
        return {}
    over = occurrence.settled_at is not None or occurrence.ends_at <= now
    notable = thresholds.of(context, judged.course).left_early
    return _counts(judged) | _against_plan(judged, max(notable, _NOTABLE), over=over) | _online(judged, now)


def _counts(judged: Judged) -> Row:
    enrolled = [person for person in judged.people if not person.guest]
    counts = Counter(person.status for person in enrolled)
    return {
        "expected": len(enrolled),
        "guests": sum(person.guest for person in judged.people),
        "late": sum(person.mark.late and person.status in ("present", "partial") for person in enrolled),
        **{status: counts[status] for status in ("present", "partial", "absent", "excused", "unknown")},
    }


def _against_plan(judged: Judged, short_by: timedelta, *, over: bool) -> Row:
    """Seconds, and the words for those that matter: the teacher came late; it was short; it overran."""
    window = judged.window
    stays = [(stay, _teaches(stay.role, person.role)) for person in judged.people for stay in person.stays]
    if not stays:
        return {"verdict": None}
    first, last = min(stay.first_seen for stay, _ in stays), max(stay.last_seen for stay, _ in stays)
    # Who looks in before the class, or into the empty room after it, neither holds it nor makes it longer.
    inside = [
        (stay, teaches) for stay, teaches in stays if stay.last_seen > window.start and stay.first_seen < window.end
    ]
    taught = [stay.first_seen for stay, teaches in inside if teaches]
    until = max((stay.last_seen for stay, _ in inside), default=window.start)
    late = _watched(window.start, min(taught), judged.gaps) if taught else None
    short = _watched(until, window.end, judged.gaps) if over else 0.0
    overran = max((last - window.end).total_seconds(), 0.0)
    words = [
        ("late", late is not None and late > _NOTABLE.total_seconds()),
        ("short", short > short_by.total_seconds()),
        ("overran", overran > _NOTABLE.total_seconds()),
    ]
    return {
        "started_at": first,
        "ended_at": last if over else None,
        "seconds_late": late,
        "seconds_short": short,
        "seconds_overran": overran,
        "verdict": ", ".join(word for word, so in words if so) or "on time",
    }


def _teaches(seen_as: str, enrolled_as: str) -> bool:
    return "moderator" in (seen_as.lower(), enrolled_as)


def _watched(start: datetime, end: datetime, gaps: Sequence[Span]) -> float:
    """Seconds from start to end about which something is known: nobody is late for a time that nobody watched."""
    if end <= start:
        return 0.0
    return sum(span.seconds for span in minus([Span(start, end)], gaps))


def _online(judged: Judged, now: datetime) -> Row:
    """Peak and mean of people online within the planned window, the mean over the time that was watched."""
    window = Span(judged.window.start, min(judged.window.end, now))
    if window.end <= window.start:
        return {}
    inside = [clip(merge(Span(s.first_seen, s.last_seen) for s in person.stays), window) for person in judged.people]
    found: Peak = peak(inside)
    watched = sum(span.seconds for span in minus([window], judged.gaps))
    seconds = sum(span.seconds for spans in inside for span in spans)
    mean = round(seconds / watched, 2) if watched else None
    return {"peak": found.people, "peak_at": found.at, "mean": mean}


@dataclass(frozen=True, slots=True)
class Rooms:
    """When the first meeting of a sitting opened, when the last one went, and why."""

    opened_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str | None = None


def _rooms(session: Session, ids: Iterable[int]) -> dict[int, Rooms]:
    wanted = select(Meeting).where(Meeting.occurrence_id.in_(ids), Meeting.opened_at.is_not(None))
    found: dict[int, Rooms] = {}
    for meeting in session.scalars(wanted.order_by(Meeting.opened_at, Meeting.id)):
        first = found[meeting.occurrence_id].opened_at if meeting.occurrence_id in found else meeting.opened_at
        gone = meeting.closed_at and (meeting.missed_at or meeting.closed_at)
        found[meeting.occurrence_id] = Rooms(first, gone, meeting.close_reason)
    return found


def _recordings(session: Session, ids: Iterable[int]) -> dict[int, int]:
    wanted = (
        select(Meeting.occurrence_id, func.count())
        .join(Recording, Recording.meeting_id == Meeting.id)
        .where(Meeting.occurrence_id.in_(ids), Recording.deleted_at.is_(None))
        .group_by(Meeting.occurrence_id)
    )
    return dict(session.execute(wanted).all())
