"""One week as people see it: its days, what is on, what is not, and why. Beyond the horizon the rules speak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from worker.domain import timetable
from worker.domain.timetable import known_zone, to_utc
from worker.operations.context import Context
from worker.operations.timetable import arrange, days_off
from worker.operations.timetable.plan import NO_LONGER, Planned, described
from worker.store.tables import Course, Holiday, Occurrence, Slot

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One sitting of the week. ``id`` is None where it is not planned yet."""

    id: int | None
    course: Course
    starts_at: datetime
    ends_at: datetime
    moved_from: datetime | None = None
    cancelled: str | None = None  #: why

    @property
    def day(self) -> date:
        """The day on which it starts, in the zone of its course."""
        return self.starts_at.astimezone(known_zone(self.course.timezone)).date()


@dataclass(slots=True)
class Day:
    """One day of the week."""

    date: date
    holidays: list[Holiday] = field(default_factory=list)  #: estimated ones among them
    entries: list[Entry] = field(default_factory=list)


def of(
    session: Session,
    context: Context,
    day: date,
    now: datetime,
    *,
    course: str | None = None,
    teacher: str | None = None,
) -> list[Day]:
    """The seven days of the week that holds ``day``, beginning as the settings say; of one course, or one teacher's."""
    first = day - (day.weekday() - context.settings.week_start) % 7 * _DAY
    days = {first + n * _DAY: Day(first + n * _DAY) for n in range(7)}
    for row in session.scalars(select(Holiday).order_by(Holiday.first_day, Holiday.id)):
        for each in days.values():
            if row.first_day <= each.date <= row.last_day:
                each.holidays.append(row)
    whose = [] if teacher is None else [Course.teacher_id == teacher]
    if course is not None:
        whose.append(Course.id == arrange.course(session, course).id)
    entries = [*_planned(session, first, whose), *_to_come(session, context, first, now, whose)]
    for entry in sorted(entries, key=lambda each: (each.starts_at, each.course.code)):
        if entry.day in days:
            days[entry.day].entries.append(entry)
    return list(days.values())


def _window(first: date) -> tuple[datetime, datetime]:
    """A day more on either side: zones lie up to 14 hours from UTC."""
    midnight = to_utc(datetime.combine(first, time()), known_zone("UTC"))
    return midnight - _DAY, midnight + 8 * _DAY


def _planned(session: Session, first: date, whose: Sequence[ColumnElement[bool]]) -> Iterator[Entry]:
    since, until = _window(first)
    wanted = select(Occurrence, Course).join(Course, Occurrence.course_id == Course.id)
    wanted = wanted.where(Occurrence.starts_at >= since, Occurrence.starts_at < until, *whose)
    wanted = wanted.where(Occurrence.cancel_reason.is_distinct_from(NO_LONGER))
    wanted = wanted.where(Occurrence.cancel_reason.is_distinct_from(arrange.ARCHIVED))
    for row, course in session.execute(wanted):
        moved = row.original_start if row.original_start != row.starts_at else None
        yield Entry(
            row.id, course, row.starts_at, row.closes_at, moved, row.cancel_reason if row.cancelled_at else None
        )


def _to_come(
    session: Session, context: Context, first: date, now: datetime, whose: Sequence[ColumnElement[bool]]
) -> Iterator[Entry]:
    since, until = _window(first)
    if until <= now:
        return
    slots = _unplanned(session, until, whose)
    wanted = select(Course).where(Course.archived_at.is_(None), *whose)
    courses = {row.id: row for row in session.scalars(wanted)} if slots else {}
    calendar = days_off.load(session, since, until)
    known = _known(session, since, until)
    for slot in slots:
        after = max(since, slot.planned_until or now)
        for start in timetable.starts(slot.rule, after, until, week_start=context.settings.week_start):
            if (slot.id, start) not in known:
                off = calendar.on(start, slot.timezone)
                end = start + timedelta(minutes=slot.minutes)
                yield Entry(None, courses[slot.course_id], start, end, None, None if off is None else off.title)


def _unplanned(session: Session, until: datetime, whose: Sequence[ColumnElement[bool]]) -> Sequence[Planned]:
    wanted = described().where(Slot.retired_at.is_(None), Course.archived_at.is_(None), *whose)
    wanted = wanted.where(or_(Slot.planned_until.is_(None), Slot.planned_until < until))
    return [Planned(*row) for row in session.execute(wanted)]


def _known(session: Session, since: datetime, until: datetime) -> set[tuple[int | None, datetime]]:
    """What was cancelled or moved ahead of its planning."""
    wanted = select(Occurrence.slot_id, Occurrence.original_start)
    rows = session.execute(wanted.where(Occurrence.original_start >= since, Occurrence.original_start < until))
    return {(slot, start) for slot, start in rows}
