"""The ledger: what was to be recorded against what was found; and the ladder that waits for it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operations.recordings.test_harvest import record
from worker.domain import ladder
from worker.domain.ladder import Ladder
from worker.domain.ledger import STATES, Circumstances, Facts, likely_cause, of_recordings, state_of
from worker.operations.recordings import catalogue, ledger
from worker.simulator import Fault
from worker.store.tables import Meeting, Recording

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RUNGS = Ladder(timedelta(minutes=1), timedelta(hours=1), DAY, timedelta(minutes=30))


# The pure part -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "attended", "closed", "found", "hours", "state"),
    [
        (False, True, True, [], 99, "not_expected"),
        (True, False, True, [], 99, "not_expected"),
        (True, True, False, [], 99, "awaited"),
        (True, True, True, [], 23, "awaited"),
        (True, True, True, [], 24, "missing"),
        (True, None, True, [], 24, "missing"),
        (True, True, True, ["processing"], 1, "processing"),
        (True, True, True, ["processing"], 99, "processing"),
        (True, True, True, ["processing", "published"], 1, "published"),
        (True, True, True, ["unpublished"], 1, "published"),
        (True, True, True, ["deleted"], 1, "deleted"),
        (True, True, True, ["deleted", "processed"], 1, "processing"),
        (False, None, True, ["published"], 1, "published"),
    ],
)
def test_the_state_of_a_class(recorded, attended, closed, found, hours, state):
    facts = Facts(recorded, attended, NOON if closed else None, frozenset(found))
    assert state_of(facts, DAY, NOON + timedelta(hours=hours)) == state


@given(
    st.booleans(),
    st.sampled_from([True, False, None]),
    st.sets(st.sampled_from(["processing", "processed", "published", "unpublished", "deleted"])),
    st.floats(0, 100),
)
def test_what_was_found_is_never_called_missing(recorded, attended, found, hours):
    state = state_of(Facts(recorded, attended, NOON, frozenset(found)), DAY, NOON + timedelta(hours=hours))
    assert state in STATES
    assert (state in ("missing", "awaited", "not_expected")) is (not found)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Circumstances(False, False, True, True, "always"), "does not answer"),
        (Circumstances(False, True, False, True, "always"), "tells nobody"),
        (Circumstances(True, True, True, True, "manual"), "still working"),
        (Circumstances(False, True, True, None, "manual"), "never seen"),
        (Circumstances(False, True, True, True, "manual"), "nobody pressed record"),
        (Circumstances(False, True, True, True, "always"), "did not begin recording"),
    ],
)
def test_e84_the_likely_cause(seen, words):
    assert words in likely_cause(seen)


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 60), (10_000, 60)])
def test_each_wait_is_twice_the_last_up_to_the_longest(tries, minutes):
    assert ladder.wait(tries, RUNGS.first, RUNGS.longest) == timedelta(minutes=minutes)


def test_the_last_question_is_asked_at_the_deadline_and_none_after_it():
    now, asked = NOON, []
    while (due := ladder.next_try(RUNGS, len(asked), NOON, None, now)) is not None:
        assert due > now
        now = due
        asked.append(due)
    assert asked[-1] == NOON + DAY
    assert len(asked) == 29


@given(st.integers(0, 100), st.floats(0, 10**6), st.one_of(st.none(), st.floats(0, 10**6)))
def test_the_ladder_only_goes_forward(tries, after, published):
    now = NOON + timedelta(seconds=after)
    published_at = None if published is None else NOON + timedelta(seconds=published)
    due = ladder.next_try(RUNGS, tries, NOON, published_at, now)
    assert due is None or now < due <= now + RUNGS.longest


@pytest.mark.parametrize(
    ("wanted", "formats", "late", "ready", "settled"),
    [
        ("", "podcast", False, True, False),
        ("", "podcast", True, True, True),
        ("video", "podcast", False, False, False),
        ("video", "podcast", True, True, True),
        ("video", "podcast,video", False, True, True),
        ("video,podcast", "video", False, False, False),
    ],
)
def test_ready_is_what_people_wait_for_and_settled_is_the_end_of_asking(wanted, formats, late, ready, settled):
    given_ = (ladder.formats_in(wanted), ladder.formats_in(formats), NOON, late)
    assert ladder.is_ready(*given_) is ready
    assert ladder.is_settled(*given_) is settled


def test_the_furthest_counts():
    assert of_recordings({"published", "deleted"}) == "published"


# On tables -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(add_server):
    return add_server()


def state(stage, occurrence):
    with stage.context.database.read() as session:
        return ledger.state_of(session, stage.context.settings, occurrence, stage.clock())


def test_from_awaited_to_published(stage, server, make_course, make_occurrence):
    occurrence = record(stage, server, make_course, make_occurrence)
    seen = [state(stage, occurrence)]
    for _ in range(20):
        stage.clock.advance(seconds=30)
        stage.harvest()
        seen.append(state(stage, occurrence))
    assert list(dict.fromkeys(seen)) in (["awaited", "processing", "published"], ["awaited", "published"])


def test_a_class_that_is_not_recorded_is_not_expected(stage, server, make_course, make_occurrence):
    occurrence = record(stage, server, make_course, make_occurrence, record_="never")
    stage.clock.advance(minutes=60 * 30)
    stage.harvest()
    assert state(stage, occurrence) == "not_expected"
    assert waited_for(stage) == []


def waited_for(stage):
    return stage.rows(Meeting, Meeting.recording_due_at.is_not(None))


def test_e84_nobody_pressed_record(stage, server, make_course, make_occurrence):
    """Made with record=true, and nobody pressed the button: nothing ever comes, in any state."""
    occurrence = record(stage, server, make_course, make_occurrence, record_="manual")
    for _ in range(40):
        stage.clock.advance(minutes=60)
        stage.harvest()
    assert state(stage, occurrence) == "missing"
    (alarm,) = stage.story("recording_missing")
    assert alarm.occurrence_id == occurrence
    assert "nobody pressed record" in alarm.detail
    assert stage.only_meeting().recording_due_at is None


def test_a_server_that_is_down_at_the_deadline_is_told_and_still_asked(stage, server, make_course, make_occurrence):
    occurrence = record(stage, server, make_course, make_occurrence)
    server.world.faults.add(Fault("html_502", call="getRecordings"))
    for _ in range(30):
        stage.clock.advance(minutes=60)
        stage.harvest()
    (alarm,) = stage.story("recording_missing")
    assert "does not answer" in alarm.detail
    server.world.faults.clear()
    stage.harvest()
    assert state(stage, occurrence) == "published"


def test_a_deleted_one_is_deleted_and_a_stray_is_shown(stage, server, make_course, make_occurrence):
    occurrence = record(stage, server, make_course, make_occurrence)
    stage.clock.advance(minutes=10)
    stage.harvest()
    (found,) = stage.rows(Recording)
    stage.context.connect(stage.server(server)).delete_recordings([found.record_id])
    stage.clock.advance(minutes=60 * 7)
    stage.harvest()
    assert state(stage, occurrence) == "deleted"
    assert stage.story().count("recording_gone") == 1
    with stage.context.database.read() as session:
        given_ = (session, stage.context.settings, stage.clock())
        assert [each["record_id"] for each in catalogue.accounted(*given_, "deleted")] == [found.record_id]
        assert catalogue.accounted(*given_, "stray") == []


def test_missing_classes_are_listed_with_their_cause(stage, server, make_course, make_occurrence):
    occurrence = record(stage, server, make_course, make_occurrence, record_="manual")
    stage.clock.advance(minutes=60 * 30)
    stage.harvest()
    with stage.context.database.read() as session:
        (row,) = catalogue.accounted(session, stage.context.settings, stage.clock(), "missing", "alg")
    assert (row["record_id"], row["occurrence"]) == (None, occurrence)
    assert "nobody pressed record" in row["cause"]


def test_a_recording_that_comes_after_the_deadline_is_found_by_the_slow_pass(
    stage, server, make_course, make_occurrence
):
    occurrence = record(stage, server, make_course, make_occurrence)
    (made,) = server.world.recordings.values()
    late = 60 * 3600
    made.archived_at += late
    made.processed_at += late
    made.formats_at = {name: at + late for name, at in made.formats_at.items()}
    for _ in range(30):
        stage.clock.advance(minutes=60)
        stage.harvest()
    assert state(stage, occurrence) == "missing"
    for _ in range(40):
        stage.clock.advance(minutes=60)
        stage.harvest()
    assert state(stage, occurrence) == "published"
    assert stage.story().count("recording_ready") == 1
