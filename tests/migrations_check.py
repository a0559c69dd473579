"""``python -m tests.migrations_check``: migrations up, compared with the tables, down, and up again, on both databases.

One line a step; exit status 1 on trouble.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from alembic.script import ScriptDirectory

from tests import services
from worker.store import migrate
from worker.store.database import Database


class Trouble(Exception):
    """A step did not end as it must."""


def one_head() -> None:
    heads = ScriptDirectory(str(migrate.folder())).get_heads()
    if len(heads) != 1:
        raise Trouble(f"{len(heads)} heads: {', '.join(heads)}")


def steps(database: Database) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is to be tried on an empty database, in order."""
    yield "upgrade", lambda: migrate.upgrade(database)
    yield "tables agree", lambda: _agree(database)
    yield "downgrade to base", lambda: migrate.downgrade(database, "base")
    yield "nothing is left", lambda: _empty(database)
    yield "upgrade again", lambda: migrate.upgrade(database)
    yield "tables agree again", lambda: _agree(database)
    yield "upgrade once more", lambda: migrate.upgrade(database)
    yield "it is the newest", lambda: migrate.require_current(database)


def _agree(database: Database) -> None:
    if found := migrate.differences(database):
        raise Trouble(found)


def _empty(database: Database) -> None:
    from sqlalchemy import inspect

    if left := set(inspect(database.engine).get_table_names()) - {"alembic_version"}:
        raise Trouble(f"left behind: {', '.join(sorted(left))}")


def main() -> int:
    failed = not _tried("one head", one_head)
    with tempfile.TemporaryDirectory() as folder, services.postgres() as postgres:
        for name, url in (("sqlite", f"sqlite:///{Path(folder) / 'check.db'}"), ("postgresql", postgres.empty())):
            database = Database(url)
            failed |= not all(_tried(f"{name}: {step}", act) for step, act in steps(database))
            database.dispose()
    return int(failed)


def _tried(step: str, act: Callable[[], None]) -> bool:
    try:
        act()
    except Exception as error:
        print(f"FAILED  {step}: {type(error).__name__}: {error}")  # noqa: T201
        return False
    print(f"ok      {step}")  # noqa: T201
    return True


if __name__ == "__main__":
    sys.exit(main())
