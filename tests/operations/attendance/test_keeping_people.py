"""retention and forgetting: what is known of people goes when it was asked to, and the rest still adds up."""

from datetime import timedelta

import pytest
from sqlalchemy import JSON, String, select

from tests.operations.klass import refold
from worker.errors import Unknown
from worker.operations import story
from worker.operations.attendance import corrections, exact, people, retention
from worker.operations.reports import report_totals
from worker.operations.timetable import arrange, course_keys
from worker.store.tables import (
    Attendee,
    Base,
    CallbackSeen,
    Correction,
    Course,
    Event,
    ExactStay,
    Gap,
    LoadPoint,
    Observation,
    Participant,
    Stay,
    User,
)

OBSERVED = (Observation, Attendee, ExactStay)
FOLDED = (Stay, Correction)


@pytest.fixture
def room(stage, held):
    made = held(teacher_id="t1", teacher_name="Dr. Noor").saw(
        (0, 20, {"u1": "Zahra Karimi", "t1": ("Dr. Noor", "MODERATOR")}),
        (20.5, 40, {"u1": "Zahra K.", "t1": ("Dr. Noor", "MODERATOR")}),
        (40.5, 60, {"t1": ("Dr. Noor", "MODERATOR")}),
    )
    attendee = {"ext_user_id": "u1", "name": "Zahra Karimi", "joins": [made.at(1).isoformat()], "leaves": []}
    data = {"start": made.at(0).isoformat(), "finish": made.at(5).isoformat(), "attendees": [attendee]}
    told = {"meeting_id": f"mtz-{made.occurrence}", "internal_meeting_id": f"run-{made.occurrence}", "data": data}
    exact.accept(stage.context, told, made.server_id, stage.clock())
    made.over()
    given = {"reason": "Zahra was ill", "by": "noor", "now": stage.clock()}
    corrections.correct(stage.context, made.occurrence, "u1", "excused", **given)
    with stage.context.database.write() as session:
        report_totals.note(session, made.server_id, stage.clock(), meetings=1, people=2)
    return made


def counts(stage, tables):
    return [len(stage.rows(table)) for table in tables]


def test_observations_go_and_statuses_stay(stage, room, make_context):
    before = stage.marks()
    stage.clock.advance(minutes=181 * 24 * 60)
    assert retention.prune(stage.context, stage.clock()) == (1, 0)
    assert counts(stage, OBSERVED) == [0, 0, 0]
    assert stage.marks() == before
    assert refold(stage) == (0, 1)
    assert stage.marks() == before
    assert retention.prune(stage.context, stage.clock()) == (0, 0)
    assert [event.detail for event in stage.story("pruned")] == ["observations of 1 occurrences"]


def test_nothing_young_or_unsettled_goes(stage, room, held):
    held("b").saw((0, 5, {"u1": "Zahra"}))
    stage.clock.advance(minutes=179 * 24 * 60)
    assert retention.prune(stage.context, stage.clock()) == (0, 0)
    stage.clock.advance(minutes=48 * 60)
    assert retention.prune(stage.context, stage.clock()) == (1, 0)
    assert len(stage.rows(Observation)) == 1


def test_stays_go_when_asked_and_nobody_is_called_absent_for_it(stage, room, make_context):
    context = make_context(keep_stays_days=365)
    stage.clock.advance(minutes=366 * 24 * 60)
    assert retention.prune(context, stage.clock()) == (1, 1)
    assert counts(stage, (*OBSERVED, *FOLDED, Gap, LoadPoint)) == [0] * 7
    assert stage.marks() == {}


def test_once_a_day_whoever_asks(stage, room):
    stage.clock.advance(minutes=181 * 24 * 60)
    assert retention.daily(stage.context, stage.clock()) == (1, 0)
    with stage.context.database.write() as session:
        session.execute(Stay.__table__.delete())
    stage.clock.advance(minutes=23 * 60)
    assert retention.daily(stage.context, stage.clock()) == (0, 0)


# Forgetting


def everything(stage):
    """Every text in the database."""
    with stage.context.database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                yield from (value for value in row if isinstance(value, str | dict))


def test_nothing_of_the_person_is_left_anywhere(stage, room):
    alias, found = people.forget(stage.context, "u1", stage.clock())
    texts = [str(text) for text in everything(stage)]
    assert not [text for text in texts if "Zahra" in text or text == "u1" or "ill" in text.split()]
    assert found == {
        "roster entries": 1, "stays": 1, "sightings": 2, "reported stays": 1, "corrections": 1, "courses taught": 0,
    }  # fmt: skip
    assert [event.detail.partition(":")[0] for event in stage.story("forgotten")] == [alias]


def test_statuses_and_counts_stay_and_folding_again_changes_nothing(stage, room):
    before = stage.marks()
    alias, _ = people.forget(stage.context, "u1", stage.clock())
    for _ in range(2):
        after = stage.marks()
        assert after["u2"] == before["u2"]
        keys = ("status", "seconds_present", "joins", "percent", "guest")
        assert [after[alias][key] for key in keys] == [before["u1"][key] for key in keys]
        refold(stage)


def test_a_teacher_is_forgotten_as_a_teacher_too(stage, room):
    alias, found = people.forget(stage.context, "t1", stage.clock())
    assert found["courses taught"] == 1
    assert not [text for text in everything(stage) if "Noor" in str(text)]
    assert stage.marks()[alias]["role"] == "moderator"


def test_forgetting_again_gives_the_same_pseudonym_even_after_a_new_enrolment(stage, room, make_context):
    alias, _ = people.forget(stage.context, "u1", stage.clock())
    with pytest.raises(Unknown, match="nobody with the id 'u1'"):
        people.forget(stage.context, "u1", stage.clock())
    with stage.context.database.write() as session:
        course = session.scalars(select(Participant.course_id)).first()
        session.add(Participant(course_id=course, user_id="u1", full_name="Zahra Karimi"))
        session.add(Attendee(meeting_id=room.meeting, number=77, user_id="u1", full_name="Zahra", role="VIEWER"))
    assert people.forget(stage.context, "u1", stage.clock())[0] == alias
    assert not [text for text in everything(stage) if "Zahra" in str(text)]
    other = make_context(secret_key="another key of another school")
    assert other.vault.digest("u1") != stage.context.vault.digest("u1")


#: Columns that hold an id or a name of somebody in class: forgetting replaces them.
FORGOTTEN = {
    "attendees.user_id", "attendees.full_name", "stays.attendee_key", "stays.full_name", "exact_stays.attendee_key",
    "exact_stays.full_name", "participants.user_id", "participants.full_name", "corrections.user_id",
    "corrections.reason", "courses.teacher_id", "courses.teacher_name", "users.teacher_id", "course_keys.key",
}  # fmt: skip
#: Texts of people who look after the installation, about classes and themselves: theirs to write and to remove.
OFFICE = {
    "users.name", "tokens.label", "corrections.by", "corrections.undone_by", "events.actor", "courses.title",
    "courses.options", "holidays.title", "occurrences.cancel_reason", "servers.name", "recordings.name",
    "recordings.labels", "alarms.detail", "events.detail",
}  # fmt: skip
#: Words, numbers, addresses and digests of machines.
MACHINES = {
    "alarms.cause", "alarms.kind", "attendees.role", "callbacks_seen.digest", "corrections.before",
    "corrections.status", "course_keys.kind", "courses.code", "courses.end_policy", "courses.record",
    "courses.recording_formats", "courses.room", "courses.timezone", "deliveries.error", "deliveries.kind",
    "deliveries.target", "events.kind", "exact_stays.role", "files.error", "files.etag", "files.format",
    "files.sha256", "files.state", "files.url", "holidays.source", "installation.token", "meetings.close_reason",
    "meetings.end_refused", "meetings.external_id", "meetings.internal_id", "meetings.state",
    "observations.attendees", "ongoing_observations.attendees", "participants.role", "playbacks.format",
    "playbacks.url", "pulses.error", "pulses.loop", "recordings.matched_by", "recordings.record_id",
    "recordings.state", "servers.api_url", "servers.checksum", "servers.features", "servers.last_error",
    "sign_in_failures.address", "sign_in_failures.name", "slots.cron", "stays.role", "stays.source", "tokens.digest",
    "tokens.scopes", "users.password_hash", "users.role",
}  # fmt: skip


def test_whoever_adds_a_text_to_the_tables_says_whether_it_is_about_people():
    """Add it to one of the three sets above; what may name somebody in class, to ``people.forget`` as well."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    texts = {str(column) for column in columns if isinstance(column.type, String | JSON)}
    assert texts == FORGOTTEN | OFFICE | MACHINES


@pytest.fixture
def naming(stage, room):
    """Answers the columns in which the student or the teacher is named: all of them, at first."""
    with stage.context.database.write() as session:
        session.add(User(name="noor", password_hash="-", role="teacher", teacher_id="t1", created_at=stage.clock()))
        course_keys.write(session, session.scalars(select(Course)).all())

    def _():
        with stage.context.database.read() as session:
            rows = [(name, value) for name in FORGOTTEN for value in session.scalars(select(column_of(name)))]
        words = ("u1", "t1", "#t1", "Zahra", "Noor", "ill")
        return {name for name, value in rows if any(word in str(value).split() for word in words)}

    assert _() == FORGOTTEN
    return _


def test_forgetting_reaches_every_column_that_names_people(stage, naming):
    for user_id in ("u1", "t1"):
        people.forget(stage.context, user_id, stage.clock())
    assert naming() == set()


def test_time_reaches_every_column_that_names_people_but_those_of_the_timetable(stage, naming, make_context):
    timetable = {name for name in FORGOTTEN if name.startswith(("participants.", "courses.", "course_keys.", "users."))}
    kept = {"stays.attendee_key", "stays.full_name", "corrections.user_id", "corrections.reason"}
    stage.clock.advance(minutes=181 * 24 * 60)
    retention.prune(stage.context, stage.clock())
    assert naming() == timetable | kept
    stage.clock.advance(minutes=185 * 24 * 60)
    retention.prune(make_context(keep_stays_days=365), stage.clock())
    assert naming() == timetable


def column_of(name):
    table, column = name.split(".")
    return Base.metadata.tables[table].columns[column]


def test_somebody_who_was_forgotten_is_no_actor_in_the_story(stage, room):
    with story.acting("t1"):  # by their own link
        arrange.reopen(stage.context, room.occurrence, room.at(30))
    alias, _ = people.forget(stage.context, "t1", stage.clock())
    assert {each.actor for each in stage.rows(Event)} == {None, alias}


def test_callbacks_are_remembered_as_long_as_what_they_speak_of(stage, clock):
    days = int(stage.context.settings.retention_days)
    for age in (days - 1, days + 1):
        with stage.context.database.write() as session:
            session.add(CallbackSeen(digest=f"{age:064}", at=clock() - timedelta(days=age)))
    retention.prune(stage.context, clock())
    assert [int(row.digest) for row in stage.rows(CallbackSeen)] == [days - 1]
