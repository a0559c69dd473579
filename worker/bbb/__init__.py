"""The BigBlueButton and Meetingz HTTP API: a client that knows the wire and nothing else of this program.

    endpoint = Endpoint("https://api.meetingz.ir/<key>/", secret)
    with Client(endpoint) as client:
        made = client.create(CreateParams(meeting_id="alg-101", name="Algebra", attendee_pw="a7x", moderator_pw="m7x"))
        link = client.join_url("alg-101", full_name="Zahra", password="a7x", user_id="stu-42")
        for meeting in client.meetings():
            print(meeting.name, [attendee.full_name for attendee in meeting.attendees])

Rooms, from the inside out; everything but `transport` is a pure function of bytes and values:

    errors      the tree of what can go wrong, drawn there
    redact      hides checksums, passwords, secrets in any text
    signing     Endpoint: base address, checksum, signed addresses
    params      CreateParams: what `create` can be told
    values      tolerant integers, booleans, times
    envelope    bytes -> one checked answer, or an error
    meetings, attendees, segments, recordings, others    answers -> values; `replies` has them all
    roll_call   the same for a poll: who is in, at half the cost
    wanted      which recordings were asked for
    transport   one pool of connections: an address in, bytes out
    client, recording_calls    one method a call
    features    what a server can do

Three outcomes, never mixed up: a value; `NotFound` and the other `Refused`, by which the server has spoken; and
`Unreachable` or `Garbled`, after which nothing is known. Times of the server are milliseconds since 1970 (`..._ms`),
limits of a meeting are minutes (`..._minutes`), limits of the client are seconds.

The protocol has five dialects (versions 2.0 to 3.x, Meetingz, load balancers). The rules kept here are named by their
case numbers (E1 to E93) in the docstrings, and each has its test by the same number.
"""

from worker.bbb.analytics import Analytics, Presence, parse_analytics
from worker.bbb.client import Client
from worker.bbb.errors import (
    Busy,
    ChecksumRefused,
    Error,
    Garbled,
    IdTaken,
    NotFound,
    Refused,
    Unreachable,
    UnsafeRequest,
    Unsupported,
    WrongPassword,
)
from worker.bbb.features import Features, probe
from worker.bbb.params import CreateParams
from worker.bbb.recordings import Page
from worker.bbb.redact import redact
from worker.bbb.replies import (
    Attendee,
    Created,
    MeetingInfo,
    PastSession,
    Playback,
    Recording,
    TextTrack,
    Version,
    internal_id,
    parse_created,
    parse_meeting,
    parse_meeting_info,
    parse_meetings,
    parse_recordings,
    parse_running,
    parse_sessions,
    parse_text_tracks,
    parse_version,
    split_meetings,
)
from worker.bbb.roll_call import RollCall, Who, parse_roll_call, parse_roll_call_info
from worker.bbb.signing import ALGORITHMS, Endpoint, checksum, query_string

__all__ = [
    "ALGORITHMS",
    "Analytics",
    "Attendee",
    "Busy",
    "ChecksumRefused",
    "Client",
    "CreateParams",
    "Created",
    "Endpoint",
    "Error",
    "Features",
    "Garbled",
    "IdTaken",
    "MeetingInfo",
    "NotFound",
    "Page",
    "PastSession",
    "Playback",
    "Presence",
    "Recording",
    "Refused",
    "RollCall",
    "TextTrack",
    "Unreachable",
    "UnsafeRequest",
    "Unsupported",
    "Version",
    "Who",
    "WrongPassword",
    "checksum",
    "internal_id",
    "parse_analytics",
    "parse_created",
    "parse_meeting",
    "parse_meeting_info",
    "parse_meetings",
    "parse_recordings",
    "parse_roll_call",
    "parse_roll_call_info",
    "parse_running",
    "parse_sessions",
    "parse_text_tracks",
    "parse_version",
    "probe",
    "query_string",
    "redact",
    "split_meetings",
]
