"""metrics: the state of the installation as gauges for Prometheus, read from the tables at each scrape.

Nothing is counted in memory, so any process of ours may answer, and a restart resets nothing. What is read are live
meetings, servers, loops, open alarms, and sittings within :data:`NEAR` of now: its cost does not grow with history.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from worker.domain.lifecycle import OccurrenceState
from worker.operations import pulse
from worker.operations.attendance.attended import attended
from worker.operations.context import Context
from worker.operations.installation import alarms, broker
from worker.store.tables import Alarm, Meeting, Occurrence, Pulse, Recording, Server

#: Sittings that begin this long before or after now are counted; older ones are for reports.
NEAR = timedelta(hours=24)
_NEVER = float("inf")


class Tables(Collector):
    """All gauges at ``now``, for one scrape."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context, self._now = context, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family after another; what depends on rows is read in one transaction."""
        with self._context.database.read() as session:
            yield from _live(session)
            yield _occurrences(session, self._now)
            yield _recordings(session, self._now)
            yield _pulses(session, self._now)
            yield from _servers(session)
            yield _alarms(session)
        yield from _queue(self._context)


def _live(session: Session) -> Iterator[GaugeMetricFamily]:
    wanted = select(func.count(), func.coalesce(func.sum(Meeting.people), 0)).where(_open())
    meetings, people = session.execute(wanted).one()
    yield GaugeMetricFamily("meetingz_meetings_open", "Meetings of ours that are open.", float(meetings))
    yield GaugeMetricFamily("meetingz_participants", "People in them at the last poll.", float(people))


def _open() -> ColumnElement[bool]:
    return and_(Meeting.closed_at.is_(None), Meeting.state != "requested")


def _occurrences(session: Session, now: datetime) -> GaugeMetricFamily:
    """The same words as :func:`lifecycle.state_of`, said in SQL: a day may have many thousands of sittings."""
    of_it = select(Meeting.id).where(Meeting.occurrence_id == Occurrence.id)
    waiting = and_(Occurrence.settled_at.is_(None), Occurrence.finished_at.is_(None), Occurrence.closes_at > now)
    state = case(
        (Occurrence.cancelled_at.is_not(None), "cancelled"),
        (exists(of_it.where(_open(), Meeting.people > 0)), "live"),
        (exists(of_it.where(_open())), "open"),
        (waiting, "planned"),
        (attended(), "held"),
        else_="missed",
    ).label("state")
    stated = select(state).where(*_near(now)).subquery()
    found: dict[str, int] = dict(session.execute(select(stated.c.state, func.count()).group_by(stated.c.state)).all())
    text = "Sittings that begin within 24 hours before or after now."
    return _family(
        "meetingz_occurrences", text, "state", {each: found.get(each, 0) for each in get_args(OccurrenceState)}
    )


def _near(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Occurrence.starts_at >= now - NEAR, Occurrence.starts_at < now + NEAR


def _recordings(session: Session, now: datetime) -> GaugeMetricFamily:
    """By the servers' own words; ``awaited`` are recorded meetings, now closed, whose recording is still asked for."""
    waits = or_(Meeting.recording_due_at.is_not(None), Meeting.recording_tries == 0)
    state = case((Recording.id.is_not(None), Recording.state), (waits, "awaited"), else_="none").label("state")
    wanted = select(state).select_from(Occurrence).join(Meeting, Meeting.occurrence_id == Occurrence.id)
    wanted = wanted.outerjoin(Recording, Recording.meeting_id == Meeting.id)
    wanted = wanted.where(*_near(now), Meeting.recorded, Meeting.opened_at.is_not(None), Meeting.closed_at.is_not(None))
    stated = wanted.subquery()
    found: dict[str, int] = dict(session.execute(select(stated.c.state, func.count()).group_by(stated.c.state)).all())
    text = (
        "Recordings of those sittings by state; awaited: asked for still, none: not there and not asked for any more."
    )
    return _family("meetingz_recordings", text, "state", {"awaited": 0, "none": 0} | found)


def _pulses(session: Session, now: datetime) -> GaugeMetricFamily:
    ended = dict(session.execute(select(Pulse.loop, Pulse.ended_at)).all())
    ages: dict[str, float] = {
        loop: _NEVER if (at := ended.get(loop)) is None else (now - at).total_seconds() for loop in pulse.LOOPS
    }
    text = "Seconds since the loop last ended a sweep; +Inf where it never has."
    return _family("meetingz_pulse_age_seconds", text, "loop", ages)


def _servers(session: Session) -> Iterator[GaugeMetricFamily]:
    rows = session.execute(select(Server.name, Server.healthy, Server.people).where(Server.enabled)).all()
    healthy = {name: float(well) for name, well, _ in rows}
    yield _family("meetingz_server_healthy", "1 where the server in use can be used, else 0.", "server", healthy)
    people = {name: count for name, _, count in rows}
    yield _family("meetingz_server_people", "Everybody on the server at the last poll.", "server", people)


def _alarms(session: Session) -> GaugeMetricFamily:
    wanted = select(Alarm.kind, func.count()).where(Alarm.recovered_at.is_(None)).group_by(Alarm.kind)
    known = dict.fromkeys(sorted(alarms.WATCHED | alarms.HAPPENED), 0)
    found = known | dict(session.execute(wanted).all())
    return _family("meetingz_alarms_open", "Alarms that are open.", "kind", found)


def _queue(context: Context) -> Iterator[GaugeMetricFamily]:
    """Left out without a queue, and where the broker does not answer: an absent series is an alert of its own."""
    waiting = broker.waiting(context.settings)
    if waiting is not None:
        yield GaugeMetricFamily("meetingz_queue_length", "Bells that wait in the broker.", float(waiting))


def _family(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
