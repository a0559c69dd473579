"""Gauges for Prometheus: what they say of a day, and that the past does not make them dearer."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import event, select

from worker.operations import pulse
from worker.operations.installation.metrics import Tables
from worker.simulator import Fault
from worker.store.tables import Alarm, Meeting, Occurrence, Recording
from worker.store.upsert import insert_new


@pytest.fixture
def gauge(context, clock):
    """The value of one gauge now; None where it is not told."""

    def _(name, **labels):
        registry = CollectorRegistry()
        registry.register(Tables(context, clock()))
        return registry.get_sample_value(f"meetingz_{name}", labels)

    return _


def test_an_installation_with_nothing_in_it_says_nothing_wrong(gauge):
    assert (gauge("meetings_open"), gauge("participants")) == (0, 0)
    assert gauge("occurrences", state="planned") == 0
    assert gauge("recordings", state="awaited") == 0
    assert gauge("alarms_open", kind="server_down") == 0
    assert gauge("pulse_age_seconds", loop="poll") == float("inf")
    assert gauge("queue_length") is None


def test_a_class_is_counted_from_planned_to_held(stage, gauge, add_server, make_course, make_occurrence):
    server = add_server()
    make_course()
    occurrence = make_occurrence(start_in=0, minutes=30)
    seen = [_states(gauge)]
    stage.provision()
    seen.append(_states(gauge))
    for user in ("u1", "u2"):
        server.world.join(stage.only_meeting().external_id, user, "Somebody")
    stage.poll()
    seen.append(_states(gauge))
    assert (gauge("meetings_open"), gauge("participants")) == (1, 2)
    assert gauge("server_people", server=server.name) == 2
    stage.run_until(lambda: stage.live() == [], seconds=60)
    stage.settle(occurrence)
    seen.append(_states(gauge))
    assert seen == [{"planned": 1}, {"open": 1}, {"live": 1}, {"held": 1}]
    assert gauge("meetings_open") == 0


def _states(gauge):
    states = ("planned", "open", "live", "held", "missed", "cancelled")
    return {each: count for each in states if (count := gauge("occurrences", state=each))}


def test_a_class_without_a_room_is_missed_and_a_cancelled_one_is_cancelled(
    gauge, context, clock, make_course, make_occurrence
):
    make_course()
    make_occurrence(start_in=0, minutes=30)
    cancelled = make_occurrence(start_in=120)
    clock.advance(minutes=60)
    with context.database.write() as session:
        session.get_one(Occurrence, cancelled).cancelled_at = clock()
    assert _states(gauge) == {"missed": 1, "cancelled": 1}


def test_what_is_more_than_a_day_away_is_not_counted(gauge, clock, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=25 * 60)
    counted = [_states(gauge)]
    for _ in range(3):
        clock.advance(minutes=20 * 60)
        counted.append(_states(gauge))
    assert counted == [{}, {"planned": 1}, {"missed": 1}, {}]


def test_recordings_are_counted_by_state_and_awaited_until_they_are_found(gauge, held, context, clock):
    lesson = held()
    with context.database.write() as session:
        meeting = session.scalars(select(Meeting).where(Meeting.occurrence_id == lesson.occurrence)).one()
        meeting.recorded, meeting.closed_at, meeting.state = True, clock(), "closed"
        meeting_id, server_id = meeting.id, meeting.server_id
    assert gauge("recordings", state="awaited") == 1
    with context.database.write() as session:
        times = {"found_at": clock(), "seen_at": clock()}
        row = {"server_id": server_id, "record_id": "r", "meeting_id": meeting_id, "name": "Algebra"}
        session.add(Recording(**row, **times, state="processing", published=False, labels={}))
    assert (gauge("recordings", state="awaited"), gauge("recordings", state="processing")) == (0, 1)


def test_the_age_of_a_pulse_is_that_of_its_last_end(gauge, context, clock):
    with pulse.sweep(context, "poll", clock):
        pass
    clock.advance(seconds=42)
    assert gauge("pulse_age_seconds", loop="poll") == 42


def test_a_server_that_is_down_says_0_and_one_that_is_disabled_nothing(stage, gauge, add_server):
    up, down = add_server(), add_server()
    down.world.faults.add(Fault("drop"))
    stage.polls(stage.context.settings.server_down_after)
    assert gauge("server_healthy", server=up.name) == 1
    assert gauge("server_healthy", server=down.name) == 0
    with stage.context.database.write() as session:
        session.get_one(type(stage.server(down)), down.server_id).enabled = False
    assert gauge("server_healthy", server=down.name) is None


def test_open_alarms_are_counted_by_kind_and_recovered_ones_not(gauge, context, clock):
    rows = [{"kind": "server_down", "cause": str(n), "detail": "", "raised_at": clock()} for n in range(3)]
    with context.database.write() as session:
        insert_new(session, Alarm, rows)
        session.scalars(select(Alarm)).first().recovered_at = clock()
    assert gauge("alarms_open", kind="server_down") == 2


def test_bells_that_wait_are_counted(make_context, clock, valkey_url):
    import redis

    with redis.Redis.from_url(valkey_url) as client:
        client.delete("celery")
        client.rpush("celery", "a bell", "another")
        registry = CollectorRegistry()
        registry.register(Tables(make_context(broker_url=valkey_url), clock()))
        assert registry.get_sample_value("meetingz_queue_length") == 2
        client.delete("celery")


def test_a_broker_that_is_away_hides_its_queue_and_nothing_else(make_context, clock):
    registry = CollectorRegistry()
    registry.register(Tables(make_context(broker_url="redis://127.0.0.1:1/0"), clock()))
    assert registry.get_sample_value("meetingz_queue_length") is None
    assert registry.get_sample_value("meetingz_meetings_open") == 0


def test_a_scrape_reads_no_table_from_end_to_end(context, clock, make_course, gauge):
    """However long the past: 3,000 old sittings with a meeting each, and every read of them goes by an index."""
    make_course()
    _long_past(context, clock)
    asked = []
    event.listen(context.database.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    gauge("meetings_open")
    assert len(asked) <= 12
    with context.database.read() as session:
        if not context.database.is_sqlite:
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [_plan(context, session, *each) for each in asked if each[0].startswith("SELECT")]
    large = ("occurrences", "meetings", "recordings", "observations", "stays")
    scans = [line for plan in plans for line in plan for name in large if _scans(line, name)]
    assert scans == []


def _long_past(context, clock):
    then = clock() - timedelta(days=90)
    times = {"starts_at": then, "ends_at": then, "opens_at": then, "closes_at": then}
    rows = [
        {"course_id": 1, "original_start": then + timedelta(seconds=n), "planned_at": then, "settled_at": then, **times}
        for n in range(3000)
    ]
    with context.database.write() as session:
        insert_new(session, Occurrence, rows)
        analyze = "ANALYZE"
        session.connection().exec_driver_sql(analyze)


def _plan(context, session, statement, parameters):
    explain = "EXPLAIN QUERY PLAN " if context.database.is_sqlite else "EXPLAIN "
    rows = session.connection().exec_driver_sql(explain + statement, parameters).all()
    return [str(row[-1]) for row in rows]


def _scans(line, table):
    return f"Seq Scan on {table}" in line or (f"SCAN {table}" in line and "INDEX" not in line)
