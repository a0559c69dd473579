"""Reports as tables that exports can write: which columns, which words for the reader."""

from collections.abc import Callable, Iterator
from datetime import datetime

from worker.errors import InputError
from worker.exports import Column, Language, Table
from worker.exports.table import Kind
from worker.operations import report
from worker.operations.context import Context
from worker.operations.report import Row, Wanted

_ATTENDANCE: tuple[tuple[str, Kind], ...] = (
    ("course", "text"),
    ("occurrence", "integer"),
    ("starts_at", "instant"),
    ("ends_at", "instant"),
    ("user_id", "text"),
    ("full_name", "name"),
    ("role", "status"),
    ("status", "status"),
    ("late", "flag"),
    ("left_early", "flag"),
    ("first_seen", "instant"),
    ("last_seen", "instant"),
    ("seconds_present", "seconds"),
    ("seconds_unknown", "seconds"),
    ("percent", "percent"),
    ("joins", "integer"),
)

_REPORTS: dict[str, tuple[tuple[tuple[str, Kind], ...], Callable[[Context, Wanted, datetime], Iterator[Row]]]] = {
    "attendance": (_ATTENDANCE, report.attendance_rows),
}


def make(context: Context, name: str, wanted: Wanted, language: Language, now: datetime) -> Table:
    """The report of this name, its rows still to be read. Raises InputError for one that is not there."""
    if name not in _REPORTS:
        raise InputError(f"there is no report {name!r}; there are {', '.join(_REPORTS)}")
    columns, rows = _REPORTS[name]
    return Table(
        name=name,
        columns=tuple(Column(key, kind) for key, kind in columns),
        rows=rows(context, wanted, now),
        language=language,
        timezone=context.settings.timezone,
        title=wanted.course,
        notes=_notes(context, language),
        generated_at=now,
    )


def _notes(context: Context, language: Language) -> tuple[str, ...]:
    """The rules by which the statuses were given: a figure without its rule is no fact."""
    s = context.settings
    if language == "fa":
        return (
            f"حاضر: دست‌کم {s.present_percent:g}٪ زمان برنامه‌ریزی‌شده؛ ناقص: دست‌کم {s.partial_percent:g}٪.",
            f"اگر کمتر از {s.observed_percent:g}٪ کلاس دیده شده باشد، وضعیت نامعلوم است: نه حاضر، نه غایب.",
            f"هر {s.poll_period_seconds:g} ثانیه یک بار نگاه شده است؛ خطای هر ورود یا خروج حداکثر همین اندازه است.",
        )
    return (
        f"Present: at least {s.present_percent:g} % of the planned time; partial: at least {s.partial_percent:g} %.",
        f"Where less than {s.observed_percent:g} % of a class was watched, the status is unknown: nobody can tell.",
        f"Watched every {s.poll_period_seconds:g} s: a coming or going is known to within that time, at most.",
    )
