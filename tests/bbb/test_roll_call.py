"""The cheap reading of a poll says what the careful one says, whatever the list of people looks like."""

import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import bbb

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="￾￿"), min_size=1, max_size=12
)
ROLES = st.sampled_from(["VIEWER", "MODERATOR", "DIAL-IN-USER"])
PEOPLE = st.lists(st.tuples(st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True), NAMES, ROLES), max_size=5)
FLAGS = "".join(f"<{name}>false</{name}>" for name in ("isPresenter", "isListeningOnly", "hasJoinedVoice", "hasVideo"))
ID, NAME, ROLE = "<userID>{0}</userID>", "<fullName>{1}</fullName>", "<role>{2}</role>"
SHAPES = {
    "usual": f"<attendee>{ID}{NAME}{ROLE}{{3}}<clientType>HTML5</clientType></attendee>",
    "pretty": f"\n <attendee>\n <userID> {{0}} </userID>\n {NAME}\n {ROLE}\n{{3}}</attendee>\n",
    "other order": f"<attendee>{NAME}{ID}{ROLE}{{3}}</attendee>",
    "user data": f"<attendee>{ID}{NAME}{ROLE}{{3}}<customdata><g>b</g></customdata></attendee>",
    "character data": f"<attendee>{ID}<fullName><![CDATA[x]]>{{1}}</fullName>{ROLE}{{3}}</attendee>",
    "unknown element": f"<attendee>{ID}{NAME}{ROLE}{{3}}<new/></attendee>",
    "comment": f"<attendee><!-- x -->{ID}{NAME}{ROLE}{{3}}</attendee>",
}


def meeting(people, shape="usual", head=""):
    listed = "".join(SHAPES[shape].format(who, escape(name), role, FLAGS) for who, name, role in people)
    return (
        f"<meeting><meetingID>m</meetingID><internalMeetingID>i</internalMeetingID>{head}"
        f"<participantCount>{len(people)}</participantCount><attendees>{listed}</attendees></meeting>"
    ).encode()


def careful(segment):
    return tuple((each.user_id, each.full_name, each.role) for each in bbb.parse_meeting(segment).attendees)


@pytest.mark.parametrize("shape", SHAPES)
@given(people=PEOPLE)
def test_e60_any_list_of_people_is_read_as_the_parser_reads_it(shape, people):
    segment = meeting(people, shape)
    called = bbb.parse_roll_call(segment)
    assert called.people == careful(segment)
    assert (called.meeting_id, called.internal_id, called.counted) == ("m", "i", len(people))


@given(junk=st.binary(max_size=40), at=st.integers(0, 400))
def test_e13_e59_bytes_that_break_the_parser_break_it_here_or_are_read_alike(junk, at):
    whole = meeting([("u1", "Zahra", "VIEWER"), ("u2", "علی", "VIEWER")])
    segment = whole[:at] + junk + whole[at:]
    try:
        expected = careful(segment)
    except bbb.Error:
        with pytest.raises(bbb.Error):
            bbb.parse_roll_call(segment)
    else:
        assert bbb.parse_roll_call(segment).people == expected


def test_a_label_that_is_called_attendees_fools_nobody():
    people = [("u1", "Zahra", "VIEWER")]
    head = "<metadata><attendees></attendees></metadata>"
    assert bbb.parse_roll_call(meeting(people, head=head)).people == (("u1", "Zahra", "VIEWER"),)


def test_an_answer_to_getmeetinginfo_is_read_and_refusals_are_raised():
    body = re.sub(rb"(</?)meeting>", rb"\1response>", meeting([("u1", "Zahra", "VIEWER")]))
    body = body.replace(b"<response>", b"<response><returncode>SUCCESS</returncode>", 1)
    assert bbb.parse_roll_call_info(body).people == (("u1", "Zahra", "VIEWER"),)
    refused = b"<response><returncode>FAILED</returncode><messageKey>notFound</messageKey></response>"
    with pytest.raises(bbb.NotFound):
        bbb.parse_roll_call_info(refused)


def test_e51_a_list_that_counts_people_without_naming_them_says_so():
    segment = b"<meeting><meetingID>m</meetingID><participantCount>3</participantCount></meeting>"
    assert not bbb.parse_roll_call(segment).names_all


@pytest.mark.parametrize(
    "evil",
    [
        "<![CDATA[ </meeting><meeting><meetingID>forged</meetingID></meeting><meeting> ]]>",
        "<!-- </meeting><meeting><meetingID>forged</meetingID></meeting><meeting> -->",
    ],
)
def test_a_meeting_forged_inside_a_name_is_not_cut_out(evil):
    inner = meeting([], head=f"<meetingName>{evil}</meetingName>").decode()
    body = f"<response><returncode>SUCCESS</returncode><meetings>{inner}</meetings></response>".encode()
    assert [bbb.parse_meeting(each).meeting_id for each in bbb.split_meetings(body)] == ["m"]


@given(st.lists(PEOPLE, max_size=4))
def test_cutting_and_parsing_the_whole_give_the_same_meetings(meetings):
    inner = "".join(meeting(people).decode() for people in meetings)
    body = f"<response><returncode>SUCCESS</returncode><meetings>{inner}</meetings></response>".encode()
    whole = [tuple((a.user_id, a.full_name, a.role) for a in m.attendees) for m in bbb.parse_meetings(body)]
    assert [careful(segment) for segment in bbb.split_meetings(body)] == whole
