"""The served world, over a real socket."""

import threading
import time
import warnings

import pytest
import requests

from tests.simulator.conftest import ERAS, SECRET, Answer, sign, signed
from worker.simulator import KINDS, Fault, World, serve


class Reply:
    """A `requests` reply in the shape that Answer reads."""

    def __init__(self, reply):
        self.status, self.headers, self.body = reply.status_code, reply.headers, reply.content


@pytest.fixture
def get(http):
    def _(server, call, query, sign_it=True, **options):
        query = signed(call, query) if sign_it else query
        return Answer(Reply(http.get(f"{server.base_url}api/{call}?{query}", allow_redirects=False, **options)))

    return _


CREATE = "name=Algebra&meetingID=m1&attendeePW=ap&moderatorPW=mp"


@pytest.mark.parametrize("era", ERAS)
def test_every_era_creates_shows_and_ends_a_class(served, get, clock, era):
    server = served(era)
    assert get(server, "create", CREATE).ok
    server.world.join("m1", "u1", "زهرا‌ محمدی 🙂")
    info = get(server, "getMeetingInfo", "meetingID=m1")
    assert info["attendees/attendee/fullName"] == "زهرا‌ محمدی 🙂"
    assert get(server, "getMeetings", "").all("meetings/meeting/attendees/attendee")
    assert get(server, "end", "meetingID=m1&password=mp").key == "sentEndMeetingRequest"
    clock.forward(2)
    assert get(server, "getMeetingInfo", "meetingID=m1").key == "notFound"
    assert get(server, "getMeetings", "").key == "noMeetings"


def test_e91_the_base_url_is_that_of_the_dialect(served):
    assert served("B").base_url.endswith("/bigbluebutton/")
    assert served("meetingz").base_url.endswith("/demo/")


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_e2_checksum_first_middle_last(served, get, place):
    first, rest = CREATE.split("&", 1)
    checksum = f"checksum={sign('create', CREATE)}"
    query = {
        "first": f"{checksum}&{CREATE}",
        "middle": f"{first}&{checksum}&{rest}",
        "last": f"{CREATE}&{checksum}",
    }[place]
    assert get(served(), "create", query, sign_it=False).ok


def test_e2_no_parameters_but_a_checksum(served, get):
    server = served()
    for query in (f"checksum={sign('getMeetings', '')}", f"&checksum={sign('getMeetings', '')}"):
        assert get(server, "getMeetings", query, sign_it=False).ok


@pytest.mark.parametrize("era", ERAS)
def test_e3_a_missing_checksum_is_refused(served, get, era):
    assert get(served(era), "getMeetings", "", sign_it=False).key == "checksumError"


def test_e6_plus_and_percent_twenty_are_both_right_as_sent(served, get):
    server = served()
    for number, space in enumerate(("+", "%20")):
        query = f"name=Linear{space}Algebra&meetingID=m{number}&attendeePW=ap&moderatorPW=mp"
        assert get(server, "create", query).ok
        assert get(server, "getMeetingInfo", f"meetingID=m{number}")["meetingName"] == "Linear Algebra"


def test_e6_the_checksum_of_one_spelling_does_not_fit_the_other(served, get):
    checksum = sign("create", CREATE.replace("Algebra", "A+B"))
    query = f"{CREATE.replace('Algebra', 'A%20B')}&checksum={checksum}"
    assert get(served(), "create", query, sign_it=False).key == "checksumError"


def test_call_names_are_case_sensitive(served, http):
    server = served()
    query = signed("getmeetings", "")
    assert http.get(f"{server.base_url}api/getmeetings?{query}").status_code == 404


@pytest.mark.parametrize("path", ["api", "api/"])
def test_the_version_needs_no_checksum(served, http, path):
    answer = Answer(Reply(http.get(served().base_url + path)))
    assert (answer["returncode"], answer["version"]) == ("SUCCESS", "2.0")


def test_e9_a_url_over_8_kib_is_answered_in_html(served, http):
    query = signed("create", f"{CREATE}&welcome={'x' * 9000}")
    reply = http.get(f"{served().base_url}api/create?{query}")
    assert reply.status_code == 414
    assert reply.headers["Content-Type"].startswith("text/html")


def test_e10_a_caller_that_asks_for_json_gets_it_only_when_refused(served, http):
    server = served()
    headers = {"Accept": "application/json"}
    bad = http.get(f"{server.base_url}api/getMeetings", headers=headers)
    assert bad.json()["response"]["messageKey"] == "checksumError"
    good = http.get(f"{server.base_url}api/getMeetings?{signed('getMeetings')}", headers=headers)
    assert good.content == b""


def test_e33_malformed_slides_crash_but_the_meeting_exists(served, http, get):
    server = served("B")
    url = f"{server.base_url}api/create?{signed('create', CREATE)}"
    assert http.post(url, data=b"<modules>", headers={"Content-Type": "application/xml"}).status_code == 500
    assert get(server, "create", CREATE).key == "duplicateWarning"


def test_a_call_by_the_wrong_method_is_no_xml(served, http):
    server = served()
    assert http.post(f"{server.base_url}api/join?{signed('join')}").status_code == 405


def test_e31_two_creates_at_once_make_one_meeting(served):
    server = served("B", clock=time.time)
    keys = []

    def create():
        keys.append(Answer(Reply(requests.get(f"{server.base_url}api/create?{signed('create', CREATE)}"))).key or "")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(keys) == [""] + ["duplicateWarning"] * 7


# join in a browser


def test_a_join_link_connects_the_person_and_leads_to_the_classroom(served, get, http):
    server = served()
    get(server, "create", CREATE)
    reply = get(server, "join", "fullName=Zahra&meetingID=m1&password=ap&userID=u1")
    assert reply.status == 302
    assert "sessionToken=" in reply.headers["Location"]
    assert "JSESSIONID" in reply.headers["Set-Cookie"]
    assert http.get(reply.headers["Location"]).status_code == 200
    assert get(server, "getMeetingInfo", "meetingID=m1")["participantCount"] == "1"


def test_e57_a_registered_person_is_no_attendee_until_the_client_is_up(served, get, http):
    server = served(connect_on_join=False)
    get(server, "create", CREATE)
    reply = get(server, "join", "fullName=Zahra&meetingID=m1&password=ap&userID=u1")
    assert get(server, "getMeetingInfo", "meetingID=m1")["hasUserJoined"] == "false"
    http.get(reply.headers["Location"])
    assert get(server, "getMeetingInfo", "meetingID=m1")["attendees/attendee/userID"] == "u1"


# faults


@pytest.fixture
def opened(served, get):
    server = served()
    get(server, "create", CREATE)
    return server


@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [
        ("http_500", 500, b"<html>"),
        ("html_502", 502, b"<html>"),
        ("html_200", 200, b"<html>"),
        ("restart_web", 502, b"<html>"),
        ("redirect", 302, b""),
        ("empty", 200, b""),
        ("garbage", 200, b"\x00\x01"),
        ("truncate", 200, b"<response>"),
        ("not_found_blip", 200, b"<response><returncode>FAILED</returncode><messageKey>notFound"),
        ("checksum_error", 200, b"<response><returncode>FAILED</returncode><messageKey>checksumError"),
        ("slow_body", 200, b"<response>"),
        ("latency", 200, b"<response>"),
    ],
)
def test_e13_a_fault_strikes_once_and_is_over(opened, http, kind, status, start):
    url = f"{opened.base_url}api/getMeetingInfo?{signed('getMeetingInfo', 'meetingID=m1')}"
    whole = http.get(url).content
    opened.world.faults.add(Fault(kind, call="getMeetingInfo", count=1, seconds=0.01))
    reply = http.get(url, allow_redirects=False)
    assert reply.status_code == status
    assert reply.content.startswith(start)
    after = http.get(url).content
    assert (after == whole) is (kind != "restart_web")


def test_e13_truncate_cuts_where_it_is_told(opened, http):
    opened.world.faults.add(Fault("truncate", at=7))
    assert http.get(f"{opened.base_url}api/getMeetings?{signed('getMeetings')}").content == b"<respon"


def test_e13_two_documents(opened, http):
    opened.world.faults.add(Fault("two_documents"))
    assert http.get(f"{opened.base_url}api/getMeetings?{signed('getMeetings')}").content.count(b"<response>") == 2


def test_e11_an_answer_without_its_charset(opened, http):
    opened.world.faults.add(Fault("no_charset"))
    reply = http.get(f"{opened.base_url}api/getMeetings?{signed('getMeetings')}")
    assert reply.headers["Content-Type"] == "text/xml"


def test_e12_an_answer_with_byte_order_mark_and_declaration(opened, http):
    opened.world.faults.add(Fault("declared"))
    reply = http.get(f"{opened.base_url}api/getMeetings?{signed('getMeetings')}")
    assert reply.content.startswith(b"\xef\xbb\xbf<?xml")
    assert reply.content.endswith(b"</response>")


def test_e9_a_url_just_under_the_limit_is_answered(served, get):
    assert get(served(), "create", f"{CREATE}&welcome={'x' * 8000}").ok


@pytest.mark.parametrize(("kind", "exists"), [("drop", False), ("drop_after", True)])
def test_e14_a_dropped_create_may_have_been_executed(served, http, kind, exists):
    server = served()
    server.world.faults.add(Fault(kind, call="create", count=1))
    with pytest.raises(requests.ConnectionError):
        http.get(f"{server.base_url}api/create?{signed('create', CREATE)}")
    assert (server.world.meeting("m1") is not None) is exists


def test_a_fault_after_the_call_leaves_its_effect(served, http):
    server = served()
    server.world.faults.add(Fault("html_502", call="create", after=True))
    assert http.get(f"{server.base_url}api/create?{signed('create', CREATE)}").status_code == 502
    assert server.world.meeting("m1") is not None


def test_a_fault_may_be_meant_for_one_meeting(opened, get):
    get(opened, "create", CREATE.replace("m1", "m2"))
    opened.world.faults.add(Fault("not_found_blip", meeting_id="m2"))
    assert get(opened, "getMeetingInfo", "meetingID=m1").ok
    assert get(opened, "getMeetingInfo", "meetingID=m2").key == "notFound"
    opened.world.faults.clear()
    assert get(opened, "getMeetingInfo", "meetingID=m2").ok


def test_faults_of_chance_are_repeatable_by_seed():
    def struck(seed):
        world = World(SECRET, seed=seed)
        world.faults.add(Fault("drop", probability=0.5))
        return [bool(world.faults.take("create", None)) for _ in range(40)]

    assert struck(1) == struck(1) != struck(2)
    assert 5 < sum(struck(1)) < 35


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no fault named"):
        Fault("earthquake")
    assert "drop" in KINDS


# start and stop


def test_it_starts_fast_and_stops_without_a_trace(http):
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        begun = time.perf_counter()
        with serve(World(SECRET)) as server:
            assert time.perf_counter() - begun < 1
            http.get(server.base_url + "api")
        server.stop()
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        http.get(server.base_url + "api")


# control


@pytest.fixture
def control(http):
    def _(server, name, body=None, **headers):
        url = f"{server.origin}/control/{name}"
        return http.get(url, headers=headers) if body is None else http.post(url, json=body, headers=headers)

    return _


def test_people_and_faults_are_moved_by_control_calls(opened, get, control):
    person = {"meeting_id": "m1", "user_id": "u1", "full_name": "Zahra", "role": "VIEWER", "device": "1"}
    assert control(opened, "join", person).json()["connection"].startswith("w_")
    assert control(opened, "state").json()["meetings"][0]["inside"] == 1
    assert control(opened, "leave", person).json() == {"ok": True}
    assert control(opened, "truth").json()[0]["left_at"] is not None
    control(opened, "fault", {"kind": "not_found_blip"})
    assert get(opened, "getMeetingInfo", "meetingID=m1").key == "notFound"
    control(opened, "faults/clear", {})
    assert get(opened, "getMeetingInfo", "meetingID=m1").ok
    assert control(opened, "end", {"meeting_id": "m1"}).status_code == 200
    assert control(opened, "history").json()[0]["end_reason"] == "inside"


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("join", {}, 400), ("join", [], 400), ("end", {"meeting_id": "nope"}, 404), ("fault", {"kind": "x"}, 400)],
)
def test_wrong_control_calls_say_what_is_wrong(opened, control, name, body, status):
    reply = control(opened, name, body)
    assert reply.status_code == status
    assert reply.json()["error"]


def test_a_control_token_is_asked_for_where_it_is_set(served, control):
    server = served(control_token="t")
    assert control(server, "state").status_code == 401
    assert control(server, "state", **{"X-Control-Token": "t"}).status_code == 200


def test_a_crowd_can_be_asked_for_over_http(opened, control, clock):
    reply = control(opened, "crowd", {"seed": 1, "size": 5, "length": 100, "meeting_id": "m1"}).json()
    assert len(reply["people"]) == 5
    clock.forward(50)
    deadline = time.monotonic() + 5
    while not opened.world.truth() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert opened.world.truth()
