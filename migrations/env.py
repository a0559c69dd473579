"""How Alembic reaches the database: through the program's own engine, given by the caller or made from the settings."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from worker.store.database import Database
from worker.store.tables import Base
from worker.store.types import Instant


def render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Migrations name SQLAlchemy's own types: they must still run when ours have changed."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    given: Any = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    from worker import settings

    with Database(settings.load().database).engine.begin() as connection:
        run(connection)


main()
