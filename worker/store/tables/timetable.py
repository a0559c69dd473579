"""What is planned: courses, slots, holidays, occurrences, and who is enrolled."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


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
    server_id: Mapped[int | None] = mapped_column(ForeignKey("servers.id"))  #: pinned to this server
    present_percent: Mapped[float | None]  #: thresholds of its own; None: the setting
    partial_percent: Mapped[float | None]
    late_seconds: Mapped[float | None]
    left_early_seconds: Mapped[float | None]
    download: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    recording_formats: Mapped[str | None] = mapped_column(String(128))  #: that are waited for; None: the setting
    keep_server_days: Mapped[int | None]  #: recordings on the server; None: for ever
    keep_archive_days: Mapped[int | None]  #: downloaded files; None: for ever
    options: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    archived_at: Mapped[datetime | None] = mapped_column(index=True)
    __table_args__ = (
        CheckConstraint("record IN ('never', 'manual', 'always')", name="record"),
        CheckConstraint("end_policy IN ('end', 'spare', 'never')", name="end_policy"),
    )


class CourseKey(Base):
    """What a course is found by, in any spelling: its code, each of its teachers, each of its rooms.

    Written with the course; a key is what spellings have in common, cut to :data:`LONGEST`.
    """

    LONGEST = 200

    __tablename__ = "course_keys"
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (
        CheckConstraint("kind IN ('code', 'teacher', 'room')", name="kind"),
        Index("ix_course_keys_course_id", "course_id"),
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
    __table_args__ = (
        # Where nothing is due, asking costs nothing, however many slots there are.
        Index(
            "ix_slots_planned_until",
            "planned_until",
            postgresql_where=text("retired_at IS NULL"),
            sqlite_where=text("retired_at IS NULL"),
        ),
    )


class Holiday(Base):
    """Days without classes. An estimated one is only a suggestion: it cancels nothing until somebody says so."""

    __tablename__ = "holidays"
    id: Mapped[int] = mapped_column(primary_key=True)
    first_day: Mapped[date]
    last_day: Mapped[date]  #: included
    title: Mapped[str] = mapped_column(String(256))
    source: Mapped[str] = mapped_column(String(32), default="manual", server_default="manual")
    estimated: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    observed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))  #: whether it cancels classes
    __table_args__ = (
        UniqueConstraint("first_day", "title"),
        CheckConstraint("last_day >= first_day", name="days"),
    )


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
    holiday_id: Mapped[int | None] = mapped_column(ForeignKey("holidays.id", ondelete="SET NULL"))  #: what cancelled it
    #: Its room was ended from inside by a moderator after the start: it is not opened again by itself.
    finished_at: Mapped[datetime | None]
    #: Its window is over, nothing of it is live, its stays are folded.
    settled_at: Mapped[datetime | None]
    #: Its observations were pruned: its stays stand as they are, and cannot be folded again.
    pruned_at: Mapped[datetime | None]
    emptied_at: Mapped[datetime | None]  #: its stays were pruned as well: nobody's attendance of it is known any more
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
