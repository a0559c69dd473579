"""Schools of any size for measuring: courses of two classes a week, planned, and nothing of them due."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.timetable import plan
from worker.settings import Settings
from worker.store.bulk import insert_many
from worker.store.tables import Course, Slot

#: A Monday; the first class of every course is at nine.
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
KEY = "a key for benchmarks only"


@contextmanager
def school(url: str, courses: int, broker: str = "memory://") -> Iterator[Context]:
    """A timetable of so many courses with two slots a week, each with a teacher; nothing is due at :data:`NOW`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=url, broker_url=broker, horizon_days=7, secret_key=KEY, timezone="UTC"
        )
        context = contexts.make(settings)
        with context.database.write() as session:
            named = [(f"c{number}", f"Course {number}", "UTC", f"t{number}") for number in range(courses)]
            insert_many(session, Course, ("code", "title", "timezone", "teacher_id"), named)
            ids = session.scalars(select(Course.id).order_by(Course.id)).all()
            slots = [(course, cron, 90) for course in ids for cron in ("0 9 * * 1", "0 9 * * 3")]
            insert_many(session, Slot, ("course_id", "cron", "minutes"), slots)
        plan.sweep(context, NOW)
        if not context.database.is_sqlite:  # what it does by itself within a minute
            with context.database.write() as session:
                session.connection().exec_driver_sql("ANALYZE")
        yield context
        context.database.dispose()
