"""Polling: processor time a meeting, ours against other clients and against the least that could be done.

P1  getMeetings, 30 % of the meetings changed: ours against clients that ask for each meeting
P2  getMeetings, all changed: ours, with everybody's presence, against a loop that only fetches and reads the counters
P3  getMeetingInfo for each, 30 % of the meetings changed: ours against other clients
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from urllib.parse import urlencode

import requests

from benchmarks.crowded import SECRET, Crowded, crowded
from benchmarks.harness import Measured, measure, table
from worker import bbb
from worker.operations.attendance.look import Memory

#: A tenth, a third, and all.
_MEETINGS = (30, 100, 300)
_NOBODY = re.compile("(?!)")


class Peers:
    """The other clients, each as its documentation uses it."""

    def __init__(self, server: Crowded) -> None:
        self._names = [f"m{number}" for number in range(server.meetings)]
        self._url = server.base_url
        self._session = requests.Session()

    def bigbluebutton2(self) -> None:
        """One object a meeting, its information fetched and folded into it."""
        from bigbluebutton.api import BigBlueButtonGroup, Meeting

        group = BigBlueButtonGroup("bench", "bench", "bench")
        api = group.new("server", f"{self._url}api/", SECRET)
        for name in self._names:
            Meeting(api, meeting_id=name).get_meeting_info()

    def bigbluebutton_api_python(self) -> None:
        """A response object a meeting, its attendees read."""
        from bigbluebutton_api_python import BigBlueButton

        api = BigBlueButton(self._url.removesuffix("bigbluebutton/"), SECRET)
        for name in self._names:
            api.get_meeting_info(name).get_attendees()

    def plain(self) -> None:
        """requests and ElementTree, as one would write it in an afternoon."""
        for name in self._names:
            query = urlencode({"meetingID": name})
            signed = f"{query}&checksum={bbb.checksum('getMeetingInfo', query, SECRET, 'sha1')}"
            answer = self._session.get(f"{self._url}api/getMeetingInfo?{signed}", timeout=10)
            root = ElementTree.fromstring(answer.content)
            [{child.tag: child.text for child in each} for each in root.iter("attendee")]

    def counters(self) -> None:
        """One getMeetings, the counters of each meeting read, nobody's presence."""
        signed = f"checksum={bbb.checksum('getMeetings', '', SECRET, 'sha1')}"
        answer = self._session.get(f"{self._url}api/getMeetings?{signed}", timeout=10)
        root = ElementTree.fromstring(answer.content)
        wanted = ("participantCount", "voiceParticipantCount", "videoCount")
        [[int(meeting.findtext(name, "0")) for name in wanted] for meeting in root.iter("meeting")]


class Ours:
    """What poll does with a server, up to the database."""

    def __init__(self, server: Crowded) -> None:
        self._client = server.client()
        self._names = [f"m{number}" for number in range(server.meetings)]
        self._memory = Memory(_NOBODY)

    def bulk(self) -> None:
        """getMeetings, split, the changed ones parsed."""
        rooms = self._memory.read(1, bbb.split_meetings(self._client.meetings_raw()))
        assert len(rooms) == len(self._names)

    def each(self) -> None:
        """getMeetingInfo of every meeting."""
        for name in self._names:
            self._memory.answer(1, name, self._client.meeting_info_raw(name))


def _churned(server: Crowded, share: float, run: Callable[[], None]) -> Callable[[], None]:
    """The change happens on the server's processor, before the clock of the client counts."""

    def churn_and_run() -> None:
        server.churn(share)
        run()

    return churn_and_run


def _peers_settings() -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})


#: What is compared with what, and the bound.
_BOUNDS = (
    ("P1", "ours", "bigbluebutton2", 1 / 30),
    ("P1", "ours", "bigbluebutton-api-python", 1 / 60),
    ("P2", "all changed", "counters", 1.25),
    ("P3", "ours each", "bigbluebutton2", 1 / 6),
    ("P3", "ours each", "plain", 0.5),
)


def main() -> str:
    """The table."""
    _peers_settings()
    found = [_measured(size) for size in _MEETINGS]
    rows = [_row(found, *bound) for bound in _BOUNDS]
    head = "## Polling, processor time of the client, meetings of 30 people\n\n"
    sizes = [f"{size} meetings (range)" for size in _MEETINGS]
    return head + table(("", "ours / theirs", *sizes, "at most", "kept"), rows)


def _measured(size: int) -> tuple[Measured, Measured]:
    with crowded(size) as server:
        ours, peers = Ours(server), Peers(server)
        ours.bulk()
        some = measure(
            {
                "ours": _churned(server, 0.3, ours.bulk),
                "bigbluebutton2": peers.bigbluebutton2,
                "bigbluebutton-api-python": peers.bigbluebutton_api_python,
                "ours each": _churned(server, 0.3, ours.each),
                "plain": peers.plain,
            },
            rounds=5,
        )
        every = measure({"all changed": _churned(server, 1.0, ours.bulk), "counters": peers.counters}, rounds=9)
    return some, every


def _row(found: list[tuple[Measured, Measured]], name: str, case: str, base: str, at_most: float) -> tuple[object, ...]:
    ratios = [(some if case in some.cpu else every).ratio(case, base) for some, every in found]
    kept = all(ratio.median <= at_most for ratio in ratios)
    return name, f"{case} / {base}", *ratios, f"{at_most:.3g}", "yes" if kept else "NO"


if __name__ == "__main__":
    sys.stdout.write(main())
