"""Who may come in by the web."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from worker.store.tables.base import Base


class User(Base):
    """Somebody who may sign in to the web pages."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(8))
    teacher_id: Mapped[str | None] = mapped_column(String(128))  #: whose courses a teacher sees
    generation: Mapped[int] = mapped_column(default=0, server_default="0")  #: raised to sign out everywhere
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("role IN ('viewer', 'teacher', 'admin')", name="role"),)


class Token(Base):
    """An API token: only its digest is kept."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(128))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class CallbackSeen(Base):
    """A callback that was taken already: the same one again changes nothing."""

    __tablename__ = "callbacks_seen"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class SignInFailure(Base):
    """A try to sign in that failed, or is being looked at; gone after the window. Digests: a name may be a password."""

    __tablename__ = "sign_in_failures"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    __table_args__ = (
        Index("ix_sign_in_failures_name_at", "name", "at"),
        Index("ix_sign_in_failures_address_at", "address", "at"),
    )
