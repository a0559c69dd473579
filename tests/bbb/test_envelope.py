import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bbb.answers import attendee, created, failed, meeting, meetings, playback, recording, recordings, success
from worker.bbb import Error, Garbled, IdTaken, NotFound, Refused, WrongPassword, errors
from worker.bbb.envelope import answer, refusal_in
from worker.bbb.errors import KINDS
from worker.bbb.recordings import parse_recordings
from worker.bbb.replies import (
    parse_created,
    parse_meeting,
    parse_meeting_info,
    parse_meetings,
    parse_page,
    parse_running,
    parse_sessions,
    parse_text_tracks,
    parse_track_put,
    parse_version,
    split_meetings,
)

PARSERS = [
    *(parse_created, parse_meeting, parse_meeting_info, parse_meetings, parse_page, parse_recordings),
    *(parse_running, parse_sessions, parse_text_tracks, parse_track_put, parse_version, split_meetings),
]

SHAPES = {
    "F1": failed("notFound"),
    "F2": b"<response><returncode>FAILED</returncode><errors><error key='notFound' message='no'/></errors></response>",
    "F3": b"<response><returncode>FAILED</returncode><errors><error><key>notFound</key><message>no</message></error>"
    b"</errors></response>",
    "F5": b' {"response":{"returncode":"FAILED","messageKey":"notFound","message":"no"}}',
    "pretty": b"<response>\n <returncode> FAILED </returncode>\n <messageKey>\n notFound\n </messageKey><message> no\n"
    b"</message></response>\n",
    "vendor": b"<response><returncode>FAILURE</returncode><messageKey>notFound</messageKey>"
    b"<message>no</message></response>",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_failure_is_one_error(shape):
    with pytest.raises(NotFound) as caught:
        answer(SHAPES[shape])
    assert (caught.value.key, caught.value.message) == ("notFound", "no")
    assert refusal_in(SHAPES[shape]).key == "notFound"


@pytest.mark.parametrize(("key", "kind"), KINDS.items())
def test_each_key_has_its_kind(key, kind):
    with pytest.raises(kind) as caught:
        answer(failed(key))
    assert type(caught.value) is kind


@pytest.mark.parametrize("key", ["Params required", "nonUniqueVoiceBridge", "validationError", ""])
def test_e29_other_keys_are_plain_refusals(key):
    with pytest.raises(Refused) as caught:
        answer(failed(key))
    assert (type(caught.value), caught.value.key) == (Refused, key)


def test_e19_e39_what_a_caller_can_act_on_has_a_name():
    assert issubclass(IdTaken, Refused)
    assert issubclass(WrongPassword, Refused)
    assert not issubclass(Garbled, Refused)


def test_the_tree_in_the_docstring_is_the_tree():
    for name in (kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Error)):
        assert name in errors.__doc__


@pytest.mark.parametrize(
    "before", [b"", b"\xef\xbb\xbf", b"\n\n", b'<?xml version="1.0"?>', b"\xef\xbb\xbf\r\n<?xml version='1.0'?>\n"]
)
def test_e12_what_may_stand_before_the_root(before):
    assert answer(before + success("<version>2.0</version>")).findtext("version") == "2.0"


def test_e11_a_wrong_declaration_does_not_make_mojibake():
    body = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + success("<name>زهرا</name>")
    assert answer(body).findtext("name") == "زهرا"


BOMB = b"<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize(
    "body",
    [
        BOMB + success("<name>&b;</name>"),
        b"<?xml version='1.0'?>" + BOMB + success("<name>&b;</name>"),
        b"<!-- <response -->" + BOMB + success("<name>&b;</name>"),
        b"<?pi <response?>" + BOMB + success(""),
        b"<!DOCTYPE response SYSTEM 'file:///etc/passwd'>" + success(""),
        (BOMB.decode() + success("<name>&b;</name>").decode()).encode("utf-16"),
        success("<name>&b;</name>"),
        success("<x>" * 5000 + "</x>" * 5000),
        success("<!DOCTYPE r [<!ENTITY a 'a'>]>"),
    ],
)
def test_e15_document_types_entities_and_depths_are_refused(body):
    with pytest.raises(Garbled):
        answer(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"\xef\xbb\xbf",
        b"<html></html>",
        b"<responses/>",
        b"<response/>",
        b"<response xmlns='x'><returncode>SUCCESS</returncode></response>",
        b"<response><returncode>MAYBE</returncode></response>",
        b"{}",
        b"{",
        b"[" * 100_000,
        b'{"response": 1}',
        b'{"response":{"returncode":"SUCCESS"}}',
        b"plain words",
        success("") + success(""),
    ],
)
def test_e13_what_is_no_answer_is_garbled(body):
    with pytest.raises(Garbled):
        answer(body)


GOOD = [
    (parse_created, created()),
    (parse_meeting_info, success(meeting(f"<attendees>{attendee()}</attendees>"))),
    (parse_meetings, meetings(meeting())),
    (split_meetings, meetings(meeting(), meeting(id="b"))),
    (parse_recordings, recordings(recording("r-1", f"<playback>{playback()}</playback>"))),
    (parse_meeting_info, failed("notFound")),
    (parse_sessions, success('<sessions>[{"id":1}]</sessions>')),
    (parse_text_tracks, b'{"response":{"returncode":"SUCCESS","tracks":[]}}'),
]


@pytest.mark.parametrize(("parse", "body"), GOOD)
def test_e13_an_answer_cut_at_any_byte_is_garbled(parse, body):
    for length in range(len(body)):
        with pytest.raises(Garbled):
            parse(body[:length])


@pytest.mark.parametrize("parse", PARSERS)
@given(body=st.binary(max_size=300))
def test_any_bytes_are_an_error_of_ours(parse, body):
    with pytest.raises(Error):
        parse(body)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(st.sampled_from([body for _, body in GOOD])))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        body[start : start + draw(st.integers(0, 20))] = draw(
            st.one_of(
                st.binary(max_size=6), st.sampled_from([b"<", b">", b"&", b"<meeting>", b"</meeting>", b"<![CDATA["])
            )
        )
    return bytes(body)


@pytest.mark.parametrize("parse", PARSERS)
@given(body=broken())
def test_broken_answers_are_read_or_an_error_of_ours(parse, body):
    with contextlib.suppress(Error):
        parse(body)


def test_e16_words_of_the_server_are_one_short_line_without_credentials():
    with pytest.raises(Refused) as caught:
        answer(failed("odd", "line\nline checksum=0123abcd&amp;x=1 " + "y" * 1000))
    assert "\n" not in str(caught.value)
    assert "0123abcd" not in str(caught.value)
    assert len(str(caught.value)) < 400
