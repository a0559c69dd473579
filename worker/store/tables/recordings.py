"""What servers kept, and what of it is in our archive."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


class Recording(Base):
    """What a server kept. ``record_id`` is the meeting's internal id; one that fits no meeting is kept and shown."""

    __tablename__ = "recordings"
    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id"))
    record_id: Mapped[str] = mapped_column(String(128))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meetings.id"), index=True)
    #: How its meeting was found: by its ``id``, by our ``label``, or by start and name in a ``session`` of Meetingz.
    matched_by: Mapped[str | None] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(512))
    state: Mapped[str] = mapped_column(String(16))
    published: Mapped[bool]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    size_bytes: Mapped[int | None]
    labels: Mapped[dict[str, str]]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    published_at: Mapped[datetime | None]  #: first seen with something to play
    ready_at: Mapped[datetime | None]  #: every format that is wanted was there, or was waited for long enough
    delete_requested_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]  #: seen to be gone there
    __table_args__ = (
        UniqueConstraint("server_id", "record_id"),
        CheckConstraint("matched_by IN ('id', 'label', 'session')", name="matched_by"),
        Index(
            "ix_recordings_deleting",
            "server_id",
            postgresql_where=text("delete_requested_at IS NOT NULL AND deleted_at IS NULL"),
            sqlite_where=text("delete_requested_at IS NOT NULL AND deleted_at IS NULL"),
        ),
    )


class Playback(Base):
    """One format of a recording."""

    __tablename__ = "playbacks"
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    format: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    length_minutes: Mapped[int | None]
    size_bytes: Mapped[int | None]


class File(Base):
    """One format of a recording, fetched into our archive."""

    __tablename__ = "files"
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    format: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    url: Mapped[str | None] = mapped_column(String(2048))  #: where it is stored
    size_bytes: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    etag: Mapped[str | None] = mapped_column(String(256))
    stored_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None]  #: when to try next
    error: Mapped[str | None] = mapped_column(String(500))
    __table_args__ = (
        CheckConstraint("state IN ('wanted', 'fetching', 'stored', 'failed', 'no_file', 'deleted')", name="state"),
        Index(
            "ix_files_due",
            "due_at",
            postgresql_where=text("state IN ('wanted', 'fetching')"),
            sqlite_where=text("state IN ('wanted', 'fetching')"),
        ),
    )
