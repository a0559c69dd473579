"""Reports as tables that exports can write: which columns, which words for the reader."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from worker import exports
from worker.domain.calendars import persian_digits
from worker.errors import InputError
from worker.exports import Column, Format, Language, Table
from worker.exports import people as written
from worker.exports.files import opened
from worker.operations.context import Context
from worker.operations.reports import (
    report,
    report_attendance,
    report_matrix,
    report_people,
    report_sessions,
    report_totals,
)
from worker.operations.reports.report import Judged, Row, Wanted

Rows: TypeAlias = Callable[[Context, Wanted, datetime], Iterable[Row]]

_TOLD = 500


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from ``key:kind`` words; ``text`` is the kind where none is named."""
    parts = (word.partition(":") for word in text.split())
    return tuple(Column(key, kind or "text") for key, _, kind in parts)  # type: ignore[arg-type]


_ATTENDANCE = _columns(
    "course occurrence:integer starts_at:instant ends_at:instant user_id full_name:name role:status status:status "
    "late:flag left_early:flag first_seen:instant last_seen:instant seconds_present:seconds seconds_unknown:seconds "
    "percent:percent joins:integer guest:flag observed_status:status corrected_by:name correction_reason"
)
_SESSIONS = _columns(
    "course title teacher:name occurrence:integer starts_at:instant ends_at:instant state:status verdict "
    "opened_at:instant started_at:instant ended_at:instant closed_at:instant ended_by seconds_late:seconds "
    "seconds_short:seconds seconds_overran:seconds expected:integer present:integer partial:integer late:integer "
    "absent:integer excused:integer unknown:integer guests:integer peak:integer peak_at:instant mean:number "
    "recordings:integer server reason"
)
_MOODLE = _columns("user scantime status")
_TOTALS: dict[str, tuple[tuple[Column, ...], Rows]] = {
    "time": (_columns("at:instant meetings:integer participants:integer"), report_totals.by_time),
    "server": (
        _columns("server peak:integer peak_at:instant mean:number meetings:integer minutes:integer"),
        report_totals.by_server,
    ),
    "course": (
        _columns("course title occurrences:integer peak:integer peak_at:instant mean:number seconds_present:seconds"),
        report_totals.by_course,
    ),
    "person": (
        _columns(
            "user_id full_name:name occurrences:integer present:integer partial:integer late:integer absent:integer "
            "excused:integer unknown:integer percent:percent seconds_present:seconds guest:flag"
        ),
        report_people.by_person,
    ),
}
_PLAIN: dict[str, tuple[tuple[Column, ...], Rows]] = {
    "attendance": (_ATTENDANCE, report_attendance.rows),
    "person": (_ATTENDANCE, report_attendance.rows),
    "sessions": (_SESSIONS, report_sessions.rows),
    "moodle": (_MOODLE, report_matrix.moodle_rows),
}
NAMES = ("attendance", "matrix", "sessions", "person", "totals")


def make(context: Context, name: str, wanted: Wanted, language: Language, now: datetime, *, by: str = "time") -> Table:
    """The report of this name, its rows still to be read. Raises InputError for one that is not there."""
    _check(context, name, wanted, by)
    if name == "person" and wanted.user_id is None:
        raise InputError("say whose attendance is asked for")
    if name == "matrix":
        return _matrix(context, wanted, language, now)
    columns, rows = _found(name, by)
    table = Table(name, columns, rows(context, wanted, now), language, title=wanted.user_id or wanted.course)
    notes = () if name == "totals" and by != "person" else _notes(context, language)
    return replace(table, timezone=context.settings.timezone, notes=notes, generated_at=now)


def write(
    context: Context,
    name: str,
    wanted: Wanted,
    form: Format,
    language: Language,
    now: datetime,
    destination: Path | BinaryIO,
    *,
    by: str = "time",
    seen: Callable[[int], None] = lambda rows: None,
) -> None:
    """Write the report of this name; ``seen`` is told from time to time how many rows more were written."""
    table = make(context, name, wanted, language, now, by=by)
    if name == "attendance" and form == "csv":
        with opened(destination) as stream:
            report_attendance.write_csv(context, table, wanted, now, stream, seen)
    else:
        exports.write(replace(table, rows=_counted(table.rows, seen)), form, destination)


def _counted(rows: Iterable[exports.Row], seen: Callable[[int], None]) -> Iterator[exports.Row]:
    for number, row in enumerate(rows, start=1):
        if number % _TOLD == 0:
            seen(_TOLD)
        yield row


def _check(context: Context, name: str, wanted: Wanted, by: str) -> None:
    """Refuse what cannot be before a first line is written: rows are only read later."""
    if name == "totals" and by in ("time", "server") and wanted.course is not None:
        raise InputError(
            "totals over time and of servers know no courses: add --by course or --by person, or leave --course out"
        )
    with context.database.read() as session:
        report.chosen(session, wanted)


def _found(name: str, by: str) -> tuple[tuple[Column, ...], Rows]:
    known = _TOTALS if name == "totals" else _PLAIN
    key = by if name == "totals" else name
    if key not in known:
        raise InputError(f"there is no report {key!r}; there are {', '.join(_TOTALS if name == 'totals' else NAMES)}")
    return known[key]


def _matrix(context: Context, wanted: Wanted, language: Language, now: datetime) -> Table:
    judged, rows = report_matrix.matrix(context, wanted, now)
    flat = [{**row, **_letters(judged, row)} for row in rows]
    before = _columns("user_id full_name:name role:status")
    after = _columns(
        "present:integer late:integer absent:integer excused:integer unknown:integer percent:percent guest:flag"
    )
    columns = (*before, *(_sitting(each, language) for each in judged), *after)
    table = Table("matrix", columns, flat, language, title=wanted.course, generated_at=now)
    return replace(
        table, timezone=context.settings.timezone, notes=(_letters_note(language), *_notes(context, language))
    )


def _sitting(judged: Judged, language: Language) -> Column:
    title = written.moment(report_matrix.local(judged), language)
    return Column(report_matrix.column(judged), "status", title)


def _letters(judged: Sequence[Judged], row: Row) -> Row:
    letters = row["letters"]
    assert isinstance(letters, dict)
    return {report_matrix.column(each): letters.get(each.occurrence.id) for each in judged}


def _letters_note(language: Language) -> str:
    if language == "fa":
        return "ح حاضر، ت با تأخیر یا حضور ناقص، غ غایب، م غیبت موجه، ن نامعلوم؛ خانهٔ خالی: در آن روز ثبت‌نام نبوده است."
    return "P present, L late or there for only a part, A absent, E excused, U unknown; empty: not enrolled that day."


def _notes(context: Context, language: Language) -> tuple[str, ...]:
    """The rules by which the statuses were given: a figure without its rule is no fact."""
    s = context.settings
    if language == "fa":
        return tuple(
            persian_digits(note)
            for note in (
                f"حاضر: دست‌کم {s.present_percent:g}٪ زمان برنامه‌ریزی‌شده؛ ناقص: دست‌کم {s.partial_percent:g}٪.",
                f"اگر کمتر از {s.observed_percent:g}٪ کلاس دیده شده باشد، وضعیت نامعلوم است: نه حاضر، نه غایب.",
                f"هر {s.poll_period_seconds:g} ثانیه یک بار نگاه شده است؛ خطای هر ورود یا خروج حداکثر همین اندازه است.",
            )
        )
    return (
        f"Present: at least {s.present_percent:g} % of the planned time; partial: at least {s.partial_percent:g} %.",
        f"Where less than {s.observed_percent:g} % of a class was watched, the status is unknown: nobody can tell.",
        f"Watched every {s.poll_period_seconds:g} s: a coming or going is known to within that time, at most.",
    )
