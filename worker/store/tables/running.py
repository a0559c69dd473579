"""How the program itself is doing: pulses, events, alarms, load."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


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
    actor: Mapped[str | None] = mapped_column(String(128))  #: who did it; None: the worker by itself
    detail: Mapped[str | None] = mapped_column(String(1000))
    __table_args__ = (
        Index("ix_events_occurrence", "occurrence_id", "at"),
        Index("ix_events_at", "at"),
    )


class Alarm(Base):
    """Something that people should look at: raised once for a cause, recovered once."""

    __tablename__ = "alarms"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    cause: Mapped[str] = mapped_column(String(128))  #: what it is about, such as ``occurrence:12`` or ``server:3``
    detail: Mapped[str] = mapped_column(String(1000))
    occurrence_id: Mapped[int | None] = mapped_column(ForeignKey("occurrences.id", ondelete="CASCADE"))
    server_id: Mapped[int | None] = mapped_column(ForeignKey("servers.id", ondelete="CASCADE"))
    raised_at: Mapped[datetime]
    recovered_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_alarms_open",
            "kind",
            "cause",
            unique=True,
            postgresql_where=text("recovered_at IS NULL"),
            sqlite_where=text("recovered_at IS NULL"),
        ),
    )


class Delivery(Base):
    """One message about an alarm to one target: tried until it is taken or given up. Never two for one cause."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarms.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))  #: raised or recovered
    target: Mapped[str] = mapped_column(String(32))  #: webhook or people
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None]  #: None: done, or given up
    delivered_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(500))
    __table_args__ = (
        UniqueConstraint("alarm_id", "kind", "target"),
        Index(
            "ix_deliveries_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
    )


class LoadPoint(Base):
    """How many people and meetings were on a server in one minute: the series of totals, free of names."""

    __tablename__ = "load_points"
    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    meetings: Mapped[int]
    people: Mapped[int]
    __table_args__ = (Index("ix_load_points_minute", "minute"),)
