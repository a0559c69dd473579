"""A thin client: sign, send, parse. One method a call, values in and out, `Error` and below when it fails."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Self

from urllib3.filepost import encode_multipart_formdata

from worker.bbb.envelope import answer
from worker.bbb.errors import UnsafeRequest
from worker.bbb.meetings import Created, MeetingInfo, parse_created, parse_meeting_info, parse_meetings, parse_running
from worker.bbb.others import PastSession, Version, parse_sessions, parse_version
from worker.bbb.params import CreateParams
from worker.bbb.recording_calls import RecordingCalls, portions
from worker.bbb.signing import Endpoint, Params
from worker.bbb.transport import Transport

_URLS = 20_000


class Client(RecordingCalls):
    """Speaks to one server. May be shared between threads; make a new one after a fork. Times in seconds.

    No call is repeated by itself. `Unreachable` and `Garbled` leave open whether the server did what was asked; every
    call here can be made again safely.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        total_timeout: float = 30.0,
        max_reply_bytes: int = 64 * 2**20,
        pool_size: int = 10,
        verify: bool | str = True,
    ) -> None:
        self.endpoint = endpoint
        self._transport = Transport(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            total_timeout=total_timeout,
            max_reply_bytes=max_reply_bytes,
            pool_size=pool_size,
            verify=verify,
        )
        self._remember_urls()

    def _remember_urls(self) -> None:
        """The same meetings are asked for at every poll: each address is signed once."""
        endpoint = self.endpoint
        self._info_url = lru_cache(_URLS)(lambda name: endpoint.url("getMeetingInfo", [("meetingID", name)]))

    def __repr__(self) -> str:
        return f"Client({self.endpoint!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def signed_with(self, algorithm: str) -> "Client":
        """This client with another checksum algorithm and the same connections."""
        other = object.__new__(type(self))
        other.endpoint = Endpoint(self.endpoint.base_url, self.endpoint.secret, algorithm)
        other._transport = self._transport
        other._remember_urls()
        return other

    def ask(self, call: str, params: Params = ()) -> bytes:
        """The raw answer to any call, not yet looked at beyond HTTP: for calls that have no method here."""
        return self._transport.get(self.endpoint.url(call, params))

    def send_file(self, call: str, params: Params, file_name: str, data: bytes) -> bytes:
        """The raw answer to a call that takes a file, in the field `file`; the parameters are signed in the address."""
        body, content_type = encode_multipart_formdata({"file": (file_name, data, "application/octet-stream")})
        return self._transport.post(self.endpoint.url(call, params), body, content_type)

    def version(self) -> Version:
        """What the server says it is; needs no secret."""
        return parse_version(self._transport.get(self.endpoint.base_url + "api/"))

    def create(self, params: CreateParams, slides_xml: bytes | None = None) -> Created:
        """Make a meeting, or find the one a former `create` made: see `Created.duplicate` (E14, E18).

        Raises `IdTaken` if a live meeting has the id and other passwords. `slides_xml` are slides to load beforehand;
        malformed ones may leave a meeting behind an `Unreachable` (E33).
        """
        url = self.endpoint.url("create", params.as_query())
        if slides_xml is None:
            return parse_created(self._transport.get(url))
        return parse_created(self._transport.post(url, slides_xml, "application/xml"))

    def join_url(
        self,
        meeting_id: str,
        *,
        full_name: str,
        password: str,
        user_id: str | None = None,
        role: str | None = None,
        create_time_ms: int | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> str:
        """An address for one person's browser: a credential, to be made on the click (E66). Nothing is sent.

        The password decides the role on every version (E69); `role` is MODERATOR or VIEWER, from 2.4 on. With
        `create_time_ms` the link opens that run of the meeting and no later one.
        """
        pairs = [("fullName", full_name), ("meetingID", meeting_id), ("password", password)]
        pairs += [("userID", user_id)] if user_id else []
        pairs += [("role", role)] if role else []
        pairs += [("createTime", str(create_time_ms))] if create_time_ms else []
        pairs += sorted((extra or {}).items())
        _check_join(pairs)
        return self.endpoint.url("join", pairs)

    def is_running(self, meeting_id: str) -> bool:
        """Whether anybody is in; false for an unknown meeting (E41)."""
        return parse_running(self.ask("isMeetingRunning", [("meetingID", meeting_id)]))

    def end(self, meeting_id: str, password: str) -> None:
        """Ask for the end with the moderator's password. It comes a little later: poll until `NotFound` (E38).

        Raises `NotFound` for a meeting that is gone, which some versions report as `WrongPassword` (E40).
        """
        answer(self.ask("end", [("meetingID", meeting_id), ("password", password)]))

    def meetings(self) -> list[MeetingInfo]:
        """All meetings of the server that this secret sees, breakout rooms too, attendees where it lists them."""
        return parse_meetings(self.meetings_raw())

    def meetings_raw(self) -> bytes:
        """The answer to `getMeetings` as it came, for `split_meetings`, which checks it."""
        return self._transport.get_often(self.endpoint.url("getMeetings"))

    def meeting_info(self, meeting_id: str) -> MeetingInfo:
        """One meeting and who is in it. Raises `NotFound` if the server knows no such meeting (now: E43)."""
        return parse_meeting_info(self.ask("getMeetingInfo", [("meetingID", meeting_id)]))

    def meeting_info_raw(self, meeting_id: str) -> bytes:
        """The answer to `getMeetingInfo` as it came, for `parse_roll_call_info`, which checks it."""
        return self._transport.get_often(self._info_url(meeting_id))

    def sessions(self, meeting_ids: Sequence[str] = ()) -> list[PastSession]:
        """Past sittings, as only Meetingz keeps them, oldest first. Raises `Unsupported` elsewhere (E92)."""
        portioned = portions(meeting_ids) if meeting_ids else [""]
        queries = [[("meetingID", portion)] if portion else [] for portion in portioned]
        return [session for query in queries for session in parse_sessions(self.ask("getSessions", query))]

    def send_chat_message(self, meeting_id: str, text: str, user_name: str) -> None:
        """A line in the public chat (3.0 and later; `Unsupported` elsewhere)."""
        pairs = [("meetingID", meeting_id), ("message", text), ("userName", user_name)]
        answer(self.ask("sendChatMessage", pairs))


def _check_join(pairs: list[tuple[str, str]]) -> None:
    """Names of user data become XML elements: a bad one breaks every later list of meetings (E61)."""
    names = [name for name, _ in pairs]
    if not all(value for name, value in pairs[:3]) or len(set(names)) != len(names):
        raise UnsafeRequest("join: fullName, meetingID and password are needed, and each parameter once")
    for name in names:
        if name.startswith("userdata-") and not re.fullmatch("userdata-[A-Za-z_][A-Za-z0-9_.]*", name):
            raise UnsafeRequest(f"join: {name[:40]!r} would not be readable again")
