import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.bbb.answers import attendee, created, failed, meeting, meetings, success
from worker.bbb import (
    Garbled,
    NotFound,
    internal_id,
    parse_created,
    parse_meeting,
    parse_meeting_info,
    parse_meetings,
    parse_running,
    split_meetings,
)
from worker.bbb.attendees import parse_attendees
from worker.bbb.signing import ILLEGAL


def people(*items: str) -> str:
    return f"<attendees>{''.join(items)}</attendees>"


def only(body: bytes):
    (found,) = parse_meeting_info(body).attendees
    return found


def test_a_meeting_is_read_field_by_field():
    info = parse_meeting_info(success(meeting(people(attendee()))))
    assert (info.meeting_id, info.internal_id) == ("alg-101", f"{'a' * 40}-1700000000123")
    assert (info.name, info.create_time_ms, info.duration_minutes) == ("جبر خطی", 1700000000123, 90)
    assert (info.running, info.has_user_joined, info.recording, info.forcibly_ended) == (True, True, True, False)
    assert (info.start_time_ms, info.end_time_ms) == (1700000000178, 0)
    assert (info.participant_count, info.moderator_count, info.max_users) == (2, 1, 0)
    assert (info.metadata, info.is_breakout, info.voice_bridge) == ({"course": "alg-101"}, False, "04417")
    assert info.attendees[0].user_id == "stu-42"


def test_e16_passwords_are_read_but_not_shown():
    info, made = parse_meeting_info(success(meeting())), parse_created(created())
    assert (info.attendee_pw, made.moderator_pw) == ("viewer-password", "moderator-password")
    assert "password" not in f"{info} {made!r}"


def test_a_created_meeting_is_read_field_by_field():
    made = parse_created(created("<messageKey></messageKey>"))
    assert (made.meeting_id, made.create_time_ms, made.duplicate) == ("alg-101", 1700000000123, False)
    assert (made.parent_id, made.duration_minutes, made.has_user_joined) == ("bbb-none", 90, False)


def test_e18_a_duplicate_is_a_success():
    assert parse_created(created("<messageKey>duplicateWarning</messageKey>")).duplicate


def test_e28_a_voice_bridge_stays_text():
    assert parse_created(created()).voice_bridge == "04417"


def test_e32_a_duplicate_that_has_lost_its_key_is_told_by_its_createtime():
    first, again = parse_created(created()), parse_created(created("<messageKey></messageKey>"))
    assert not again.duplicate
    assert (again.internal_id, again.create_time_ms) == (first.internal_id, first.create_time_ms)


def test_e30_the_internal_id_follows_from_id_and_time():
    assert internal_id("Test", 1531155809613) == "640ab2bae07bedc4c163f679a746f7ab7fb5d1fa-1531155809613"
    body = success("<meetingID>Test</meetingID><createTime>1531155809613</createTime>")
    assert parse_created(body).internal_id == parse_meeting_info(body).internal_id == internal_id("Test", 1531155809613)


@pytest.mark.parametrize(
    "inside", ["", "<meetingID>x</meetingID>", "<createTime>1</createTime>", "<running>1</running>"]
)
def test_a_created_meeting_without_a_name_for_its_run_is_garbled(inside):
    with pytest.raises(Garbled):
        parse_created(success(inside))


@pytest.mark.parametrize(
    ("body", "running"),
    [(success("<running>true</running>"), True), (success("<running>false</running>"), False)],
)
def test_e41_running_or_not(body, running):
    assert parse_running(body) is running


def test_running_without_the_word_is_garbled():
    with pytest.raises(Garbled):
        parse_running(success(""))


def test_e42_a_forcibly_ended_meeting_is_marked():
    body = success(meeting()).replace(b"Ended>false", b"Ended>true")
    assert parse_meeting_info(body).forcibly_ended


@pytest.mark.parametrize(
    ("inside", "count"),
    [
        ("", 0),
        ("<attendees/>", 0),
        ("<attendees></attendees>", 0),
        ("<attendees>\n  </attendees>", 0),
        (people(attendee()), 1),
        (people(attendee("a"), attendee("b")), 2),
        (people(attendee("a"), "\n  ", attendee("a")), 2),
    ],
)
def test_e50_one_many_and_no_attendees(inside, count):
    assert len(parse_meeting_info(success(meeting(inside))).attendees) == count


def test_e46_the_same_person_twice_is_two_attendees():
    info = parse_meeting_info(success(meeting(people(attendee("stu-1", "A"), attendee("stu-1", "A")))))
    assert [found.user_id for found in info.attendees] == ["stu-1", "stu-1"]


def test_e51_the_count_and_the_list_may_differ():
    info = parse_meeting_info(success(meeting(people(attendee("a"), attendee("b"), attendee("c")))))
    assert (info.participant_count, len(info.attendees), info.lists_attendees) == (2, 3, True)
    assert not parse_meeting_info(success(meeting(""))).lists_attendees


def test_e52_numbers_with_separators():
    body = success(meeting()).replace(b"<maxUsers>0<", b"<maxUsers>25,000<")
    assert parse_meeting_info(body).max_users == 25000


def test_e53_a_telephone():
    found = only(success(meeting(people(attendee("v_abc", "+98 21", "DIAL-IN-USER")))))
    assert (found.user_id, found.role) == ("v_abc", "DIAL-IN-USER")


def test_e55_a_breakout_room_and_its_parent():
    room = parse_meeting_info(success(meeting(more="<parentMeetingID>in-1</parentMeetingID><sequence>2</sequence>")))
    parent = parse_meeting_info(
        success(meeting(more="<breakoutRooms><breakout>r1</breakout><breakout>r2</breakout></breakoutRooms>"))
    )
    assert (room.parent_id, room.sequence) == ("in-1", 2)
    assert parent.breakout_ids == ("r1", "r2")


@pytest.mark.parametrize("bad", ["\x0b", "\x00", "\x1f", "\ufffe", "&#11;", "&#x1F;", "&#xFFFF;", "&#9999999;"])
def test_e59_characters_that_xml_cannot_carry_are_taken_out_and_the_rest_is_read(bad):
    found = only(success(meeting(people(attendee(full_name=f"Za{bad}hra")))))
    assert found.full_name == "Zahra"


def test_e59_bytes_that_are_not_utf8_cost_one_name_and_not_the_answer():
    body = success(meeting(people(attendee(full_name="QQ"), attendee("b", "Ali")))).replace(b"QQ", b"Z\xff")
    assert [found.full_name for found in parse_meeting_info(body).attendees] == ["Z\ufffd", "Ali"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("A &amp; B &lt;i&gt; &quot;q&quot; &#39;s&#39;", "A & B <i> \"q\" 's'"),
        ("<![CDATA[A & B <i>]]>", "A & B <i>"),
        ("زهرا\u200cمحمدی \u200f🙂👩🏽‍🏫", "زهرا\u200cمحمدی \u200f🙂👩🏽‍🏫"),
        ("ي ك ی ک", "ي ك ی ک"),
        ("a<!-- hidden -->b", "ab"),
        ("&amp;nbsp;&#13;", "&nbsp;\r"),
        ("", ""),
        (" x ", " x "),
    ],
)
def test_e60_names_round_trip(written, name):
    assert only(success(meeting(people(attendee(full_name=written))))).full_name == name


@pytest.mark.parametrize(
    ("more", "customdata"),
    [
        ("", {}),
        ("<customdata/>", {}),
        ("<customdata> </customdata>", {}),
        ("<customdata><group>b</group><x/></customdata>", {"group": "b", "x": ""}),
    ],
)
def test_e61_user_data_missing_empty_and_filled(more, customdata):
    assert only(success(meeting(people(attendee(more=more))))).customdata == customdata


def test_e61_user_data_with_an_impossible_name_is_garbled():
    with pytest.raises(Garbled):
        parse_meeting_info(success(meeting(people(attendee(more="<customdata><1a>x</1a></customdata>")))))


@pytest.mark.parametrize("more", ["<newField>1</newField>", "<clientType>HTML5</clientType><bot>false</bot>"])
def test_unknown_fields_and_other_orders_are_no_trouble(more):
    shuffled = f"<attendee><fullName>A</fullName><isPresenter>true</isPresenter>{more}<userID> u </userID></attendee>"
    info = parse_meeting_info(success(meeting(people(attendee("b"), shuffled))))
    assert [(found.user_id, found.is_presenter) for found in info.attendees] == [("b", False), ("u", True)]


legal = st.text().map(lambda text: ILLEGAL.sub("", text).replace("\r", ""))


@given(st.lists(st.tuples(legal, legal, st.booleans(), st.booleans()), max_size=5))
def test_the_quick_and_the_thorough_reading_agree(rows):
    root = etree.Element("attendees")
    for user_id, name, voice, presenter in rows:
        child = etree.SubElement(root, "attendee")
        fields = {"userID": user_id, "fullName": name, "role": "VIEWER", "isPresenter": str(presenter).lower()}
        fields |= {"isListeningOnly": "false", "hasJoinedVoice": str(voice).lower(), "hasVideo": "", "clientType": "&"}
        for tag, text in fields.items():
            etree.SubElement(child, tag).text = text
    quick = parse_attendees(root)
    etree.SubElement(root, "other")
    assert parse_attendees(root) == quick
    assert [(found.user_id, found.full_name) for found in quick] == [(row[0].strip(), row[1]) for row in rows]


@pytest.mark.parametrize(
    "body",
    [
        success("<meetings/>"),
        success("<meetings></meetings>"),
        success("<messageKey>noMeetings</messageKey><message>x</message><meetings/>"),
        success("<messageKey>noMeetings</messageKey>"),
    ],
)
def test_no_meetings(body):
    assert parse_meetings(body) == split_meetings(body) == []


@pytest.mark.parametrize("read", [parse_meetings, split_meetings])
@pytest.mark.parametrize(
    "body",
    [
        success(""),
        success("<running>false</running>"),
        meetings(meeting())[:-1],
        meetings(meeting())[:-30],
        meetings(meeting())[:700],
        meetings(meeting()) * 2,
        b"<html><meeting></meeting></html>",
        b"",
        b"<response><returncode>SUCCESS</returncode><meetings><meeting></meeting>",
        b"<response><returncode>SUCCESS</returncode><meeting></meeting></response>",
    ],
)
def test_e13_what_is_no_whole_list_is_never_an_empty_list(read, body):
    with pytest.raises(Garbled):
        read(body)


def test_a_refused_list_is_a_refusal_when_split_too():
    with pytest.raises(NotFound):
        split_meetings(failed("notFound"))


LISTS = [
    meetings(meeting(people(attendee())), meeting(id="b"), meeting(id="c", more="<x/>")),
    b"\xef\xbb\xbf\n<?xml version='1.0'?>\n" + meetings(meeting()),
    meetings(meeting(more="<metadata><meeting>12</meeting></metadata>"), meeting(id="b")),
    meetings(meeting(more="<metadata><meeting><meeting>12</meeting></meeting></metadata>"), meeting(id="b")),
    meetings(meeting(people(attendee(full_name="<![CDATA[</meeting><meeting>]]>"))), meeting(id="b")),
    meetings(meeting(more="<!-- <meeting> -->"), meeting(id="b")),
    meetings(meeting()).replace(b"<meeting>", b'<meeting id="1">'),
    meetings(meeting(people(attendee(full_name="Za\x0bhra"))), meeting(id="b")),
    meetings(meeting()).replace(b"<meeting>", b"\n   <meeting>\n").replace(b"</meeting>", b"</meeting>\n"),
]


@pytest.mark.parametrize("body", LISTS)
def test_the_segments_read_like_the_whole(body):
    assert [parse_meeting(segment) for segment in split_meetings(body)] == parse_meetings(body)


def test_segments_are_the_bytes_that_were_sent():
    one, two = meeting(people(attendee())), meeting(id="b")
    expected = [f"<meeting>{inside}</meeting>".encode() for inside in (one, two)]
    assert split_meetings(meetings(one, two)) == expected


def test_one_broken_meeting_does_not_hide_the_others():
    body = meetings(meeting(), meeting(people(attendee(more="<customdata><1/></customdata>"))), meeting(id="c"))
    first, broken, third = split_meetings(body)
    assert (parse_meeting(first).meeting_id, parse_meeting(third).meeting_id) == ("alg-101", "c")
    with pytest.raises(Garbled):
        parse_meeting(broken)


@pytest.mark.parametrize("body", [success(meeting()), b"<meeting/>", b"", b"<meeting>", b"<meetings></meetings>"])
def test_what_is_no_meeting_is_garbled(body):
    with pytest.raises(Garbled):
        parse_meeting(body)
