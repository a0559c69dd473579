import pytest

from worker.bbb import CreateParams, UnsafeRequest

GOOD = {"meeting_id": "alg-101", "name": "Algebra", "attendee_pw": "viewer-pw", "moderator_pw": "moderator-pw"}


def query(**more) -> dict[str, str]:
    return dict(CreateParams(**GOOD | more).as_query())


def test_what_is_not_given_is_not_sent():
    assert query() == {
        "meetingID": "alg-101",
        "name": "Algebra",
        "attendeePW": "viewer-pw",
        "moderatorPW": "moderator-pw",
        "duration": "0",
        "record": "false",
    }


def test_values_are_written_as_the_wire_has_them():
    sent = query(duration_minutes=90, record=True, mute_on_start=True, max_participants=0, disabled_features=("a", "b"))
    assert (sent["duration"], sent["record"], sent["muteOnStart"]) == ("90", "true", "true")
    assert (sent["maxParticipants"], sent["disabledFeatures"]) == ("0", "a,b")


def test_e14_equal_parameters_give_the_same_request():
    one = CreateParams(**GOOD, meta={"b": "1", "a": "2"}, extra={"z": "1", "y": "2"})
    two = CreateParams(**GOOD, meta={"a": "2", "b": "1"}, extra={"y": "2", "z": "1"})
    assert one.as_query() == two.as_query()
    assert one.as_query()[-4:] == [("meta_a", "2"), ("meta_b", "1"), ("y", "2"), ("z", "1")]


def test_a_later_change_of_the_given_labels_changes_nothing():
    labels = {"course": "a"}
    params = CreateParams(**GOOD, meta=labels)
    labels["course"] = "b"
    assert params.meta["course"] == "a"


def test_notes_are_locked_under_both_names():
    sent = query(lock_settings_disable_notes=True)
    assert sent["lockSettingsDisableNote"] == sent["lockSettingsDisableNotes"] == "true"


@pytest.mark.parametrize("meeting_id", ["", "a", "a,b", "a b", " ab", "کلاس", "a" * 65, "a%2C", "ab\n"])
def test_e22_e27_a_meeting_id_that_some_server_would_mangle_is_refused(meeting_id):
    with pytest.raises(UnsafeRequest, match="meeting_id"):
        query(meeting_id=meeting_id)


@pytest.mark.parametrize("name", ["", "a", "  a  ", "a" * 257])
def test_e23_a_name_has_2_to_256_characters(name):
    with pytest.raises(UnsafeRequest, match="name"):
        query(name=name)


@pytest.mark.parametrize(
    ("attendee_pw", "moderator_pw"), [("", "mod"), ("att", ""), ("a", "mod"), ("att", "m" * 65), ("same", "same")]
)
def test_e20_e68_both_passwords_are_needed_and_differ(attendee_pw, moderator_pw):
    with pytest.raises(UnsafeRequest) as caught:
        query(attendee_pw=attendee_pw, moderator_pw=moderator_pw)
    assert "same" not in str(caught.value)


@pytest.mark.parametrize("key", ["a_b", "1x", "Course", "", "a.b", "-a", "درس", "a\n"])
def test_e25_labels_that_servers_drop_are_refused(key):
    with pytest.raises(UnsafeRequest, match="meta"):
        query(meta={key: "x"})


@pytest.mark.parametrize(
    "more",
    [
        {"duration_minutes": -1},
        {"max_participants": -1},
        {"guest_policy": "MAYBE"},
        {"voice_bridge": "12a"},
        {"record": True, "auto_start_recording": False, "allow_start_stop_recording": False},
        {"extra": {"checksum": "x"}},
        {"extra": {"name": "x"}},
        {"extra": {"meta_a": "x"}},
        {"extra": {"a b": "x"}},
    ],
)
def test_what_a_server_would_misread_is_refused(more):
    with pytest.raises(UnsafeRequest):
        query(**more)


def test_e16_passwords_are_not_shown():
    assert "-pw" not in repr(CreateParams(**GOOD))
