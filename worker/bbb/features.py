"""What a server can do, found out by harmless questions (protocol section 13)."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.bbb.client import Client
from worker.bbb.errors import Busy, ChecksumRefused, Error, Garbled, Refused, Unreachable, Unsupported
from worker.bbb.meetings import MeetingInfo, parse_meetings
from worker.bbb.recordings import parse_page
from worker.bbb.signing import ALGORITHMS

#: A recording and a meeting that no server has.
_NOBODY = "meetingz-worker-probe"
_NO_RECORD = f"{'0' * 40}-1"


@dataclass(frozen=True, slots=True)
class Features:
    """What was found. None means that it is not known: the server did not answer, or there was nothing to see yet.

    `bulk_attendees`: whether `getMeetings` names the people; unknown until a meeting with somebody in it is seen.
    `pages`: whether `getRecordings` divides into pages. `problem` says in words why the server cannot be used.
    """

    reachable: bool
    problem: str = ""
    version: str = ""
    build: str = ""
    checksums: tuple[str, ...] = ()
    bulk_meetings: bool | None = None
    bulk_attendees: bool | None = None
    recordings: bool | None = None
    captions: bool | None = None
    sessions: bool | None = None
    pages: bool | None = None

    def words(self) -> list[str]:
        """The findings as lines for people."""
        return [
            f"version: {self.build or self.version or 'not told'}",
            f"checksums: {', '.join(self.checksums) or 'none accepted'}",
            *(f"{label}: {_yes(value)}" for label, value in self._flags()),
            *([f"problem: {self.problem}"] if self.problem else []),
        ]

    def _flags(self) -> list[tuple[str, bool | None]]:
        return [
            ("reachable", self.reachable),
            ("list of meetings", self.bulk_meetings),
            ("attendees in the list", self.bulk_attendees),
            ("recordings", self.recordings),
            ("captions", self.captions),
            ("past sessions", self.sessions),
            ("pages of recordings", self.pages),
        ]


def probe(client: Client) -> Features:
    """Ask a server what it can do; a dozen small requests, nothing is changed. Never raises an `Error` (E90)."""
    reachable, problem, version, build = _greeting(client)
    if not reachable:
        return Features(False, problem)
    checksums, meetings, complaint = _listing(client)
    if not checksums:
        return Features(True, complaint, version, build)
    able = client.signed_with(checksums[0] if client.endpoint.checksum not in checksums else client.endpoint.checksum)
    recordings, pages = _recordings(able)
    return Features(
        reachable=True,
        version=version,
        build=build,
        checksums=checksums,
        bulk_meetings=True,
        bulk_attendees=_names_people(meetings),
        recordings=recordings,
        captions=_offered(lambda: able.text_tracks(_NO_RECORD)),
        sessions=_offered(lambda: able.sessions([_NOBODY])),
        pages=pages,
    )


def _greeting(client: Client) -> tuple[bool, str, str, str]:
    """Some servers hide their version: only silence means that there is nobody."""
    try:
        version = client.version()
    except Unreachable as error:
        return False, str(error), "", ""
    except Error:
        return True, "", "", ""
    return True, "", version.api, version.build


def _listing(client: Client) -> tuple[tuple[str, ...], list[MeetingInfo], str]:
    """The algorithms that are accepted, what `getMeetings` showed, and the last complaint."""
    accepted, meetings, complaint = [], [], ""
    for algorithm in ALGORITHMS:
        try:
            meetings = parse_meetings(client.signed_with(algorithm).meetings_raw())
        except Error as error:
            complaint = complaint or _said(error)
        else:
            accepted.append(algorithm)
    return tuple(accepted), meetings, complaint


def _said(error: Error) -> str:
    """What went wrong and where to look, for somebody who has just typed an address and a secret."""
    if isinstance(error, ChecksumRefused):
        return f"it refuses the checksum ({error.key}): the secret is wrong, or it is another server's"
    if isinstance(error, Garbled | Unsupported):
        return f"{error}; look at the address"
    return str(error)


def _names_people(meetings: list[MeetingInfo]) -> bool | None:
    """Whether the people who are counted are named; None while nobody is anywhere."""
    busy = [meeting for meeting in meetings if meeting.participant_count or meeting.attendees]
    return any(meeting.attendees for meeting in busy) if busy else None


def _recordings(client: Client) -> tuple[bool | None, bool | None]:
    pages: list[bool | None] = [None]

    def ask() -> None:
        pairs = [("recordID", _NO_RECORD), ("offset", "0"), ("limit", "1")]
        page = parse_page(client.ask("getRecordings", pairs))
        pages[0] = True if page.total is not None else None

    return _offered(ask), pages[0]


def _offered(question: Callable[[], object]) -> bool | None:
    """Whether a call is there. An unknown call may also be answered with a web page or a checksum error (E90)."""
    try:
        question()
    except (Unreachable, Busy):
        return None
    except (Unsupported, ChecksumRefused, Garbled):
        return False
    except Refused:
        return True
    return True


def _yes(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
