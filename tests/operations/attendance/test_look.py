"""What a server shows of our meetings: an answer, notFound, or nothing known."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.conftest import SECRET
from worker import bbb
from worker.operations.attendance.look import Memory, look
from worker.simulator import PROFILES, Fault


class Shown:
    """One server with three meetings, m1 to m3; m1 has somebody in."""

    def __init__(self, running):
        self.world = running.world
        self.client = bbb.Client(bbb.Endpoint(running.base_url, SECRET, "sha1"), read_timeout=2)
        self.memory = Memory(re.compile("^recorder"))
        self.ours = [self.make(number) for number in (1, 2, 3)]
        self.world.join("m1", "u1", "Zahra")

    def make(self, number):
        passwords = {"attendee_pw": "ap", "moderator_pw": "mp"}
        made = self.client.create(bbb.CreateParams(meeting_id=f"m{number}", name="Algebra", **passwords))
        return SimpleNamespace(id=number, external_id=f"m{number}", internal_id=made.internal_id)

    def look(self, bulk=None):
        return look(self.client, 1, bulk, self.ours, self.memory)

    def calls(self, monkeypatch):
        """The names of the calls from here on."""
        made = []
        real = bbb.Endpoint.url

        def url(endpoint, call, params=()):
            made.append(call)
            return real(endpoint, call, params)

        monkeypatch.setattr(bbb.Endpoint, "url", url)
        return made


@pytest.fixture
def shown(served):
    made = []

    def _(profile="B"):
        made.append(Shown(served(profile)))
        return made[-1]

    yield _
    for each in made:
        each.client.close()


def test_one_list_answers_for_all(shown, monkeypatch):
    server = shown()
    calls = server.calls(monkeypatch)
    view = server.look()
    assert calls == ["getMeetings"]
    assert set(view.rooms) == {1, 2, 3}
    assert [seen.user_id for seen in view.rooms[1].people] == ["u1"]
    assert (view.bulk, view.missing, len(view.everything)) == (True, set(), 3)


def test_nobody_anywhere_tells_nothing_about_lists(shown, clock):
    server = shown()
    server.world.leave("m1", "u1")
    clock.advance(seconds=30)
    assert server.look().bulk is None


def test_a_list_without_names_is_not_believed(shown, monkeypatch):
    server = shown(replace(PROFILES["B"], bulk_attendees=False))
    view = server.look()
    assert view.bulk is False
    assert [seen.user_id for seen in view.rooms[1].people] == ["u1"]
    calls = server.calls(monkeypatch)
    server.look(bulk=False)
    assert "getMeetings" not in calls


def test_what_the_list_does_not_show_is_asked_for(shown):
    server = shown()
    server.world.end_from_inside("m2")
    view = server.look()
    assert (set(view.rooms), view.missing, view.silent) == ({1, 3}, {2}, {})


def test_no_answer_about_one_meeting_says_nothing_about_it(shown):
    server = shown()
    server.world.end_from_inside("m2")
    server.world.faults.add(Fault("html_200", call="getMeetingInfo"))
    view = server.look()
    assert (set(view.rooms), view.missing, set(view.silent)) == ({1, 3}, set(), {2})


@pytest.mark.parametrize(
    "kind", ["drop", "http_500", "html_200", "truncate", "empty", "checksum_error", "not_found_blip"]
)
def test_no_list_at_all_is_an_error(shown, kind):
    server = shown()
    server.world.faults.add(Fault(kind, call="getMeetings"))
    with pytest.raises(bbb.Error):
        server.look()


def test_a_server_silent_about_every_single_meeting_is_an_error(shown):
    server = shown()
    server.world.faults.add(Fault("drop", call="getMeetingInfo"))
    with pytest.raises(bbb.Unreachable):
        server.look(bulk=False)


def test_an_unchanged_segment_is_not_parsed_again(shown, monkeypatch):
    server = shown()
    first = server.look()
    monkeypatch.setattr("worker.operations.attendance.look.bbb.parse_roll_call", None)
    assert server.look().rooms == first.rooms


def test_an_unchanged_answer_about_one_meeting_is_not_parsed_again(shown, monkeypatch):
    server = shown()
    first = server.look(bulk=False)
    monkeypatch.setattr("worker.operations.attendance.look.bbb.parse_roll_call_info", None)
    assert server.look(bulk=False).rooms == first.rooms


@pytest.mark.parametrize("bulk", [True, False])
def test_a_recorder_counts_for_nobody_however_often_the_others_change(shown, bulk):
    server = shown()
    server.world.join("m1", "recorder-1", "Bot", role="MODERATOR")
    for number in (2, 3):
        assert (server.look(bulk).rooms[1].heads, server.look(bulk).rooms[1].moderators) == (number - 1, 0)
        server.world.join("m1", f"u{number}", "Somebody")
    server.world.join("m1", "t", "Teacher", role="MODERATOR")
    assert (server.look(bulk).rooms[1].heads, server.look(bulk).rooms[1].moderators) == (4, 1)


def test_e44_of_two_runs_of_one_id_the_one_we_know_is_taken(shown):
    server = shown()
    room = server.look().rooms[1]
    assert room.internal_id == server.ours[0].internal_id
    server.ours[0].internal_id = "an-earlier-run"
    assert server.look().rooms[1].internal_id == room.internal_id


def test_a_count_that_lags_behind_does_not_end_the_listing_of_a_server(shown):
    """Somebody has just left and is counted still: of the only room, and beside one whose people are named."""
    server = shown()
    server.world.leave("m1", "u1")
    lagging(server.world, "m1")
    alone = server.look()
    assert (alone.bulk, alone.rooms[1].people) == (None, ())
    server.world.join("m2", "u2", "Ali")
    beside = server.look(bulk=True)
    assert (beside.bulk, [who.user_id for who in beside.rooms[2].people]) == (True, ["u2"])
    assert set(beside.rooms) == {1, 2, 3}


def lagging(world, meeting_id):
    """Nobody is named in it, and somebody is counted."""
    meeting = world.meeting(meeting_id)
    for person in meeting.people:
        person.leaves_list, person.leaves_count = 0.0, float("inf")
    meeting.touch()


@pytest.mark.parametrize("call", ["meetings_raw", "meeting_info_raw"])
def test_e42_a_meeting_that_was_forcibly_ended_is_none(shown, monkeypatch, call):
    server = shown()
    for name in {"meetings_raw", "meeting_info_raw"} if call == "meetings_raw" else {call}:
        real = getattr(server.client, name)
        ended = lambda *given, real=real: real(*given).replace(b"Ended>false", b"Ended>true")  # noqa: E731
        monkeypatch.setattr(server.client, name, ended)
    view = server.look(bulk=None if call == "meetings_raw" else False)
    assert (view.missing, view.rooms) == ({1, 2, 3}, {})
