"""What a meeting is made with: typed options, defaults of the installation, and what the timetable decides."""

import pytest

from worker.errors import InputError, SettingsError
from worker.operations.meetings import rooms
from worker.operations.timetable import options
from worker.store.tables import Course, Meeting, Occurrence


@pytest.fixture
def made(stage, add_server, make_course, make_occurrence):
    """The parameters of a course with these columns, opened 15 minutes before an hour of class with 10 of grace."""

    def _(settings=None, **columns):
        add_server()
        make_course(**columns)
        stage.plan()
        occurrence = make_occurrence()
        stage.provision()
        (course,), (meeting,) = stage.rows(Course), stage.rows(Meeting)
        sitting = stage.rows(Occurrence, Occurrence.id == occurrence)[0]
        return rooms.create_params(settings or stage.context.settings, course, sitting, meeting, ("apw", "mpw"))

    return _


def query(params):
    return dict(params.as_query())


def test_options_have_their_types_on_the_wire(made):
    sent = query(made(options={"muteOnStart": "yes", "maxParticipants": "30", "disabledFeatures": "chat, polls"}))
    assert (sent["muteOnStart"], sent["maxParticipants"], sent["disabledFeatures"]) == ("true", "30", "chat,polls")


def test_an_option_newer_than_we_are_is_sent_as_it_is(made):
    assert query(made(options={"brandNewThing": "7"}))["brandNewThing"] == "7"


def test_labels_of_the_school_are_kept_and_ours_go_before_them(made):
    sent = query(made(options={"meta_faculty": "physics", "meta_bbb-origin": "me"}))
    assert (sent["meta_faculty"], sent["meta_bbb-origin"]) == ("physics", "meetingz-worker")


def test_a_courses_option_goes_before_the_installations(made, make_context):
    settings = make_context(create={"muteOnStart": True, "welcome": "Hello"}).settings
    sent = query(made(settings, options={"muteOnStart": "false"}))
    assert (sent["muteOnStart"], sent["welcome"]) == ("false", "Hello")


CALLBACKS = ("meta_analytics-callback-url", "meta_bbb-recording-ready-url", "meta_endcallbackurl", "meetingKeepEvents")


def test_with_a_public_address_servers_are_asked_to_tell_us_what_happens(made, make_context):
    settings = make_context(public_url="https://class.example/").settings
    sent = query(made(settings))
    assert [sent[name] for name in CALLBACKS] == [
        "https://class.example/callbacks/analytics",
        "https://class.example/callbacks/recording-ready",
        "https://class.example/callbacks/meeting-ended?server=1",
        "true",
    ]


@pytest.mark.parametrize("given", [{}, {"public_url": "https://class.example", "callbacks": False}])
def test_without_one_or_where_it_is_not_wanted_nothing_is_asked(made, make_context, given):
    assert not set(CALLBACKS) & query(made(make_context(**given).settings)).keys()


def test_an_address_of_ones_own_goes_before_ours(made, make_context):
    own = {"meta_analytics-callback-url": "https://statistics.example/", "meetingKeepEvents": False}
    sent = query(made(make_context(public_url="https://class.example", create=own).settings))
    assert [sent[name] for name in CALLBACKS[::3]] == ["https://statistics.example/", "false"]


def test_the_call_is_the_same_whenever_it_is_repeated(stage, made, make_context):
    settings = make_context(public_url="https://class.example").settings
    first = made(settings)
    (course,), (meeting,), (occurrence,) = stage.rows(Course), stage.rows(Meeting), stage.rows(Occurrence)
    stage.clock.advance(minutes=30)
    again = rooms.create_params(settings, course, occurrence, meeting, ("apw", "mpw"))
    assert again.as_query() == first.as_query()


@pytest.mark.parametrize("address", ["https://me:word@class.example", "https://class.example/?key=1", "ftp://x"])
def test_a_public_address_holds_no_secret(make_context, address):
    with pytest.raises(ValueError, match="public_url"):
        make_context(public_url=address)


@pytest.mark.parametrize(
    ("policy", "record", "auto", "stoppable"),
    [("never", "false", None, None), ("manual", "true", None, None), ("always", "true", "true", "false")],
)
def test_the_recording_policy_decides_what_is_asked_for(made, policy, record, auto, stoppable):
    sent = query(made(record=policy))
    flags = (sent["record"], sent.get("autoStartRecording"), sent.get("allowStartStopRecording"))
    assert flags == (record, auto, stoppable)


def test_always_recorded_is_always_recorded_whatever_the_options_say(made):
    sent = query(made(record="always", options={"allowStartStopRecording": "true", "autoStartRecording": "false"}))
    assert (sent["autoStartRecording"], sent["allowStartStopRecording"]) == ("true", "false")


@pytest.mark.parametrize(("policy", "minutes"), [("end", 86), ("spare", 146), ("never", 0)])
def test_e34_the_servers_own_clock_never_ends_a_class_before_we_do(made, policy, minutes):
    assert made(end_policy=policy).duration_minutes == minutes


def test_e35_an_empty_room_is_asked_to_wait_for_its_class(made):
    assert made().meeting_expire_if_no_user_joined_minutes == 75


def test_a_room_nobody_enters_lives_on_where_the_server_knows_how(stage, add_server, make_course, make_occurrence):
    server = add_server("E")
    make_course()
    occurrence = make_occurrence()
    stage.run_until(lambda: stage.clock() >= stage.occurrence(occurrence).ends_at, seconds=120)
    assert len(server.world.history()) == 1


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"muteOnStart": "maybe"}, "x: the option muteOnStart=maybe is neither true nor false"),
        ({"maxParticipants": "-3"}, "x: the option maxParticipants=-3 is not a whole number"),
        ({"attendeePW": "x"}, "x: the option 'attendeePW' is decided by the timetable; leave it out"),
        ({"MODERATORPW": "x"}, "x: the option 'MODERATORPW' is decided by the timetable; leave it out"),
        ({"guestPolicy": "SOME"}, "x: guest_policy: one of"),
        ({"voiceBridge": "abc"}, "x: voice_bridge: digits only"),
        ({"meta_A_b": "1"}, "x: meta key 'A_b'"),
        ({"bad key": "1"}, "x: extra: 'bad key' is not a parameter"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(given, complaint):
    with pytest.raises(InputError) as refused:
        options.check(given, "x")
    assert str(refused.value).startswith(complaint)
    assert "\n" not in str(refused.value)


def test_passwords_are_two_random_and_stored_encrypted(stage, made):
    made()
    (meeting,) = stage.rows(Meeting)
    attendee, moderator = stage.context.vault.open_pair(meeting.passwords)
    assert attendee != moderator
    assert min(len(attendee), len(moderator)) >= 16
    assert attendee.encode() not in meeting.passwords


def test_a_wrong_default_of_the_installation_is_refused_at_the_start(make_context):
    with pytest.raises(SettingsError, match="MEETINGZ_CREATE: the option muteOnStart=perhaps"):
        make_context(create={"muteOnStart": "perhaps"})
