"""The attendance report as CSV, made by PostgreSQL itself: statuses in SQL, rows by COPY, whatever their number.

It says the same as `report.attendance_rows` written as CSV; a test compares the two on random classes. It knows settled
sittings only: where one of those asked for is still going on, the rows come from Python.

Texts that a spreadsheet could run, or that hold control characters, are few: each is made harmless by the same function
as everywhere, once, and put in its place by a join.
"""

from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from worker.exports.text import guarded
from worker.operations import arrange, report
from worker.operations.context import Context
from worker.operations.report import Wanted
from worker.store.tables import Occurrence

_KEYS = (
    "course,occurrence,starts_at,ends_at,user_id,full_name,role,status,late,left_early,first_seen,last_seen,"
    "seconds_present,seconds_unknown,percent,joins,guest,observed_status,corrected_by,correction_reason"
)

#: Anything but a letter or digit first, or a sign that could do harm further on.
_SUSPECT = r"^[^[:alnum:]]|[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffe\uffff;]"

#: A whole year is one statement. The parts that it is joined from have no statistics, nor have tables just filled, and
#: a loop within a loop, right for few rows, takes hours for many (measured: 34 s against 0.4 s at 6,000 rows).
_SESSION = ("statement_timeout = '15min'", "work_mem = '64MB'", "enable_nestloop = off")

_TEXTS = """
CREATE TEMPORARY TABLE guarded (raw text PRIMARY KEY, shown text NOT NULL) ON COMMIT DROP;
"""
_FIND = """
SELECT DISTINCT found FROM (
    SELECT code FROM courses
    UNION ALL SELECT user_id FROM participants UNION ALL SELECT full_name FROM participants
    UNION ALL SELECT attendee_key FROM stays UNION ALL SELECT full_name FROM stays
    UNION ALL SELECT lower(role) FROM stays
    UNION ALL SELECT by FROM corrections UNION ALL SELECT reason FROM corrections
) AS texts (found) WHERE found ~ :suspect
"""


def _iso(column: str) -> str:
    """ISO 8601 in the course's zone, as Python writes it: microseconds only where there are any."""
    local = f"({column} AT TIME ZONE timezone)"
    offset = f"({local} - ({column} AT TIME ZONE 'UTC'))"
    return (
        f"to_char({local}, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
        f" || CASE WHEN date_trunc('second', {column}) = {column} THEN '' ELSE to_char({local}, '.US') END"
        f" || CASE WHEN {offset} < interval '0' THEN '-' ELSE '+' END"
        f" || to_char(greatest({offset}, -{offset}), 'HH24:MI')"
    )


def _number(value: str, scale: int) -> str:
    """A rounded number, as Python writes floats."""
    rounded = f"(round(({value}) * {scale}) / {scale})"
    return f"CASE WHEN {rounded} = trunc({rounded}) THEN {rounded}::bigint || '.0' ELSE {rounded}::text END"


def _seconds(start: str, end: str) -> str:
    """Seconds from start to end, never below nothing."""
    return f"greatest(extract(epoch FROM ({end}) - ({start})), 0)"


# No stranger's text is in it: what is put together here are expressions of our own; values are parameters.
_SELECT = f"""
WITH chosen AS MATERIALIZED (
    SELECT o.id, o.starts_at, o.ends_at, c.id AS course_id, c.code, c.timezone,
        (o.starts_at AT TIME ZONE c.timezone)::date AS day,
        nullif(extract(epoch FROM o.ends_at - o.starts_at), 0)::float8 AS length,
        coalesce(c.present_percent, %(present)s) AS present_percent,
        coalesce(c.partial_percent, %(partial)s) AS partial_percent,
        coalesce(c.late_seconds, %(late)s) AS late_after, coalesce(c.left_early_seconds, %(early)s) AS early_after
    FROM occurrences o JOIN courses c ON c.id = o.course_id
    WHERE o.starts_at <= %(now)s AND o.cancelled_at IS NULL AND o.emptied_at IS NULL
        AND (%(course)s::bigint IS NULL OR o.course_id = %(course)s)
        AND (%(occurrence)s::bigint IS NULL OR o.id = %(occurrence)s)
        AND (%(since)s::timestamptz IS NULL OR o.starts_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR o.starts_at < %(until)s)
), dark AS MATERIALIZED (
    SELECT g.occurrence_id, greatest(g.first_at, o.starts_at) AS first_at, least(g.last_at, o.ends_at) AS last_at
    FROM gaps g JOIN chosen o ON o.id = g.occurrence_id
    WHERE greatest(g.first_at, o.starts_at) < least(g.last_at, o.ends_at)
), seen AS (
    SELECT s.occurrence_id, s.attendee_key AS key, min(s.first_seen) AS first_seen, max(s.last_seen) AS last_seen,
        count(*) AS joins,
        sum({_seconds("greatest(s.first_seen, o.starts_at)", "least(s.last_seen, o.ends_at)")}) AS present,
        (array_agg(s.full_name ORDER BY s.first_seen DESC))[1] AS full_name,
        lower((array_agg(s.role ORDER BY s.first_seen DESC))[1]) AS role
    FROM stays s JOIN chosen o ON o.id = s.occurrence_id GROUP BY s.occurrence_id, s.attendee_key
), lit AS (
    SELECT s.occurrence_id, s.attendee_key AS key,
        sum({_seconds("greatest(s.first_seen, d.first_at)", "least(s.last_seen, d.last_at)")}) AS seconds
    FROM dark d JOIN stays s ON s.occurrence_id = d.occurrence_id GROUP BY s.occurrence_id, s.attendee_key
), total AS (
    SELECT occurrence_id, sum({_seconds("first_at", "last_at")}) AS seconds FROM dark GROUP BY occurrence_id
), edges AS (
    SELECT s.occurrence_id, s.key, sum({_seconds("d.first_at", "least(d.last_at, s.first_seen)")}) AS before,
        sum({_seconds("greatest(d.first_at, s.last_seen)", "d.last_at")}) AS after
    FROM dark d JOIN seen s ON s.occurrence_id = d.occurrence_id GROUP BY s.occurrence_id, s.key
), people AS (
    SELECT o.id, p.user_id AS key, p.user_id, p.full_name, p.role, false AS guest
    FROM chosen o JOIN participants p ON p.course_id = o.course_id
    WHERE (p.valid_from IS NULL OR p.valid_from <= o.day) AND (p.valid_until IS NULL OR o.day <= p.valid_until)
    UNION ALL
    SELECT s.occurrence_id, s.key, CASE WHEN s.key ~ '^(\\?|w_[a-z0-9]{{12}}$)' THEN NULL ELSE s.key END,
        s.full_name, s.role, true
    FROM seen s JOIN chosen o ON o.id = s.occurrence_id
    WHERE NOT EXISTS (
        SELECT FROM participants p WHERE p.course_id = o.course_id AND p.user_id = s.key
            AND (p.valid_from IS NULL OR p.valid_from <= o.day) AND (p.valid_until IS NULL OR o.day <= p.valid_until))
), summed AS (
    SELECT o.*, p.key, p.user_id, p.full_name, p.role, p.guest, s.first_seen, s.last_seen,
        coalesce(s.joins, 0) AS joins,
        coalesce(s.present, 0)::float8 AS present, (coalesce(t.seconds, 0) - coalesce(l.seconds, 0))::float8 AS hidden,
        {_seconds("o.starts_at", "s.first_seen")} - coalesce(e.before, 0) AS late_by,
        {_seconds("s.last_seen", "o.ends_at")} - coalesce(e.after, 0) AS early_by
    FROM people p JOIN chosen o ON o.id = p.id
    LEFT JOIN seen s ON s.occurrence_id = p.id AND s.key = p.key
    LEFT JOIN total t ON t.occurrence_id = p.id
    LEFT JOIN lit l ON l.occurrence_id = p.id AND l.key = p.key
    LEFT JOIN edges e ON e.occurrence_id = p.id AND e.key = p.key
    WHERE %(user_id)s::text IS NULL OR p.user_id = %(user_id)s
), judged AS (
    SELECT *, least(100::float8 * present / length, 100) AS percent,
        CASE WHEN 100 * present / length >= present_percent THEN 'present'
            WHEN 100 * (length - hidden) / length < %(observed)s THEN 'unknown'
            WHEN 100 * present / length >= partial_percent THEN 'partial' ELSE 'absent' END AS observed
    FROM summed
), changed AS (
    SELECT DISTINCT ON (occurrence_id, user_id) occurrence_id, user_id, status, by, reason
    FROM corrections WHERE undone_at IS NULL ORDER BY occurrence_id, user_id, id DESC
)
SELECT coalesce(g_code.shown, j.code), j.id, {_iso("j.starts_at")}, {_iso("j.ends_at")},
    coalesce(g_user.shown, j.user_id), coalesce(g_name.shown, j.full_name), coalesce(g_role.shown, j.role),
    coalesce(c.status, j.observed),
    (j.observed IN ('present', 'partial') AND j.late_by > j.late_after)::text,
    (j.observed IN ('present', 'partial') AND j.early_by > j.early_after)::text,
    {_iso("j.first_seen")}, {_iso("j.last_seen")},
    {_number("j.present", 1000)}, {_number("j.hidden", 1000)}, {_number("j.percent", 100)},
    j.joins, j.guest::text, j.observed,
    coalesce(g_by.shown, c.by), coalesce(g_reason.shown, c.reason)
FROM judged j
LEFT JOIN changed c ON c.occurrence_id = j.id AND c.user_id = j.key
LEFT JOIN guarded g_code ON g_code.raw = j.code
LEFT JOIN guarded g_user ON g_user.raw = j.user_id
LEFT JOIN guarded g_name ON g_name.raw = j.full_name
LEFT JOIN guarded g_role ON g_role.raw = j.role
LEFT JOIN guarded g_by ON g_by.raw = c.by
LEFT JOIN guarded g_reason ON g_reason.raw = c.reason
ORDER BY j.starts_at, j.id, j.guest, CASE WHEN NOT j.guest THEN j.role END, CASE WHEN NOT j.guest THEN j.user_id END,
    j.key COLLATE "C"
"""  # noqa: S608


def possible(context: Context, wanted: Wanted, now: datetime) -> bool:
    """Whether PostgreSQL can make this report by itself: it is one, and every sitting asked for is settled."""
    if context.database.is_sqlite:
        return False
    with context.database.read() as session:
        begun = report.chosen(session, wanted).where(Occurrence.starts_at <= now, Occurrence.cancelled_at.is_(None))
        return not session.scalar(select(exists(begun.where(Occurrence.settled_at.is_(None)).order_by(None))))


def write(context: Context, wanted: Wanted, now: datetime, stream: BinaryIO) -> None:
    """Write the whole report as CSV."""
    stream.write(f"\ufeff{_KEYS}\n".encode())
    with context.database.read() as session:
        for setting in _SESSION:
            session.execute(text(f"SET LOCAL {setting}"))
        _guard(session)
        driver: Any = session.connection().connection.driver_connection
        with driver.cursor() as cursor:
            statement = f"COPY ({_SELECT}) TO STDOUT WITH (FORMAT csv)"
            with cursor.copy(statement, _parameters(session, context, wanted, now)) as copy:
                for block in copy:
                    stream.write(block)


def _guard(session: Session) -> None:
    """Everything that could do harm, beside its harmless form."""
    session.execute(text(_TEXTS))
    found = session.scalars(text(_FIND), {"suspect": _SUSPECT}).all()
    rows = [{"raw": raw, "shown": guarded(raw)} for raw in found]
    if rows:
        session.execute(text("INSERT INTO guarded VALUES (:raw, :shown)"), rows)
    session.execute(text("ANALYZE guarded"))


def _parameters(session: Session, context: Context, wanted: Wanted, now: datetime) -> dict[str, Any]:
    rules = context.rules
    return {
        "now": now,
        "course": None if wanted.course is None else arrange.course(session, wanted.course).id,
        "occurrence": wanted.occurrence,
        "since": wanted.since,
        "until": wanted.until,
        "user_id": wanted.user_id,
        "present": rules.present_percent,
        "partial": rules.partial_percent,
        "observed": rules.observed_percent,
        "late": rules.late.total_seconds(),
        "early": rules.left_early.total_seconds(),
    }
