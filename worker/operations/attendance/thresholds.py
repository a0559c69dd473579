"""thresholds: what counts as present, partial, late and left early, by setting and by course."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from worker.domain.marks import Rules
from worker.errors import InputError
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable import arrange
from worker.store.tables import Course

NAMES = ("present_percent", "partial_percent", "late_seconds", "left_early_seconds")
_MOST_SECONDS = 86_400


def of(context: Context, course: Course) -> Rules:
    """The thresholds of a course: its own, where it has them, else the settings'."""
    rules = context.rules
    late, early = course.late_seconds, course.left_early_seconds
    return replace(
        rules,
        present_percent=rules.present_percent if course.present_percent is None else course.present_percent,
        partial_percent=rules.partial_percent if course.partial_percent is None else course.partial_percent,
        late=rules.late if late is None else timedelta(seconds=late),
        left_early=rules.left_early if early is None else timedelta(seconds=early),
    )


def put(context: Context, code: str, changes: Mapping[str, float | None], now: datetime) -> None:
    """Give a course thresholds of its own; None gives one back to the setting. Raises Unknown and InputError."""
    with context.database.write() as session:
        course = arrange.course(session, code)
        for name, value in changes.items():
            if value is not None and name.endswith("_seconds") and not 0 <= value <= _MOST_SECONDS:
                raise InputError(f"{code}: {name} cannot be {value:g}; write 0 to {_MOST_SECONDS}")
            setattr(course, name, value)
        _check(of(context, course), code)
        told = ", ".join(
            f"{name} {'as set' if value is None else format(value, 'g')}" for name, value in changes.items()
        )
        story.tell(session, "thresholds", now, detail=f"{code}: {told}")


def _check(rules: Rules, code: str) -> None:
    if not 0 <= rules.partial_percent <= rules.present_percent <= 100:
        raise InputError(
            f"{code}: partial {rules.partial_percent:g} % and present {rules.present_percent:g} % do not fit: "
            "0 <= partial <= present <= 100"
        )
