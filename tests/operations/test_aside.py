"""aside: an item is named as poisoned for its own fault alone, never for a cut connection or a time limit."""

import threading
import time

import psycopg
import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import exc, make_url, update

from tests.operations.stage import crashing
from worker.operations import aside
from worker.operations.attendance import fold, poll
from worker.operations.meetings import end, provision, strays, warn
from worker.operations.recordings import harvest
from worker.store.tables import Event, Meeting

CUT = exc.OperationalError("SELECT 1", {}, Exception("server closed the connection"), connection_invalidated=True)
BUSY = exc.OperationalError("UPDATE", {}, Exception("deadlock detected"))
NO_CONNECTION = exc.TimeoutError("QueuePool limit of size 10 overflow 20 reached")
STOPS = (SoftTimeLimitExceeded(), MemoryError())
#: Transactions and calls of the longest of these steps for two classes, and some.
BOUNDARIES = 14


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def classes(make_course, make_occurrence, server):
    for code in ("a", "b"):
        make_course(code)
    return [make_occurrence(code, start_in=0) for code in ("a", "b")]


def opened(stage, server):
    stage.provision()
    for meeting in stage.live():
        server.world.join(meeting.external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)


def over(stage, server):
    opened(stage, server)
    for meeting in stage.live():
        server.world.end_from_inside(meeting.external_id)
    stage.polls(2)


def ids(stage):
    return [meeting.id for meeting in stage.meetings()]


def opening(stage, server, classes):
    return lambda context: provision.some(context, classes, stage.clock)


def polling(stage, server, classes):
    opened(stage, server)
    return lambda context: poll.one(context, server.server_id, stage.clock)


def warning(stage, server, classes):
    opened(stage, server)
    stage.clock.advance(minutes=66)
    return lambda context: warn.some(context, ids(stage), stage.clock)


def ending(stage, server, classes):
    opened(stage, server)
    stage.clock.advance(minutes=70)
    return lambda context: end.some(context, ids(stage), stage.clock)


def straying(stage, server, classes):
    opened(stage, server)
    with stage.context.database.write() as session:
        gone = {"state": "closed", "closed_at": stage.clock(), "close_reason": "abandoned"}
        session.execute(update(Meeting).values(**gone, doubted_at=stage.clock()))
    stage.clock.advance(minutes=70)
    return lambda context: strays.some(context, ids(stage), stage.clock)


def settling(stage, server, classes):
    over(stage, server)
    stage.clock.advance(minutes=70)
    return lambda context: fold.settle(context, classes, stage.clock)


def harvesting(stage, server, classes):
    over(stage, server)
    stage.clock.advance(minutes=10)
    return lambda context: harvest.one(context, server.server_id, stage.clock)


STEPS = (opening, polling, warning, ending, straying, settling, harvesting)


@pytest.mark.parametrize("error", [CUT, BUSY, NO_CONNECTION, *STOPS], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("step", STEPS)
def test_what_is_not_an_items_own_fault_poisons_none(stage, server, classes, step, error):
    act = step(stage, server, classes)
    for boundary in range(BOUNDARIES):
        try:
            act(crashing(stage.context, at=boundary, error=error))
        except (exc.SQLAlchemyError, *map(type, STOPS)) as raised:
            assert raised is error  # noqa: PT017 (it may be raised, and need not)
    assert stage.rows(Event, Event.kind == "poisoned") == []


@pytest.mark.parametrize("step", [opening, ending, straying, settling])
def test_of_two_items_the_other_goes_on(stage, server, classes, step):
    act = step(stage, server, classes)
    act(crashing(stage.context, at=1, error=ValueError("bad data")))
    act(stage.context)
    assert len({event.occurrence_id for event in stage.story("poisoned")}) <= 1


@pytest.mark.parametrize("error", STOPS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("step", [warning, straying, settling])
def test_a_task_that_is_told_to_stop_does_not_go_on_with_the_next_item(stage, server, classes, step, error):
    act = step(stage, server, classes)
    with pytest.raises(type(error)):
        act(crashing(stage.context, at=0, error=error))


def test_bad_data_is_told_once(stage, classes):
    for _ in range(2):
        aside.put(stage.context, ValueError("no number"), "end", stage.clock(), occurrence_id=classes[0])
    (told,) = stage.story("poisoned")
    assert (told.occurrence_id, told.detail) == (classes[0], "end: ValueError: no number")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_really_cut_poisons_nothing(stage, server, classes):
    """Every connection but the cutter's, again and again, while a class is opened, watched and ended."""
    opened(stage, server)
    stage.clock.advance(minutes=70)
    stopping = threading.Event()
    url = make_url(stage.context.settings.database).set(drivername="postgresql").render_as_string(hide_password=False)
    cutter = threading.Thread(target=cut, args=[url, stopping])
    cutter.start()
    try:
        for _ in range(40):
            for act in (stage.poll, stage.end, stage.provision):
                try:
                    act()
                except (exc.OperationalError, exc.InterfaceError):
                    continue
            stage.clock.advance(seconds=20)
    finally:
        stopping.set()
        cutter.join()
    for _ in range(6):
        stage.tick()
    assert stage.rows(Event, Event.kind == "poisoned") == []
    assert stage.live() == []


def cut(url, stopping):
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with psycopg.connect(url, autocommit=True) as connection:
        while not stopping.is_set():
            connection.execute(others + " AND pid <> pg_backend_pid()")
            time.sleep(0.01)
