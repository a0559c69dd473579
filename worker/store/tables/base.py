"""What all tables share: names of constraints, types of columns, and the installation's own row."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Integer, MetaData, String
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
    """One row: the random token that tells our meetings from those of another database with the same origin, and the
    lead of the settings that classes were planned with.
    """

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(16))
    lead_seconds: Mapped[float | None]
