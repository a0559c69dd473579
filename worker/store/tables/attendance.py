"""What is made of the facts: stays, gaps, and what people corrected."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


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


class ExactStay(Base):
    """Presence as the server itself reports it after a meeting: exact where it is there, beside what polls saw."""

    __tablename__ = "exact_stays"
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meetings.id", ondelete="CASCADE"), primary_key=True)
    attendee_key: Mapped[str] = mapped_column(String(280), primary_key=True)
    first_at: Mapped[datetime] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]
    full_name: Mapped[str] = mapped_column(String(512))
    role: Mapped[str] = mapped_column(String(16))


class Correction(Base):
    """Somebody changed somebody's status: who, when, why. The observed fact stays; the newest one not undone holds."""

    __tablename__ = "corrections"
    id: Mapped[int] = mapped_column(primary_key=True)
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(String(256))
    before: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(128))
    __table_args__ = (
        CheckConstraint("status IN ('present', 'partial', 'absent', 'excused', 'unknown')", name="status"),
        Index("ix_corrections_occurrence", "occurrence_id", "user_id"),
    )
