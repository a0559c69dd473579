"""Which days are without classes, as the planner asks: by the local date of each start."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from worker.domain.timetable import known_zone
from worker.store.tables import Holiday


@dataclass(frozen=True, slots=True)
class Off:
    """One holiday that is observed."""

    id: int
    title: str


@dataclass(slots=True)
class DaysOff:
    """Observed holidays by their days. False where there are none."""

    by_day: dict[date, Off]
    #: Classes of one hour share their start: each is looked up once in a zone.
    _known: dict[tuple[datetime, str], Off | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_day)

    def on(self, start: datetime, timezone: str) -> Off | None:
        """The holiday of the day on which a class starts, in the zone of its course."""
        key = (start, timezone)
        if key not in self._known:
            self._known[key] = self.by_day.get(start.astimezone(known_zone(timezone)).date())
        return self._known[key]


def held(session: Session, since: datetime, until: datetime) -> DaysOff:
    """The same for a planner: none is entered or removed until its transaction ends, or it would be overlooked."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE holidays IN SHARE MODE"))
    return load(session, since, until)


def load(session: Session, since: datetime, until: datetime) -> DaysOff:
    """The observed holidays between two instants; of two on one day the one entered first."""
    first, last = since.date(), until.date()
    wanted = select(Holiday).where(Holiday.observed, Holiday.last_day >= first, Holiday.first_day <= last)
    found: dict[date, Off] = {}
    for row in session.scalars(wanted.order_by(Holiday.id)):
        day = max(row.first_day, first)
        while day <= min(row.last_day, last):
            found.setdefault(day, Off(row.id, row.title))
            day += timedelta(days=1)
    return DaysOff(found)
