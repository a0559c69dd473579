"""holidays: days without classes. One that is observed cancels what is planned on its days, in each course's own zone.

What has an open room is not touched, nor what is over. Removing a holiday brings back what it cancelled and still lies
ahead, and nothing else. An estimated one, such as a lunar feast of a year to come, waits until somebody confirms it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, literal, select, update
from sqlalchemy.orm import Session

from worker.domain.holidays import Holiday as Day
from worker.domain.text import match_key
from worker.domain.timetable import known_zone, to_utc
from worker.errors import Conflict, InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store.tables import Course, Event, Holiday, Meeting, Occurrence

_LONGEST = timedelta(days=366)


@dataclass(slots=True)
class Entered:
    """What became of a list of holidays."""

    new: list[int] = field(default_factory=list)  #: numbers
    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)  #: estimates that their source no longer gives
    cancelled: int = 0  #: occurrences


def add(context: Context, day: Day, now: datetime, *, source: str = "manual") -> tuple[int, int]:
    """Enter one. Returns its number, and how many occurrences it cancels. Raises Conflict where it is there already."""
    with context.database.write() as session:
        if (known := _same(session, day)) is not None:
            raise Conflict(f"{day.title!r} on {day.day} is holiday {known.id} already")
        row = _insert(session, day, source)
        story.tell(session, "holiday_added", now, detail=_told(row))
        return row.id, _apply(session, row, now)


def bring(context: Context, days: Iterable[Day], now: datetime, *, source: str) -> Entered:
    """Enter a whole list; what is there already stays as people left it, the same list twice changes nothing.

    An estimate that has become certain is observed from now on. An estimate of this source that the list, over the
    years it covers, no longer gives is withdrawn: its feast falls on another day.
    """
    entered, days = Entered(), list(days)
    with context.database.write() as session:
        _withdraw(session, days, source, entered, now)
        for day in days:
            _bring_one(session, day, source, entered, now)
    return entered


def _bring_one(session: Session, day: Day, source: str, entered: Entered, now: datetime) -> None:
    row = _same(session, day)
    if row is None:
        row = _insert(session, day, source)
        entered.new.append(row.id)
        story.tell(session, "holiday_added", now, detail=_told(row))
    elif row.estimated and not day.estimated:
        row.estimated, row.observed = False, True
        entered.changed.append(row.id)
        story.tell(session, "holiday_confirmed", now, detail=_told(row))
    else:
        entered.unchanged.append(row.id)
        return
    entered.cancelled += _apply(session, row, now)


def _withdraw(session: Session, days: Sequence[Day], source: str, entered: Entered, now: datetime) -> None:
    if not days:
        return
    given = {(day.day, match_key(day.title)) for day in days}
    first, last = min(day.day for day in days), max(day.day for day in days)
    wanted = select(Holiday).where(Holiday.source == source, Holiday.estimated, ~Holiday.observed)
    for row in session.scalars(wanted.where(Holiday.first_day.between(first, last))):
        if (row.first_day, match_key(row.title)) not in given:
            entered.withdrawn.append(_told(row))
            story.tell(session, "holiday_removed", now, detail=_told(row))
            session.delete(row)
    session.flush()


def confirm(context: Context, holiday_id: int, now: datetime) -> int:
    """An estimate is right: it is observed from now on. Returns how many occurrences it cancels."""
    with context.database.write() as session:
        row = _one(session, holiday_id)
        if row.observed:
            raise Conflict(f"holiday {row.id} is observed already")
        row.estimated, row.observed = False, True
        story.tell(session, "holiday_confirmed", now, detail=_told(row))
        return _apply(session, row, now)


def remove(context: Context, holiday_id: int, now: datetime) -> int:
    """Take one back. Returns how many occurrences take place after all."""
    with context.database.write() as session:
        row = _one(session, holiday_id)
        story.tell(session, "holiday_removed", now, detail=_told(row))
        for other in _overlapping(session, row):
            _hand_over(session, row, other, now)
        back = _restore(session, row, now)
        session.execute(delete(Holiday).where(Holiday.id == row.id))
        return back


def _overlapping(session: Session, row: Holiday) -> Sequence[Holiday]:
    others = select(Holiday).where(Holiday.id != row.id, Holiday.observed)
    others = others.where(Holiday.first_day <= row.last_day, Holiday.last_day >= row.first_day)
    return session.scalars(others.order_by(Holiday.id)).all()


def _hand_over(session: Session, row: Holiday, other: Holiday, now: datetime) -> None:
    """What one holiday cancelled on the days of another stays cancelled, by the other. What people added there since
    was cancelled by neither, and is left alone."""
    for zone in session.scalars(select(Course.timezone).distinct()).all():
        its = (Occurrence.holiday_id == row.id, Occurrence.closes_at > now, *_on_its_days(other, zone))
        story.tell_each(session, "cancelled", now, select(Occurrence.id, literal(other.title)).where(*its))
        values = {"cancel_reason": other.title, "holiday_id": other.id}
        session.execute(update(Occurrence).where(*its).values(values))


def listed(session: Session) -> list[tuple[Holiday, int]]:
    """All in order of their days, each with the number of occurrences that it cancels."""
    counted = select(Occurrence.holiday_id, func.count()).where(Occurrence.holiday_id.is_not(None))
    cancelled = dict(session.execute(counted.group_by(Occurrence.holiday_id)).all())
    rows = session.scalars(select(Holiday).order_by(Holiday.first_day, Holiday.id))
    return [(row, cancelled.get(row.id, 0)) for row in rows]


def _one(session: Session, holiday_id: int) -> Holiday:
    found = session.get(Holiday, holiday_id)
    if found is None:
        raise Unknown(f"there is no holiday {holiday_id}; `meetingz holiday list` shows all")
    return found


def _same(session: Session, day: Day) -> Holiday | None:
    """The one of that day and title, in any spelling of its letters."""
    on_the_day = session.scalars(select(Holiday).where(Holiday.first_day == day.day).order_by(Holiday.id))
    return next((row for row in on_the_day if match_key(row.title) == match_key(day.title)), None)


def _insert(session: Session, day: Day, source: str) -> Holiday:
    last = day.until or day.day
    if not day.title.strip() or len(day.title) > 256:
        raise InputError(f"the title {day.title[:40]!r} has {len(day.title)} characters; write 1 to 256")
    if last < day.day:
        raise InputError(f"the last day {last} comes before the first {day.day}; exchange them")
    if last - day.day > _LONGEST:
        raise InputError(f"{day.day} to {last} is longer than a year; write its parts one by one")
    row = Holiday(
        first_day=day.day,
        last_day=last,
        title=day.title,
        source=source[:32],
        estimated=day.estimated,
        observed=not day.estimated,
    )
    session.add(row)
    session.flush()
    return row


def _told(row: Holiday) -> str:
    until = "" if row.last_day == row.first_day else f" to {row.last_day}"
    return f"{row.id}: {row.first_day}{until} {row.title}" + ("" if row.observed else " (estimated)")


def _apply(session: Session, row: Holiday, now: datetime) -> int:
    """Cancel what is planned on its days. Returns how many."""
    if not row.observed:
        return 0
    session.flush()
    count = 0
    for zone in session.scalars(select(Course.timezone).distinct()).all():
        values = {"cancelled_at": now, "cancel_reason": row.title, "holiday_id": row.id}
        found = session.execute(update(Occurrence).where(*_planned_in(row, zone, now)).values(values))
        count += found.rowcount  # type: ignore[attr-defined]
    if count:
        told = (
            Event.occurrence_id == Occurrence.id,
            Event.kind == "cancelled",
            Event.at == now,
            Event.detail == row.title,
        )
        fresh = (
            Occurrence.holiday_id == row.id,
            Occurrence.cancelled_at == now,
            ~exists(select(Event.id).where(*told)),
        )
        story.tell_each(session, "cancelled", now, select(Occurrence.id, Occurrence.cancel_reason).where(*fresh))
    return count


def _planned_in(row: Holiday, zone: str, now: datetime) -> Iterator[ColumnElement[bool]]:
    """What starts on its days in a zone, lies ahead, is not cancelled yet, and has no open room."""
    yield from _on_its_days(row, zone)
    yield Occurrence.starts_at > now
    yield Occurrence.cancelled_at.is_(None)
    yield ~exists(select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id, Meeting.closed_at.is_(None)))


def _on_its_days(row: Holiday, zone: str) -> Iterator[ColumnElement[bool]]:
    """What starts on its days, of courses in a zone."""
    place = known_zone(zone)
    yield Occurrence.starts_at >= to_utc(datetime.combine(row.first_day, time()), place)
    yield Occurrence.starts_at < to_utc(datetime.combine(row.last_day + timedelta(days=1), time()), place)
    yield Occurrence.course_id.in_(select(Course.id).where(Course.timezone == zone))


def _restore(session: Session, row: Holiday, now: datetime) -> int:
    """What it cancelled and is not over takes place after all; what is of an archived course comes back with that."""
    archived = select(Course.id).where(Course.archived_at.is_not(None))
    own = (Occurrence.holiday_id == row.id, Occurrence.closes_at > now)
    away = (*own, Occurrence.course_id.in_(archived))
    story.tell_each(session, "cancelled", now, select(Occurrence.id, literal(arrange.ARCHIVED)).where(*away))
    session.execute(update(Occurrence).where(*away).values(cancel_reason=arrange.ARCHIVED, holiday_id=None))
    back = (*own, Occurrence.course_id.not_in(archived))
    story.tell_each(session, "restored", now, select(Occurrence.id, Occurrence.cancel_reason).where(*back))
    values = {"cancelled_at": None, "cancel_reason": None, "holiday_id": None, "settled_at": None}
    found = session.execute(update(Occurrence).where(*back).values(values))
    return found.rowcount  # type: ignore[attr-defined, no-any-return]
