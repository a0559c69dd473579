"""What is made of attendance that PostgreSQL has judged, a batch of settled sittings at a time (`report_statement`).

Finished rows (`rows`), the lines of a CSV file (`lines`), and totals of each person (`totals`).
"""

from collections.abc import Sequence
from functools import cache
from typing import IO, Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from worker.exports import to_csv
from worker.operations.context import Context
from worker.operations.reports.report_statement import JUDGED, iso

KEYS = (
    "course", "occurrence", "starts_at", "ends_at", "user_id", "full_name", "role", "status", "late", "left_early",
    "first_seen", "last_seen", "seconds_present", "seconds_unknown", "percent", "joins", "guest", "observed_status",
    "corrected_by", "correction_reason",
)  # fmt: skip

#: Anything but a letter or digit first, or a sign that could do harm or part a cell further on.
_SUSPECT = r"^[^[:alnum:]]|[,\"\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffe\uffff;]"

#: What the statement is joined from has no statistics, nor have tables just filled, and a loop within a loop, right for
#: few rows, takes hours for many (measured: 34 s against 0.4 s at 6,000 rows). Sorts stay in memory; compiling it
#: would take longer than running it.
_SESSION = ("enable_nestloop = off", "work_mem = '32MB'", "jit = off", "datestyle = ISO")


#: Every text that the lines will show, and some more: whom a roster names for some days only is looked at twice.
_FIND = """
WITH sittings AS MATERIALIZED (
    SELECT o.id, o.course_id, c.code FROM occurrences o JOIN courses c ON c.id = o.course_id WHERE o.id = ANY(%(ids)s)
) SELECT DISTINCT found FROM (
    SELECT code FROM sittings
    UNION ALL SELECT unnest(ARRAY[user_id, full_name]) FROM participants
        WHERE course_id IN (SELECT course_id FROM sittings) AND (user_id ~ %(suspect)s OR full_name ~ %(suspect)s)
    UNION ALL SELECT unnest(ARRAY[CASE WHEN s.attendee_key NOT LIKE '?%%' THEN s.attendee_key END, s.full_name,
            lower(s.role)]) FROM stays s JOIN sittings o ON o.id = s.occurrence_id
        WHERE s.occurrence_id = ANY(%(ids)s) AND NOT EXISTS (
            SELECT FROM participants p WHERE p.course_id = o.course_id AND p.user_id = s.attendee_key
                AND p.valid_from IS NULL AND p.valid_until IS NULL)
    UNION ALL SELECT unnest(ARRAY[by, reason]) FROM corrections WHERE occurrence_id = ANY(%(ids)s)
) AS texts (found) WHERE found ~ %(suspect)s
"""
_GAPPED = "SELECT DISTINCT occurrence_id FROM gaps WHERE occurrence_id = ANY(%(ids)s)"
_SHOWN = ("code", "user_id", "full_name", "role", "by", "reason")


#: The order of people in a sitting; sittings are numbered in theirs.
_ORDER = 'm.place, m.guest, CASE WHEN NOT m.guest THEN m.role COLLATE "C" END, m.key COLLATE "C"'


def _finished(guard: bool) -> str:
    """What was judged, rounded. Where there are texts to guard, each is exchanged for its harmless form by a join."""
    shown = [f"coalesce(g_{each}.shown, m.{each})" if guard else f"m.{each}" for each in _SHOWN]
    texts = ", ".join(f"{text} AS shown_{each}" for text, each in zip(shown, _SHOWN, strict=True))
    joins = [f"LEFT JOIN guarded g_{each} ON g_{each}.raw = m.{each}" for each in _SHOWN] if guard else []
    return f"""
SELECT m.*, round(m.present * 1000) / 1000 AS seconds_present, round(m.hidden * 1000) / 1000 AS seconds_unknown,
    round(m.percent * 100) / 100 AS rounded, {texts}
FROM marked m {" ".join(joins)}
"""  # noqa: S608


_ROWS = f"""{JUDGED}
SELECT m.code, m.id, m.starts_at, m.ends_at, m.user_id, m.full_name, m.role, m.status, m.late, m.left_early,
    m.first_seen, m.last_seen, m.seconds_present, m.seconds_unknown, m.rounded, m.joins,
    m.guest, m.observed, m.by, m.reason, m.timezone
FROM ({_finished(guard=False)}) AS m ORDER BY {_ORDER}
"""  # noqa: S608


#: Somebody without an id that is known is told apart by name alone.
_TOTALS = f"""{JUDGED}
SELECT user_id, min(full_name COLLATE "C"), guest, sum(round(present * 1000)::bigint)::bigint,
    count(*) FILTER (WHERE late AND status IN ('present', 'partial')), count(*) FILTER (WHERE status = 'present'),
    count(*) FILTER (WHERE status = 'partial'), count(*) FILTER (WHERE status = 'absent'),
    count(*) FILTER (WHERE status = 'excused'), count(*) FILTER (WHERE status = 'unknown')
FROM marked GROUP BY user_id, guest, CASE WHEN user_id IS NULL THEN full_name END
"""  # noqa: S608


def _number(value: str) -> str:
    """A rounded number, as Python writes floats."""
    return f"CASE WHEN {value} = trunc({value}) THEN {value}::bigint || '.0' ELSE {value}::text END"


_CELLS = (
    "shown_code", "m.id", "m.starts", "m.ends", "shown_user_id", "shown_full_name", "shown_role", "m.status",
    "m.late::text", "m.left_early::text", iso("m.first_seen"), iso("m.last_seen"), _number("m.seconds_present"),
    _number("m.seconds_unknown"), _number("m.rounded"), "m.joins", "m.guest::text", "m.observed", "shown_by",
    "shown_reason",
)  # fmt: skip
_GUARDED = "guarded AS MATERIALIZED (SELECT * FROM unnest(%(raw)s::text[], %(shown)s::text[]) AS g (raw, shown))"


@cache
def _csv(guard: bool) -> str:
    """The lines of a CSV, those of some sittings in one value: to hand over each by itself costs more than to write it.

    The times of a sitting were written out once, not for each of its people. The quotes of a cell came with what makes
    it harmless.
    """
    line = ", ',', ".join(_CELLS)
    return f"""{JUDGED} {"," + _GUARDED if guard else ""}
SELECT string_agg(concat({line}, E'\r\n'), '' ORDER BY {_ORDER}), count(*)
FROM ({_finished(guard)}) AS m GROUP BY m.part ORDER BY m.part
"""  # noqa: S608


def rows(session: Session, context: Context, ids: Sequence[int], user_id: str | None) -> list[dict[str, Any]]:
    """Finished rows of these sittings, all of them settled, in the order of `report.attendance_rows`."""
    keys = (*KEYS, "timezone")
    with _cursor(session) as cursor:
        found = cursor.execute(_ROWS, _parameters(cursor, context, ids, user_id)).fetchall()
    return [dict(zip(keys, row, strict=True)) for row in found]


def totals(session: Session, context: Context, ids: Sequence[int], user_id: str | None) -> list[tuple[Any, ...]]:
    """What these sittings add to the totals of each person, as `report_people.Part` names it."""
    with _cursor(session) as cursor:
        found: list[tuple[Any, ...]] = cursor.execute(_TOTALS, _parameters(cursor, context, ids, user_id)).fetchall()
    return found


def lines(session: Session, context: Context, ids: Sequence[int], user_id: str | None, target: IO[bytes]) -> int:
    """Write the same rows as lines of CSV, without headings. Returns how many there are."""
    from psycopg.types.string import ByteaBinaryLoader  # an extra, which an installation on SQLite is without

    written = 0
    with _cursor(session) as cursor:
        values = _parameters(cursor, context, ids, user_id)
        found = [row[0] for row in cursor.execute(_FIND, values | {"suspect": _SUSPECT})]
        values |= {"raw": found, "shown": [to_csv.cell(each) for each in found]}
        cursor.adapters.register_loader("text", ByteaBinaryLoader)  # as it came: it goes into a file
        for some, count in cursor.stream(_csv(bool(found)), values, binary=True):
            target.write(some)
            written += count
    return written


def _cursor(session: Session) -> Any:
    for setting in _SESSION:
        session.execute(text(f"SET LOCAL {setting}"))
    driver: Any = session.connection().connection.driver_connection
    return driver.cursor()


def _parameters(cursor: Any, context: Context, ids: Sequence[int], user_id: str | None) -> dict[str, Any]:
    rules = context.rules
    gapped = cursor.execute(_GAPPED, {"ids": list(ids)}).fetchall()
    return {
        "ids": list(ids),
        "gapped": [row[0] for row in gapped],
        "user_id": user_id,
        "present": rules.present_percent,
        "partial": rules.partial_percent,
        "observed": rules.observed_percent,
        "late": rules.late.total_seconds(),
        "early": rules.left_early.total_seconds(),
    }
