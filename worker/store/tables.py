"""The tables. Constraints, not care, keep a meeting from opening twice; the design's section 4 tells what each is for.

All times are UTC. Enumerations are stored by their words. A row of history is never overwritten by a plan.
"""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from worker.store.types import Instant

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own idiom
        datetime: Instant,
        dict[str, str]: JSON,
        # SQLite numbers rows by itself only where the column says INTEGER.
        int: BigInteger().with_variant(Integer, "sqlite"),
    }


class Installation(Base):
    """One row: the random token that tells our meetings from those of another database with the same origin."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(16))


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
    enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    draining: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    #: Health with inertia: it takes several answers in a row to change ``healthy``.
    healthy: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    successes: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None] = mapped_column(String(500))
    checked_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]  #: claimed by a poll, so that doubled messages do not double the work
    harvested_at: Mapped[datetime | None]
    people: Mapped[int] = mapped_column(default=0, server_default="0")  #: everybody on it at the last poll
    meetings: Mapped[int] = mapped_column(default=0, server_default="0")  #: every meeting on it at the last poll
    #: Does getMeetings list attendees? None: not known yet.
    bulk_poll: Mapped[bool | None]
    features: Mapped[dict[str, str] | None]


class Course(Base):
    """What is taught."""

    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(256))
    teacher_id: Mapped[str | None] = mapped_column(String(128))
    teacher_name: Mapped[str | None] = mapped_column(String(256))
    room: Mapped[str | None] = mapped_column(String(128))
    timezone: Mapped[str] = mapped_column(String(64))
    lead_seconds: Mapped[float | None]
    grace_seconds: Mapped[float | None]
    record: Mapped[str] = mapped_column(String(8), default="never", server_default="never")
    end_policy: Mapped[str] = mapped_column(String(8), default="end", server_default="end")
    expected: Mapped[int | None]
    options: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    archived_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("record IN ('never', 'manual', 'always')", name="record"),
        CheckConstraint("end_policy IN ('end', 'never')", name="end_policy"),
    )


class Slot(Base):
    """The rule by which a course recurs. Its cron is its identity: another cron is another row, the old one retired."""

    __tablename__ = "slots"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    cron: Mapped[str] = mapped_column(String(128))
    minutes: Mapped[int]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    every_weeks: Mapped[int] = mapped_column(default=1, server_default="1")
    anchor: Mapped[date | None]
    retired_at: Mapped[datetime | None]
    planned_until: Mapped[datetime | None]  #: how far its occurrences are written already


class Occurrence(Base):
    """One dated sitting. Moving keeps ``original_start``; cancelling keeps the row."""

    __tablename__ = "occurrences"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    slot_id: Mapped[int | None] = mapped_column(ForeignKey("slots.id"))
    original_start: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    extended_until: Mapped[datetime | None]
    opens_at: Mapped[datetime]  #: starts_at less the lead: the stored due time of provisioning
    closes_at: Mapped[datetime]  #: the later of ends_at and extended_until, before any grace
    planned_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(500))
    #: Its room was ended from inside by a moderator after the start: it is not opened again by itself.
    finished_at: Mapped[datetime | None]
    #: Its window is over, nothing of it is live, its stays are folded.
    settled_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("slot_id", "original_start"),
        Index(
            "uq_occurrences_extra",
            "course_id",
            "original_start",
            unique=True,
            postgresql_where=text("slot_id IS NULL"),
            sqlite_where=text("slot_id IS NULL"),
        ),
        # What may be due is a small, moving band: all others are out of this index.
        Index(
            "ix_occurrences_unsettled",
            "opens_at",
            postgresql_where=text("settled_at IS NULL"),
            sqlite_where=text("settled_at IS NULL"),
        ),
        Index("ix_occurrences_starts_at", "starts_at"),
        Index("ix_occurrences_ends_at", "ends_at"),
        Index("ix_occurrences_course_starts", "course_id", "starts_at"),
    )


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
    people: Mapped[int] = mapped_column(default=0, server_default="0")  #: distinct people at the last poll
    moderators: Mapped[int] = mapped_column(default=0, server_default="0")
    missed_at: Mapped[datetime | None]  #: first of the misses in a row
    misses: Mapped[int] = mapped_column(default=0, server_default="0")
    end_requested_at: Mapped[datetime | None]
    end_requests: Mapped[int] = mapped_column(default=0, server_default="0")
    end_refused: Mapped[str | None] = mapped_column(String(64))  #: the server's key; asking again would not help
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(10))
    recorded: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
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
            "ix_meetings_live_server",
            "server_id",
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
    )


class Attendee(Base):
    """Somebody the server named in a meeting; a number that observations use. Names live here and nowhere else."""

    __tablename__ = "attendees"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[str] = mapped_column(String(256))
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16))
    __table_args__ = (UniqueConstraint("meeting_id", "user_id", "full_name", "role", name="uq_attendees_who"),)


class Observation(Base):
    """Who was there over a run of successful polls that all saw the same people: numbers of attendees, one a device."""

    __tablename__ = "observations"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    first_at: Mapped[datetime] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]
    polls: Mapped[int]
    attendees: Mapped[str]
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012


class Stay(Base):
    """Unbroken presence of one person in one occurrence. Derived: it can be folded again."""

    __tablename__ = "stays"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True)
    attendee_key: Mapped[str] = mapped_column(String(280), primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(primary_key=True)
    last_seen: Mapped[datetime]
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(10), default="poll", server_default="poll")


class Gap(Base):
    """A time within an occurrence's window about which nothing is known. Derived, as stays are."""

    __tablename__ = "gaps"
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True)
    first_at: Mapped[datetime] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]


class Participant(Base):
    """Who is enrolled in a course, and since and until which day."""

    __tablename__ = "participants"
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16), default="viewer", server_default="viewer")
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    __table_args__ = (CheckConstraint("role IN ('viewer', 'moderator')", name="role"),)


class Recording(Base):
    """What a server kept. ``record_id`` is the meeting's internal id; one that fits no meeting is kept and shown."""

    __tablename__ = "recordings"
    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id"))
    record_id: Mapped[str] = mapped_column(String(128))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meetings.id"), index=True)
    name: Mapped[str] = mapped_column(String(512))
    state: Mapped[str] = mapped_column(String(16))
    published: Mapped[bool]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    size_bytes: Mapped[int | None]
    labels: Mapped[dict[str, str]]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("server_id", "record_id"),)


class Playback(Base):
    """One format of a recording."""

    __tablename__ = "playbacks"
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    format: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    length_minutes: Mapped[int | None]
    size_bytes: Mapped[int | None]


class Pulse(Base):
    """One row a loop: a dead beat is seen."""

    __tablename__ = "pulses"
    loop: Mapped[str] = mapped_column(String(16), primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(500))


class Event(Base):
    """The story of an occurrence or a server, one row a fact; written in the transaction that made it true."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    occurrence_id: Mapped[int | None] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"))
    server_id: Mapped[int | None] = mapped_column(ForeignKey("servers.id", ondelete="CASCADE"))
    detail: Mapped[str | None] = mapped_column(String(1000))
    __table_args__ = (
        Index("ix_events_occurrence", "occurrence_id", "at"),
        Index("ix_events_at", "at"),
    )
