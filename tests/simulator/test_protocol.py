"""What each era checks, refuses and answers; no HTTP."""

import hashlib
from dataclasses import replace
from urllib.parse import quote, unquote, urlencode
from xml.etree.ElementTree import ParseError

import pytest

from tests.simulator.conftest import ERAS, SECRET, Caller, sign, signed
from worker.simulator import PROFILES, World
from worker.simulator.api import answer
from worker.simulator.profiles import profile_named
from worker.simulator.wire import FORM, Request

OLD, NEW = ("A", "B", "C", "meetingz"), ("D", "E", "scalelite")

VECTORS = [
    (
        "create",
        "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444",
        "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17",
    ),
    ("getMeetings", "", "2027baa7771026e9e93392f55031535d1444c41f"),
    ("create", "name=A~B%2AC+%F0%9F%99%82&meetingID=m1", "d0c6c3aac1cee682427ba635825a357e0fa1912b"),
]


@pytest.mark.parametrize(("name", "query", "checksum"), VECTORS)
def test_e1_golden_vectors_are_accepted(call, name, query, checksum):
    assert call.raw(name, f"{query}{'&' if query else ''}checksum={checksum}").ok


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("era", ERAS)
def test_e4_each_era_takes_its_own_algorithms(make, era, algorithm):
    answer = make(era).raw("getMeetings", signed("getMeetings", algorithm=algorithm))
    assert answer.ok is (algorithm in PROFILES[era].algorithms)


@pytest.mark.parametrize(("era", "accepted"), [("A", False), ("B", False), ("C", False), ("E", True)])
def test_e5_upper_case_hex(make, era, accepted):
    assert make(era).raw("getMeetings", f"checksum={sign('getMeetings', '').upper()}").ok is accepted


@pytest.mark.parametrize("query", ["name=A&meetingID=m1&x=%2a", "name=~*'()!&meetingID=m1", "meetingID=m1&name=%7E&e="])
def test_e7_there_is_no_canonical_spelling_only_what_was_sent(call, query):
    assert call.raw("create", signed("create", query)).ok


BODY = "name=A+B&meetingID=m1&attendeePW=a%2Ap&moderatorPW=m%7Ep"


def _sorted_body():
    return "attendeePW=a*p&meetingID=m1&moderatorPW=m%7Ep&name=A+B"


@pytest.mark.parametrize(("era", "accepted"), [("A", ""), ("B", ""), ("C", ""), ("D", _sorted_body()), ("E", "")])
def test_e8_each_era_has_its_own_rule_for_a_posted_form(make, era, accepted):
    for text in ("", _sorted_body(), BODY):
        body = f"{BODY}&checksum={sign('create', text)}".encode()
        answer = make(era).raw("create", "", method="POST", body=body, content_type=FORM)
        assert answer.ok is (text == accepted)


@pytest.mark.parametrize("era", ERAS)
def test_an_xml_body_leaves_the_signature_in_the_url_everywhere(make, era):
    query = signed("create", "name=Algebra&meetingID=m1")
    assert make(era).raw("create", query, method="POST", body=b"<modules/>", content_type="application/xml").ok


@pytest.mark.parametrize("era", NEW)
def test_a_body_of_another_kind_is_refused_by_the_newer_eras(make, era):
    query = signed("create", "name=Algebra&meetingID=m1")
    answer = make(era).raw("create", query, method="POST", body=b"{}", content_type="application/json")
    assert answer.key == "unsupportedContentType"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("call_name", ["create", "end", "getMeetingInfo", "isMeetingRunning"])
def test_e17_a_blank_meeting_id_with_a_wrong_checksum(make, era, call_name):
    expected = "missingParamMeetingID" if era in OLD else "checksumError"
    assert make(era).raw(call_name, "meetingID=&password=x&checksum=" + "0" * 40).key == expected


def test_e17_no_checksum_at_all_comes_before_everything(call):
    assert call.raw("end", "meetingID=").key == "checksumError"


def test_end_without_password_is_noticed_before_the_checksum(call):
    assert call.raw("end", "meetingID=m1&checksum=" + "0" * 40).key == "invalidPassword"


def test_an_empty_secret_checks_nothing(clock):
    assert Caller(World("", clock=clock)).raw("getMeetings", "").ok


# create


def test_create_answers_with_the_identity_of_the_instance(call):
    answer = call.create(duration=90)
    digest = hashlib.sha1(b"m1").hexdigest()
    assert answer["internalMeetingID"] == f"{digest}-{answer['createTime']}"
    assert answer["createTime"] == "1700000000000"
    assert (answer["parentMeetingID"], answer["hasUserJoined"], answer["duration"]) == ("bbb-none", "false", "90")
    assert answer["createDate"] == "Tue Nov 14 22:13:20 UTC 2023"
    assert len(answer["voiceBridge"]) == 5


@pytest.mark.parametrize("era", ERAS)
def test_e18_the_same_create_again_changes_nothing(make, era, clock):
    call = make(era)
    first = call.create(duration=90, meta_course="a")
    clock.forward(10)
    again = call.create(name="Other", duration=5, meta_course="b")
    assert again.ok
    assert again.key == (None if era == "scalelite" else "duplicateWarning")  # E32: a balancer drops it
    assert again["createTime"] == first["createTime"]
    info = call.info()
    assert (info["meetingName"], info["duration"], info["metadata/course"]) == ("Algebra", "90", "a")


@pytest.mark.parametrize("era", ERAS)
def test_e19_other_passwords_are_a_conflict(make, era):
    call = make(era)
    call.create()
    assert call.create(moderatorPW="other").key == "idNotUnique"


@pytest.mark.parametrize("era", ["A", "B", "C", "D", "E"])
def test_e20_no_passwords_twice(make, era):
    call = make(era)
    assert call("create", meetingID="m1", name="Algebra").ok
    assert call("create", meetingID="m1", name="Algebra").key == ("duplicateWarning" if era == "E" else "idNotUnique")


def test_e21_only_one_password_in_era_e(make):
    call = make("E")
    call.create()
    assert call("create", meetingID="m1", name="Algebra", moderatorPW="mp").key == "idNotUnique"


def test_a_meeting_of_era_e_without_passwords_shows_none(make):
    call = make("E")
    call("create", meetingID="m1", name="Algebra")
    assert call.info()["attendeePW"] is None


@pytest.mark.parametrize(
    ("era", "shape"),
    [("A", "errors/error[@key='invalidFormat']"), ("B", "errors/error/key"), ("D", "messageKey")],
)
def test_e22_a_comma_in_the_id(make, era, shape):
    answer = make(era).create("a,b")
    assert not answer.ok
    assert answer.root.find(shape) is not None
    assert answer.key == ("validationError" if era == "D" else "invalidFormat")


@pytest.mark.parametrize(("name", "fine_in_d"), [("", False), ("x", False), ("xy", True), ("x" * 257, False)])
def test_e23_the_length_of_a_name(make, name, fine_in_d):
    assert make("B").create(name=name).ok
    assert make("D").create(name=name).ok is fine_in_d


@pytest.mark.parametrize("changes", [{"voiceBridge": "x"}, {"record": "yes"}, {"attendeePW": "a"}, {"meetingID": "m"}])
def test_validation_of_the_newer_eras(make, changes):
    assert make("E").create(**{"meeting_id": changes.pop("meetingID", "m1"), **changes}).key == "validationError"


def test_e24_a_duration_of_junk_is_none(call):
    assert call.create(duration="abc")["duration"] == "0"


def test_e25_metadata_names(call):
    call.create(meta_a_b="1", meta_1x="2", meta_Course="3", **{"meta_a.b": "4", "meta_bbb-origin": "5"})
    found = {element.tag: element.text for element in call.info().root.find("metadata")}
    assert found == {"course": "3", "bbb-origin": "5"}


def test_e26_persian_metadata_comes_back(call):
    call.create(meta_course="جبر‌خطی <&>")
    assert call.info()["metadata/course"] == "جبر‌خطی <&>"


def test_e27_spaces_around_an_id_are_nothing(call):
    call.create(" m1 ")
    assert call.info("m1").ok
    assert call.info(" m1").ok


def test_e28_a_voice_bridge_is_text(call):
    assert call.create(voiceBridge="04417")["voiceBridge"] == "04417"


def test_e29_a_voice_bridge_is_unique_from_era_c_on(make):
    for era in ("B", "C", "E"):
        call = make(era)
        call.create(voiceBridge="04417")
        other = call.create("m2", voiceBridge="04417")
        assert other.ok is (era == "B")
        assert other["errors/error/key"] == (None if era == "B" else "nonUniqueVoiceBridge")


# attendees


@pytest.mark.parametrize("name", ["& < > \" '", "]]>", "<![CDATA[x]]>", "نیم‌فاصله", "\u200fRLM", "🙂🏽", "ي ك ی ک"])
def test_e60_names_come_back_as_they_were(call, name):
    call.create()
    call("join", fullName=name, meetingID="m1", password="ap", userID="u1")
    assert call.info()["attendees/attendee/fullName"] == name


@pytest.mark.parametrize(("era", "kept"), [("A", True), ("B", True), ("C", False), ("E", False)])
def test_e59_control_characters(make, era, kept):
    call = make(era)
    call.create()
    call.world.join("m1", "u1", "a\x0bb")
    query = signed("getMeetingInfo", "meetingID=m1")
    body = answer(call.world, Request("getMeetingInfo", query)).body
    assert (b"a\x0bb" in body) is kept
    assert (b"<fullName>ab</fullName>" in body) is not kept


def test_e48_without_a_user_id_everybody_is_somebody_new(call):
    call.create()
    for _ in range(2):
        call("join", fullName="Zahra", meetingID="m1", password="ap")
    first, second = call.names()
    assert first.startswith("w_")
    assert second.startswith("w_")
    assert first != second


def test_e52_the_newest_servers_alone_list_numbers_without_separators(make):
    for era, shown in (("A", "1,202"), ("D", "1,202"), ("E", "1202")):
        call = make(era)
        call.create(maxParticipants=1202)
        assert call("getMeetings")["meetings/meeting/maxUsers"] == shown
        assert call.info()["maxUsers"] == "1202"


def test_e53_people_on_the_telephone(call):
    call.create()
    call.world.join("m1", "v_abc", "+98 21")
    assert call.info()["attendees/attendee/role"] == "DIAL-IN-USER"


def test_e61_customdata(make):
    call = make("B")
    call.create()
    call("join", fullName="Zahra", meetingID="m1", password="ap", **{"userdata-group": "b", "userdata-a-b": "c"})
    element = call.info().root.find("attendees/attendee/customdata")
    assert [(child.tag, child.text) for child in element] == [("group", "b")]
    assert make("E").create().ok


def test_e61_a_bad_customdata_name_spoils_the_whole_answer(call):
    call.create()
    call("join", fullName="Zahra", meetingID="m1", password="ap", **{"userdata-1a": "b"})
    with pytest.raises(ParseError):
        call.info()


def test_a_server_may_list_meetings_without_their_attendees(make):
    call = make(replace(PROFILES["B"], bulk_attendees=False))
    call.create()
    call.world.join("m1", "u1", "Zahra")
    assert call("getMeetings").root.find("meetings/meeting/attendees") is None
    assert call.names() == ["u1"]


# join


def join(call, **params):
    return call("join", **{"fullName": "Zahra", "meetingID": "m1", "password": "ap", "redirect": "false", **params})


@pytest.mark.parametrize("era", ERAS)
def test_join_without_redirect(make, era):
    call = make(era)
    call.create()
    answer = join(call)
    assert answer.key == "successfullyJoined"
    assert answer["user_id"].startswith("w_")
    assert (answer["url"] is None) is (era == "A")


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"meetingID": "nope"}, "invalidMeetingIdentifier"),
        ({"password": "x"}, "invalidPassword"),
        ({"createTime": "1"}, "mismatchCreateTimeParam"),
        ({"fullName": ""}, "missingParamFullName"),
    ],
)
def test_e67_a_refused_join_redirects_with_its_errors(call, params, key):
    call.create()
    answer = join(call, **params)
    assert answer.status == 302
    target, errors = answer.headers["Location"].split("?errors=")
    assert target.endswith("/bigbluebutton/")
    assert f'"key": "{key}"' in unquote(errors)


def test_e67_errors_follow_a_query_that_is_already_there(call):
    call.create()
    answer = join(call, password="x", logoutURL="http://home/?a=1")
    assert answer.headers["Location"].startswith("http://home/?a=1&errors=")


def test_join_refusals_that_are_xml(make):
    for era, query, key in (
        ("C", "fullName=Z&meetingID=m1&password=ap&checksum=" + "0" * 40, "checksumError"),
        ("E", signed("join", "fullName=Z&meetingID=m1&password=x"), "Params required"),
    ):
        call = make(era)
        call.create()
        assert call.raw("join", query).key == key


def test_e66_an_old_link_does_not_fit_the_next_instance(call, clock):
    old = call.create()["createTime"]
    call.world.end_from_inside("m1")
    clock.forward(1)
    call.create()
    assert "mismatchCreateTimeParam" in join(call, createTime=old).headers["Location"]


@pytest.mark.parametrize(("era", "role"), [("B", "VIEWER"), ("C", "VIEWER"), ("D", "MODERATOR"), ("E", "MODERATOR")])
def test_e69_the_role_parameter_counts_from_era_d_on(make, era, role):
    call = make(era)
    call.create()
    join(call, role="MODERATOR")
    assert call.info()["attendees/attendee/role"] == role


def test_e68_equal_passwords_make_everybody_a_moderator(call):
    call.create(attendeePW="same", moderatorPW="same")
    join(call, password="same")
    assert call.info()["moderatorCount"] == "1"


@pytest.mark.parametrize(("era", "room"), [("A", 2), ("B", 3), ("E", 2)])
def test_e70_a_full_meeting_ghosts_included(make, clock, era, room):
    call = make(era)
    call.create(maxParticipants=2)
    for number in range(room):
        assert join(call, userID=f"u{number}").ok
    call.world.leave("m1", "u0")
    assert "maxParticipantsReached" in join(call).headers["Location"]
    clock.forward(100)
    assert join(call).ok


def test_e70_links_fetched_but_not_followed_count_for_a_minute(make, clock):
    call = make("A", connect_on_join=False)
    call.create(maxParticipants=1)
    assert join(call).ok
    assert "maxParticipantsReached" in join(call).headers["Location"]
    clock.forward(61)
    assert join(call).ok


def test_e56_a_waiting_guest_is_no_attendee(make):
    call = make("B")
    call.create(guestPolicy="ASK_MODERATOR")
    assert join(call, guest="true").key == "guestWait"
    assert call.names() == []


@pytest.mark.parametrize(("era", "ok", "key"), [("B", True, "guestDeny"), ("E", False, "guestDeniedAccess")])
def test_a_denied_guest(make, era, ok, key):
    call = make(era)
    call.create(guestPolicy="ALWAYS_DENY")
    answer = join(call, guest="true")
    assert (answer.ok, answer.key) == (ok, key)


# the rest


@pytest.mark.parametrize("era", ERAS)
def test_no_meetings(make, era):
    answer = make(era)("getMeetings", random="17")
    assert (answer.ok, answer.key) == (True, "noMeetings")
    assert answer.root.find("meetings") is not None


def test_e90_an_unknown_call(make):
    assert make("B")("getNothing").status == 404
    assert make("scalelite")("getNothing").key == "unsupportedRequest"
    assert make("meetingz")("getRecordings").status == 404


@pytest.mark.parametrize("era", ERAS)
def test_the_version_is_always_2_0(make, era):
    assert make(era).raw("", "")["version"] == "2.0"


def test_what_was_rendered_is_kept_until_something_changes(call, clock):
    call.create()
    call.world.join("m1", "u1", "Zahra")
    meeting = call.world.meeting("m1")
    call.info()
    kept = meeting.cache[False, True]
    clock.forward(5)
    call.info()
    assert meeting.cache[False, True] is kept
    call.world.promote("m1", "u1")
    call.info()
    assert meeting.cache[False, True] is not kept


def test_the_same_seed_gives_the_same_world(make):
    assert [make(seed=n).create()["voiceBridge"] for n in (1, 1)] == [make(seed=1).create()["voiceBridge"]] * 2


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="no profile named"):
        profile_named("F")


def test_secrets_of_any_letters(clock):
    call = Caller(World("رمز ", clock=clock))
    query = urlencode({"meetingID": "m1", "name": quote("x y")})
    assert call.raw("create", signed("create", query, secret="رمز ")).ok
    assert not call.raw("create", signed("create", query, secret=SECRET)).ok
