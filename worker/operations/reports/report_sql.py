"""Attendance judged by PostgreSQL: a batch of settled sittings in one statement, whatever is to be made of it.

The statement says the same as `report.judged_batch`; a test compares the two on random classes. Of it are made finished
rows (`rows`), the lines of a CSV file by COPY (`copy`), and totals of each person (`totals`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import IO, Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from worker.exports.text import guarded
from worker.operations.context import Context

KEYS = (
    "course", "occurrence", "starts_at", "ends_at", "user_id", "full_name", "role", "status", "late", "left_early",
    "first_seen", "last_seen", "seconds_present", "seconds_unknown", "percent", "joins", "guest", "observed_status",
    "corrected_by", "correction_reason",
)  # fmt: skip

#: Anything but a letter or digit first, or a sign that could do harm further on.
_SUSPECT = r"^[^[:alnum:]]|[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffe\uffff;]"

_BLOCK = 1_000
#: What the statement is joined from has no statistics, nor have tables just filled, and a loop within a loop, right for
#: few rows, takes hours for many (measured: 34 s against 0.4 s at 6,000 rows). Sorts stay in memory; compiling it
#: would take longer than running it.
_SESSION = ("enable_nestloop = off", "work_mem = '32MB'", "jit = off", "datestyle = ISO")


def _time(start: str, end: str) -> str:
    """The time from start to end, never below nothing."""
    return f"greatest(({end}) - ({start}), interval '0')"


def _seconds(interval: str) -> str:
    return f"coalesce(date_part('epoch', {interval}), 0)"


def _iso(column: str) -> str:
    """ISO 8601 in the course's zone, as Python writes it: microseconds only where there are any."""
    quick, slow = f"({column} AT TIME ZONE m.shift)", f"({column} AT TIME ZONE m.timezone)"
    offset = f"({slow} - ({column} AT TIME ZONE 'UTC'))"
    return (
        f"CASE WHEN {column} BETWEEN m.steady_from AND m.steady_until THEN {_clock(column, quick)} || m.sign"
        f" ELSE {_clock(column, slow)} || CASE WHEN {offset} < interval '0' THEN '-' ELSE '+' END"
        f" || to_char(greatest({offset}, -{offset}), 'HH24:MI') END"
    )


def _clock(column: str, local: str) -> str:
    return (
        f"CASE WHEN {column}::timestamptz(0) = {column} THEN {local}::date || 'T' || {local}::time"
        f" ELSE to_char({local}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US') END"
    )


# The offset of a course's zone is looked up once a sitting. Where it does not change for days around, it is that of
# every time in the sitting; a look-up a time is most of what a million rows cost.
_CHOSEN = """
chosen AS MATERIALIZED (
    SELECT *, CASE WHEN shift = later AND shift = before THEN starts_at - interval '2 days' END AS steady_from,
        ends_at + interval '2 days' AS steady_until,
        CASE WHEN shift < interval '0' THEN '-' ELSE '+' END || to_char(greatest(shift, -shift), 'HH24:MI') AS sign
    FROM (
        SELECT o.id, o.course_id, o.starts_at, o.ends_at, c.code, c.timezone,
            (o.starts_at AT TIME ZONE c.timezone)::date AS day,
            nullif(date_part('epoch', o.ends_at - o.starts_at), 0) AS length,
            (o.starts_at AT TIME ZONE c.timezone) - (o.starts_at AT TIME ZONE 'UTC') AS shift,
            ((o.starts_at - interval '2 days') AT TIME ZONE c.timezone)
                - ((o.starts_at - interval '2 days') AT TIME ZONE 'UTC') AS before,
            ((o.ends_at + interval '2 days') AT TIME ZONE c.timezone)
                - ((o.ends_at + interval '2 days') AT TIME ZONE 'UTC') AS later,
            coalesce(c.present_percent, %(present)s) AS present_percent,
            coalesce(c.partial_percent, %(partial)s) AS partial_percent,
            make_interval(secs => coalesce(c.late_seconds, %(late)s)) AS late_after,
            make_interval(secs => coalesce(c.left_early_seconds, %(early)s)) AS early_after
        FROM occurrences o JOIN courses c ON c.id = o.course_id WHERE o.id = ANY(%(ids)s)
    ) AS o
), guests AS MATERIALIZED (
    SELECT DISTINCT ON (s.occurrence_id, s.attendee_key) s.occurrence_id AS id, s.attendee_key AS key,
        CASE WHEN s.attendee_key ~ '^(\\?|w_[a-z0-9]{12}$)' THEN NULL ELSE s.attendee_key END AS user_id,
        s.full_name, lower(s.role) AS role
    FROM stays s JOIN chosen o ON o.id = s.occurrence_id
    WHERE s.occurrence_id = ANY(%(ids)s) AND NOT EXISTS (
        SELECT FROM participants p WHERE p.course_id = o.course_id AND p.user_id = s.attendee_key
            AND (p.valid_from IS NULL OR p.valid_from <= o.day) AND (p.valid_until IS NULL OR o.day <= p.valid_until))
    ORDER BY s.occurrence_id, s.attendee_key, s.first_seen DESC
)"""

_FIND = f"""
WITH {_CHOSEN} SELECT DISTINCT found FROM (
    SELECT code FROM chosen
    UNION ALL SELECT unnest(ARRAY[p.user_id, p.full_name]) FROM participants p
        WHERE p.course_id IN (SELECT course_id FROM chosen)
    UNION ALL SELECT unnest(ARRAY[user_id, full_name, role]) FROM guests
    UNION ALL SELECT unnest(ARRAY[by, reason]) FROM corrections WHERE occurrence_id = ANY(%(ids)s)
) AS texts (found) WHERE found ~ %(suspect)s
"""  # noqa: S608


# No stranger's text is in it: what is put together here are expressions of our own; values are parameters.
_JUDGED = f"""
WITH {_CHOSEN}, dark AS MATERIALIZED (
    SELECT g.occurrence_id AS id, greatest(g.first_at, o.starts_at) AS first_at, least(g.last_at, o.ends_at) AS last_at
    FROM gaps g JOIN chosen o ON o.id = g.occurrence_id
    WHERE g.occurrence_id = ANY(%(ids)s) AND greatest(g.first_at, o.starts_at) < least(g.last_at, o.ends_at)
), seen AS MATERIALIZED (
    SELECT s.id, s.key, count(*) FILTER (WHERE s.left_at IS NULL OR NOT EXISTS (
            SELECT FROM gaps g WHERE g.occurrence_id = s.id AND g.first_at <= s.left_at AND s.first_seen <= g.last_at
        )) AS joins, min(s.first_seen) AS first_seen, max(s.last_seen) AS last_seen,
        sum({_time("greatest(s.first_seen, o.starts_at)", "least(s.last_seen, o.ends_at)")}) AS present
    FROM (
        SELECT occurrence_id AS id, attendee_key AS key, first_seen, last_seen,
            lag(last_seen) OVER (PARTITION BY occurrence_id, attendee_key ORDER BY first_seen) AS left_at
        FROM stays WHERE occurrence_id = ANY(%(ids)s)
    ) AS s JOIN chosen o ON o.id = s.id GROUP BY s.id, s.key
), total AS (
    SELECT id, sum(last_at - first_at) AS time FROM dark GROUP BY id
), lit AS (
    SELECT d.id, s.attendee_key AS key,
        sum({_time("greatest(s.first_seen, d.first_at)", "least(s.last_seen, d.last_at)")}) AS time
    FROM dark d JOIN stays s ON s.occurrence_id = d.id
    WHERE s.occurrence_id = ANY(%(ids)s) GROUP BY d.id, s.attendee_key
), edges AS (
    SELECT s.id, s.key, sum({_time("d.first_at", "least(d.last_at, s.first_seen)")}) AS before,
        sum({_time("greatest(d.first_at, s.last_seen)", "d.last_at")}) AS after
    FROM dark d JOIN seen s ON s.id = d.id GROUP BY s.id, s.key
), shade AS (
    SELECT l.id, l.key, l.time, e.before, e.after FROM lit l JOIN edges e ON e.id = l.id AND e.key = l.key
), planned AS MATERIALIZED (
    SELECT m.*, {_iso("m.starts_at")} AS starts, {_iso("m.ends_at")} AS ends FROM chosen m
), people AS (
    SELECT o.id, p.user_id AS key, p.user_id, p.full_name, p.role, false AS guest
    FROM chosen o JOIN participants p ON p.course_id = o.course_id
    WHERE (p.valid_from IS NULL OR p.valid_from <= o.day) AND (p.valid_until IS NULL OR o.day <= p.valid_until)
    UNION ALL SELECT id, key, user_id, full_name, role, true FROM guests
), summed AS (
    SELECT o.*, p.key, p.user_id, p.full_name, p.role, p.guest, s.first_seen, s.last_seen,
        coalesce(s.joins, 0) AS joins, {_seconds("s.present")} AS present,
        {_seconds("t.time - coalesce(d.time, interval '0')")} AS hidden,
        {_time("o.starts_at", "s.first_seen")} - coalesce(d.before, interval '0') AS late_by,
        {_time("s.last_seen", "o.ends_at")} - coalesce(d.after, interval '0') AS early_by
    FROM people p JOIN planned o ON o.id = p.id
    LEFT JOIN seen s ON s.id = p.id AND s.key = p.key
    LEFT JOIN total t ON t.id = p.id
    LEFT JOIN shade d ON d.id = p.id AND d.key = p.key
    WHERE %(user_id)s::text IS NULL OR p.user_id = %(user_id)s
), judged AS (
    SELECT *, least(100 * present / length, 100) AS percent,
        CASE WHEN 100 * present / length >= present_percent THEN 'present'
            WHEN 100 * (length - hidden) / length < %(observed)s THEN 'unknown'
            WHEN 100 * present / length >= partial_percent THEN 'partial' ELSE 'absent' END AS observed
    FROM summed
), changed AS (
    SELECT DISTINCT ON (occurrence_id, user_id) occurrence_id AS id, user_id AS key, status, by, reason
    FROM corrections WHERE occurrence_id = ANY(%(ids)s) AND undone_at IS NULL ORDER BY occurrence_id, user_id, id DESC
), marked AS (
    SELECT j.*, coalesce(c.status, j.observed) AS status, c.by, c.reason,
        j.observed IN ('present', 'partial') AND j.late_by > j.late_after AS late,
        j.observed IN ('present', 'partial') AND j.early_by > j.early_after AS left_early
    FROM judged j LEFT JOIN changed c ON c.id = j.id AND c.key = j.key
)
"""  # noqa: S608
_SHOWN = ("code", "user_id", "full_name", "role", "by", "reason")


def _sorted(guard: bool) -> str:
    """What was judged, in order and rounded, before anything is written out: the parts of a time are narrower than its
    text. Where there are texts to guard, each is exchanged for its harmless form by a join.
    """
    shown = [f"coalesce(g_{each}.shown, m.{each})" if guard else f"m.{each}" for each in _SHOWN]
    texts = ", ".join(f"{text} AS shown_{each}" for text, each in zip(shown, _SHOWN, strict=True))
    joins = [f"LEFT JOIN guarded g_{each} ON g_{each}.raw = m.{each}" for each in _SHOWN] if guard else []
    return f"""
SELECT m.*, round(m.present * 1000) / 1000 AS seconds_present, round(m.hidden * 1000) / 1000 AS seconds_unknown,
    round(m.percent * 100) / 100 AS rounded, {texts}
FROM marked m {" ".join(joins)}
ORDER BY m.starts_at, m.id, m.guest, CASE WHEN NOT m.guest THEN m.role COLLATE "C" END, m.key COLLATE "C"
"""  # noqa: S608


_ROWS = f"""{_JUDGED}
SELECT m.code, m.id, m.starts_at, m.ends_at, m.user_id, m.full_name, m.role, m.status, m.late, m.left_early,
    m.first_seen, m.last_seen, m.seconds_present, m.seconds_unknown, m.rounded, m.joins,
    m.guest, m.observed, m.by, m.reason, m.timezone
FROM ({_sorted(guard=False)}) AS m
"""  # noqa: S608


#: Somebody without an id that is known is told apart by name alone.
_TOTALS = f"""{_JUDGED}
SELECT user_id, min(full_name COLLATE "C"), guest, sum(round(present * 1000)::bigint)::bigint,
    count(*) FILTER (WHERE late AND status IN ('present', 'partial')), count(*) FILTER (WHERE status = 'present'),
    count(*) FILTER (WHERE status = 'partial'), count(*) FILTER (WHERE status = 'absent'),
    count(*) FILTER (WHERE status = 'excused'), count(*) FILTER (WHERE status = 'unknown')
FROM marked GROUP BY user_id, guest, CASE WHEN user_id IS NULL THEN full_name END
"""  # noqa: S608


def _number(value: str) -> str:
    """A rounded number, as Python writes floats."""
    return f"CASE WHEN {value} = trunc({value}) THEN {value}::bigint || '.0' ELSE {value}::text END"


_GUARDED = "guarded AS MATERIALIZED (SELECT * FROM unnest(%(raw)s::text[], %(shown)s::text[]) AS g (raw, shown))"


@cache
def _csv(guard: bool) -> str:
    """The lines of a CSV; the times of a sitting were written out once, not for each of its people."""
    return f"""{_JUDGED} {"," + _GUARDED if guard else ""}
SELECT shown_code, m.id, m.starts, m.ends, shown_user_id, shown_full_name, shown_role,
    m.status, m.late::text, m.left_early::text, {_iso("m.first_seen")}, {_iso("m.last_seen")},
    {_number("m.seconds_present")}, {_number("m.seconds_unknown")}, {_number("m.rounded")},
    m.joins, m.guest::text, m.observed, shown_by, shown_reason
FROM ({_sorted(guard)}) AS m
"""  # noqa: S608


def rows(session: Session, context: Context, ids: Sequence[int], user_id: str | None) -> Iterator[dict[str, Any]]:
    """Finished rows of these sittings, all of them settled, in the order of `report.attendance_rows`."""
    keys = (*KEYS, "timezone")
    with _cursor(session) as cursor:
        found = cursor.execute(_ROWS, _parameters(context, ids, user_id)).fetchall()
    return (dict(zip(keys, row, strict=True)) for row in found)


def totals(session: Session, context: Context, ids: Sequence[int], user_id: str | None) -> list[tuple[Any, ...]]:
    """What these sittings add to the totals of each person, as `report_people.Part` names it."""
    with _cursor(session) as cursor:
        found: list[tuple[Any, ...]] = cursor.execute(_TOTALS, _parameters(context, ids, user_id)).fetchall()
    return found


def copy(session: Session, context: Context, ids: Sequence[int], user_id: str | None, target: IO[bytes]) -> int:
    """Write the same rows as lines of CSV, without headings. Returns how many there are."""
    with _cursor(session) as cursor:
        values = _parameters(context, ids, user_id)
        found = [row[0] for row in cursor.execute(_FIND, values | {"suspect": _SUSPECT})]
        values |= {"raw": found, "shown": [guarded(each) for each in found]}
        with cursor.copy(f"COPY ({_csv(bool(found))}) TO STDOUT WITH (FORMAT csv)", values) as lines:
            while block := b"".join(islice(lines, _BLOCK)):
                target.write(block.replace(b"\n", b"\r\n"))  # no text of a cell holds a line feed: see `guarded`
        return int(cursor.rowcount)


def _cursor(session: Session) -> Any:
    for setting in _SESSION:
        session.execute(text(f"SET LOCAL {setting}"))
    driver: Any = session.connection().connection.driver_connection
    return driver.cursor()


def _parameters(context: Context, ids: Sequence[int], user_id: str | None) -> dict[str, Any]:
    rules = context.rules
    return {
        "ids": list(ids),
        "user_id": user_id,
        "present": rules.present_percent,
        "partial": rules.partial_percent,
        "observed": rules.observed_percent,
        "late": rules.late.total_seconds(),
        "early": rules.left_early.total_seconds(),
    }
