"""What happened on servers: servers, meetings, and who was seen in them. Facts: never rewritten."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    case,
    func,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from worker.store.tables.base import Base

#: Rows that every poll may move: on PostgreSQL a page keeps room for their next version, so that no index is written.
ROOM_TO_MOVE = {"postgresql_with": {"fillfactor": "70"}}


class Server(Base):
    """One API endpoint with its secret, its health and what it can do."""

    __tablename__ = "servers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    api_url: Mapped[str] = mapped_column(String(512), unique=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)  #: encrypted
    checksum: Mapped[str] = mapped_column(String(8), default="sha1", server_default="sha1")
    capacity: Mapped[int | None]  #: people at once; None: no limit known
    weight: Mapped[float] = mapped_column(default=1.0, server_default="1")
    #: Creates a second at most; None: no limit.
    rate_limit: Mapped[float | None]
    #: How long the server still lists somebody who has left (protocol section 5), seconds.
    leave_latency_seconds: Mapped[float] = mapped_column(default=0.0, server_default="0")
    enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    draining: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    #: Health with inertia: it takes several answers in a row to change ``healthy``.
    healthy: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    successes: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None] = mapped_column(String(500))
    checked_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]  #: claimed by a poll, so that doubled messages do not double the work
    harvested_at: Mapped[datetime | None]  #: last answer about recordings
    #: The slow pass over all recordings with our label: when it began, and how far it has come; None: it is done.
    full_harvest_at: Mapped[datetime | None]
    full_harvest_offset: Mapped[int | None]
    people: Mapped[int] = mapped_column(default=0, server_default="0")  #: everybody on it at the last poll
    meetings: Mapped[int] = mapped_column(default=0, server_default="0")  #: every meeting on it at the last poll
    #: Does getMeetings list attendees? None: not known yet.
    bulk_poll: Mapped[bool | None]
    #: Meetings in a row that we ended and it did not tell us of (end callback); None: it never has told us of one.
    untold_ends: Mapped[int | None]
    features: Mapped[dict[str, str] | None]


class Meeting(Base):
    """One run of an occurrence on a server. At most one of an occurrence is live: the database says so."""

    __tablename__ = "meetings"
    id: Mapped[int] = mapped_column(primary_key=True)
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"), index=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id"))
    external_id: Mapped[str] = mapped_column(String(64))
    internal_id: Mapped[str | None] = mapped_column(String(128))
    create_time: Mapped[int | None]  #: the server's, milliseconds: identity, never a clock
    passwords: Mapped[bytes] = mapped_column(LargeBinary)  #: encrypted JSON [attendee, moderator]
    state: Mapped[str] = mapped_column(String(10))
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    opened_at: Mapped[datetime | None]
    last_seen_at: Mapped[
        datetime | None
    ]  #: last poll that found it; written when it closes, until then see observations
    if TYPE_CHECKING:  # of the last poll, see the end of this file
        people: Mapped[int]  #: distinct people
        moderators: Mapped[int]  #: of these
    missed_at: Mapped[datetime | None]  #: first of the misses in a row
    misses: Mapped[int] = mapped_column(default=0, server_default="0")
    end_requested_at: Mapped[datetime | None]
    end_requests: Mapped[int] = mapped_column(default=0, server_default="0")
    end_refused: Mapped[str | None] = mapped_column(String(64))  #: the server's key; asking again would not help
    end_told_at: Mapped[datetime | None]  #: when somebody last said that it had ended (end callback, unsigned)
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(10))
    recorded: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  #: made with record=true
    recording: Mapped[bool | None]  #: the server's own flag at the last poll: whether it was made with record=true
    exact_from: Mapped[datetime | None]  #: the time that the server's own report covers, by our clock; see exact_stays
    exact_until: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]  #: people inside were told that the end is near
    #: Closed here, but perhaps alive on its server, since when: ``end`` looks, and ends it.
    doubted_at: Mapped[datetime | None]
    #: The back-off ladder of a recording that is waited for: when to ask next, and how often it was asked.
    recording_due_at: Mapped[datetime | None]
    recording_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    __table_args__ = (
        UniqueConstraint("server_id", "internal_id"),
        CheckConstraint("state IN ('requested', 'open', 'ending', 'closed')", name="state"),
        CheckConstraint("(closed_at IS NULL) = (state <> 'closed')", name="closed"),
        Index(
            "uq_meetings_live",
            "occurrence_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_meetings_recording_new",
            "server_id",
            postgresql_where=text("recorded AND recording_tries = 0 AND recording_due_at IS NULL"),
            sqlite_where=text("recorded AND recording_tries = 0 AND recording_due_at IS NULL"),
        ),
        Index(
            "ix_meetings_recording_due",
            "server_id",
            "recording_due_at",
            postgresql_where=text("recording_due_at IS NOT NULL"),
            sqlite_where=text("recording_due_at IS NOT NULL"),
        ),
        Index(
            "ix_meetings_live_server",
            "server_id",
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_meetings_doubted",
            "doubted_at",
            postgresql_where=text("doubted_at IS NOT NULL"),
            sqlite_where=text("doubted_at IS NOT NULL"),
        ),
        ROOM_TO_MOVE,
    )


class Attendee(Base):
    """Somebody the server named in a meeting; a number that observations use. Names live here and nowhere else.

    Nobody has two numbers, and the key is enough for that: newcomers take the next ones, all of them or none.
    """

    __tablename__ = "attendees"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[str] = mapped_column(String(256))
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16))


class EndedObservation(Base):
    """Who was there over a run of successful polls that all saw the same people: numbers of attendees, one a device.

    Rows are only ever added, in the order of time: a sweep writes few pages, however long the classes have gone on.
    """

    __tablename__ = "observations"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    first_at: Mapped[datetime] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]
    polls: Mapped[int]
    attendees: Mapped[str]


class OngoingObservation(Base):
    """The run of polls of one live meeting that has not ended: the one row of it that every poll may move."""

    __tablename__ = "ongoing_observations"
    meeting_id: Mapped[int] = mapped_column(
        ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    polls: Mapped[int]
    attendees: Mapped[str]
    people: Mapped[int]  #: distinct people, recorders left out
    moderators: Mapped[int]  #: of these
    __table_args__ = (ROOM_TO_MOVE,)


class Observation(Base):
    """All runs of polls, ended and ongoing. To be read only: written are :class:`EndedObservation` and its fellow."""

    __table__ = union_all(
        *(
            select(each.meeting_id, each.first_at, each.last_at, each.polls, each.attendees)
            for each in (EndedObservation, OngoingObservation)
        )
    ).subquery("all_observations")
    __mapper_args__ = {"primary_key": [__table__.c.meeting_id, __table__.c.first_at]}  # noqa: RUF012
    if TYPE_CHECKING:
        meeting_id: Mapped[int]
        first_at: Mapped[datetime]
        last_at: Mapped[datetime]
        polls: Mapped[int]
        attendees: Mapped[str]


def _at_last_poll(count: Mapped[int]) -> ColumnElement[Any]:
    """A count of a meeting's last poll; 0 before the first, and once the meeting is closed."""
    counted = select(count).where(OngoingObservation.meeting_id == Meeting.id).scalar_subquery()
    return case((Meeting.closed_at.is_(None), func.coalesce(counted, 0)), else_=0)


Meeting.people = column_property(_at_last_poll(OngoingObservation.people))
Meeting.moderators = column_property(_at_last_poll(OngoingObservation.moderators))
