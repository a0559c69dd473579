"""holidays: days without classes. One that is observed cancels what is planned on its days, in each course's own zone.

What has an open room is not touched, nor what is over. Removing a holiday brings back what it cancelled and still lies
ahead, and nothing else. An estimated one, such as a lunar feast of a year to come, waits until somebody confirms it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

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

_DAY = timedelta(days=1)
_LONGEST = timedelta(days=366)


@dataclass(slots=True)
class Entered:
    """What became of a list of holidays."""

    new: list[int] = field(default_factory=list)  #: numbers
    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)  #: estimates that their source no longer gives
    #: Their last day is another in the list, but somebody else entered them: they stay as they are.
    kept: list[str] = field(default_factory=list)
    cancelled: int = 0  #: occurrences
    restored: int = 0  #: the same that take place after all


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

    A last day that the source of a holiday corrects is followed: the days it adds are off, those it leaves are not.
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
        entered.cancelled += _apply(session, row, now)
        return
    if row.id in (*entered.new, *entered.changed, *entered.unchanged):
        return  # named twice: the first holds
    corrected = _correct(session, row, day, source, entered, now)
    if row.estimated and not day.estimated:
        row.estimated, row.observed = False, True
        story.tell(session, "holiday_confirmed", now, detail=_told(row))
        entered.cancelled += _apply(session, row, now)
    elif not corrected:
        entered.unchanged.append(row.id)
        return
    entered.changed.append(row.id)


def _correct(session: Session, row: Holiday, day: Day, source: str, entered: Entered, now: datetime) -> bool:
    """Whether its last day is another now. Only the days between the two are looked at: what people changed on the
    others since stays as they left it."""
    before, last = row.last_day, _last(day)
    if last == before:
        return False
    if row.source != source[:32]:
        entered.kept.append(f"{_told(row)}, entered by {row.source}")
        return False
    row.last_day = last
    story.tell(session, "holiday_changed", now, detail=_told(row))
    entered.cancelled += _apply(session, row, now, since=before + _DAY)
    if last < before:
        _hand_over(session, row, last + _DAY, before, now)
        for zone in _zones(session):
            entered.restored += _restore(session, row, now, *_on_days(last + _DAY, before, zone))
    return True


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
        _hand_over(session, row, row.first_day, row.last_day, now)
        back = _restore(session, row, now)
        session.execute(delete(Holiday).where(Holiday.id == row.id))
        return back


def _zones(session: Session) -> Sequence[str]:
    return session.scalars(select(Course.timezone).distinct()).all()


def _hand_over(session: Session, row: Holiday, first: date, last: date, now: datetime) -> None:
    """What it cancelled on those of these days that are other holidays as well stays cancelled, by them. What people
    added there since was not cancelled by it, and is left alone."""
    others = select(Holiday).where(Holiday.id != row.id, Holiday.observed)
    others = others.where(Holiday.first_day <= last, Holiday.last_day >= first).order_by(Holiday.id)
    for other in session.scalars(others).all():
        for zone in _zones(session):
            days = _on_days(max(first, other.first_day), min(last, other.last_day), zone)
            its = (Occurrence.holiday_id == row.id, Occurrence.closes_at > now, *days)
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
    last = _last(day)
    if not day.title.strip() or len(day.title) > 256:
        raise InputError(f"the title {day.title[:40]!r} has {len(day.title)} characters; write 1 to 256")
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


def _last(day: Day) -> date:
    last = day.until or day.day
    if last < day.day:
        raise InputError(f"the last day {last} comes before the first {day.day}; exchange them")
    if last - day.day > _LONGEST:
        raise InputError(f"{day.day} to {last} is longer than a year; write its parts one by one")
    return last


def _told(row: Holiday) -> str:
    until = "" if row.last_day == row.first_day else f" to {row.last_day}"
    return f"{row.id}: {row.first_day}{until} {row.title}" + ("" if row.observed else " (estimated)")


def _apply(session: Session, row: Holiday, now: datetime, *, since: date | None = None) -> int:
    """Cancel what is planned on its days, or on those since one of them. Returns how many."""
    if not row.observed:
        return 0
    session.flush()
    count = 0
    for zone in _zones(session):
        values = {"cancelled_at": now, "cancel_reason": row.title, "holiday_id": row.id}
        planned = _planned_on(since or row.first_day, row.last_day, zone, now)
        found = session.execute(update(Occurrence).where(*planned).values(values))
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


def _planned_on(first: date, last: date, zone: str, now: datetime) -> Iterator[ColumnElement[bool]]:
    """What starts on these days in a zone, lies ahead, is not cancelled yet, and has no open room."""
    yield from _on_days(first, last, zone)
    yield Occurrence.starts_at > now
    yield Occurrence.cancelled_at.is_(None)
    yield ~exists(select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id, Meeting.closed_at.is_(None)))


def _on_days(first: date, last: date, zone: str) -> Iterator[ColumnElement[bool]]:
    """What starts on these days, of courses in a zone."""
    place = known_zone(zone)
    yield Occurrence.starts_at >= to_utc(datetime.combine(first, time()), place)
    yield Occurrence.starts_at < to_utc(datetime.combine(last + _DAY, time()), place)
    yield Occurrence.course_id.in_(select(Course.id).where(Course.timezone == zone))


def _restore(session: Session, row: Holiday, now: datetime, *among: ColumnElement[bool]) -> int:
    """What it cancelled and is not over takes place after all; what is of an archived course comes back with that."""
    archived = select(Course.id).where(Course.archived_at.is_not(None))
    own = (Occurrence.holiday_id == row.id, Occurrence.closes_at > now, *among)
    away = (*own, Occurrence.course_id.in_(archived))
    story.tell_each(session, "cancelled", now, select(Occurrence.id, literal(arrange.ARCHIVED)).where(*away))
    session.execute(update(Occurrence).where(*away).values(cancel_reason=arrange.ARCHIVED, holiday_id=None))
    back = (*own, Occurrence.course_id.not_in(archived))
    story.tell_each(session, "restored", now, select(Occurrence.id, Occurrence.cancel_reason).where(*back))
    values = {"cancelled_at": None, "cancel_reason": None, "holiday_id": None, "settled_at": None}
    found = session.execute(update(Occurrence).where(*back).values(values))
    return found.rowcount  # type: ignore[attr-defined, no-any-return]
