"""What servers kept, and what of it is in our archive."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


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
    delete_requested_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]  #: seen to be gone there
    __table_args__ = (UniqueConstraint("server_id", "record_id"),)


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
    )
