"""Totals: people online over time, from what each poll counted; peak and mean of each server and of each course."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from worker.domain.attendance import Span, clip, merge
from worker.domain.crowd import Peak, peak
from worker.domain.spans import minus
from worker.operations.context import Context
from worker.operations.reports import report
from worker.operations.reports.report import Judged, Row, Wanted
from worker.store.tables import LoadPoint, Server
from worker.store.upsert import insert_new


def note(session: Session, server_id: int, at: datetime, *, meetings: int, people: int) -> None:
    """Keep the most of the minute: a minute has several polls, and a poll may be told twice."""
    minute = at.replace(second=0, microsecond=0)
    row = {"server_id": server_id, "minute": minute, "meetings": meetings, "people": people}
    if insert_new(session, LoadPoint, [row]):
        return
    kept = update(LoadPoint).where(LoadPoint.server_id == server_id, LoadPoint.minute == minute)
    more = {
        "meetings": case((LoadPoint.meetings < meetings, meetings), else_=LoadPoint.meetings),
        "people": case((LoadPoint.people < people, people), else_=LoadPoint.people),
    }
    session.execute(kept.values(**more).execution_options(synchronize_session=False))


def by_time(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a minute: our meetings and the people in them, on all servers. An unpolled minute is not there."""
    with context.database.read() as session:
        points = select(LoadPoint.minute, func.sum(LoadPoint.meetings), func.sum(LoadPoint.people))
        points = points.where(*_within(wanted)).group_by(LoadPoint.minute)
        rows = session.execute(points.order_by(LoadPoint.minute)).all()
    for minute, meetings, people in rows:
        yield {"at": minute, "meetings": int(meetings), "participants": int(people)}


def by_server(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a server: the peak, when it was, and the mean over the minutes that were polled."""
    with context.database.read() as session:
        columns = (Server.name, LoadPoint.minute, LoadPoint.meetings, LoadPoint.people)
        points = select(*columns).join(Server, LoadPoint.server_id == Server.id).order_by(Server.name, LoadPoint.minute)
        found: dict[str, _Tally] = defaultdict(_Tally)
        for name, minute, meetings, people in session.execute(points.where(*_within(wanted))):
            found[name].add(minute, meetings, people)
    for name, tally in found.items():
        yield {"server": name} | tally.row()


class _Tally:
    """Peak and mean of a series."""

    def __init__(self) -> None:
        self.peak, self.most_meetings, self.people, self.minutes = Peak(), 0, 0, 0

    def add(self, minute: datetime, meetings: int, people: int) -> None:
        self.minutes, self.people = self.minutes + 1, self.people + people
        self.most_meetings = max(self.most_meetings, meetings)
        if people > self.peak.people:
            self.peak = Peak(people, minute)

    def row(self) -> Row:
        mean = round(self.people / self.minutes, 2)
        facts: Row = {"peak": self.peak.people, "peak_at": self.peak.at, "mean": mean}
        return facts | {"meetings": self.most_meetings, "minutes": self.minutes}


def by_course(context: Context, wanted: Wanted, now: datetime) -> Iterator[Row]:
    """One row a course: sittings with anybody in them, the most people at once and when, their mean, person-hours."""
    found: dict[str, _Course] = {}
    for judged in report.judge(context, wanted, now):
        found.setdefault(judged.course.code, _Course(judged.course.title)).add(judged, now)
    for code, course in sorted(found.items()):
        yield {"course": code} | course.row()


class _Course:
    def __init__(self, title: str) -> None:
        self.title, self.sittings, self.peak = title, 0, Peak()
        self.seconds = self.watched = 0.0

    def add(self, judged: Judged, now: datetime) -> None:
        window = Span(judged.window.start, min(judged.window.end, now))
        inside = [clip(merge(Span(s.first_seen, s.last_seen) for s in each.stays), window) for each in judged.people]
        if not any(inside):
            return
        self.sittings += 1
        self.seconds += sum(span.seconds for spans in inside for span in spans)
        self.watched += sum(span.seconds for span in minus([window], judged.gaps))
        if (now_peak := peak(inside)).people > self.peak.people:
            self.peak = now_peak

    def row(self) -> Row:
        mean = round(self.seconds / self.watched, 2) if self.watched else None
        facts: Row = {"title": self.title, "occurrences": self.sittings, "peak": self.peak.people}
        return facts | {"peak_at": self.peak.at, "mean": mean, "seconds_present": round(self.seconds, 3)}


def _within(wanted: Wanted) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [LoadPoint.minute >= wanted.since]
    return since if wanted.until is None else [*since, LoadPoint.minute < wanted.until]
