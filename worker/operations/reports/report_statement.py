"""The statement by which PostgreSQL judges attendance: a batch of settled sittings, whatever is to be made of it.

It says the same as `report.judged_batch`; a test compares the two on random classes. Its parameters are ``ids``, the
sittings; ``gapped``, those of them with a time that nobody watched; ``user_id``, one person or None for all; and the
rules, as `report_sql` gives them.
"""


def time_of(start: str, end: str) -> str:
    """The time from start to end, never below nothing."""
    return f"greatest(({end}) - ({start}), interval '0')"


def seconds_of(interval: str) -> str:
    return f"coalesce(date_part('epoch', {interval}), 0)"


def iso(column: str) -> str:
    """ISO 8601 in the course's zone, as Python writes it: microseconds only where there are any. `m` is the sitting."""
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


#: Sittings that are written out together: some hundred kilobytes of lines.
PART = 40

# The offset of a course's zone is looked up once a sitting. Where it does not change for days around, it is that of
# every time in the sitting; a look-up a time is most of what a million rows cost.
CHOSEN = """
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

#: Of the stays `s`, those that reach into the planned time of the sitting `o`.
INSIDE = "s.last_seen > o.starts_at AND s.first_seen < o.ends_at"

# What only few sittings need (an unwatched time, and what it takes from lateness and from comings) is found for those
# in `gapped` alone, and joined once. OFFSET 0 keeps PostgreSQL from writing the expressions of one step into the next
# as often as they are named there. No stranger's text is in the statement: what is put together here are expressions
# of our own; values are parameters.
JUDGED = f"""
WITH {CHOSEN}, dark AS MATERIALIZED (
    SELECT o.id, g.first_at, g.last_at, greatest(g.first_at, o.starts_at) AS dark_from,
        least(g.last_at, o.ends_at) AS dark_until
    FROM gaps g JOIN chosen o ON o.id = g.occurrence_id WHERE g.occurrence_id = ANY(%(gapped)s)
), seen AS MATERIALIZED (
    SELECT s.occurrence_id AS id, s.attendee_key AS key, count(*) AS stays, min(s.first_seen) AS first_seen,
        max(s.last_seen) AS last_seen, min(s.first_seen) FILTER (WHERE {INSIDE}) AS came_at,
        max(s.last_seen) FILTER (WHERE {INSIDE}) AS went_at,
        sum({time_of("greatest(s.first_seen, o.starts_at)", "least(s.last_seen, o.ends_at)")}) AS present
    FROM stays s JOIN chosen o ON o.id = s.occurrence_id
    WHERE s.occurrence_id = ANY(%(ids)s) GROUP BY s.occurrence_id, s.attendee_key
), shaded AS (
    SELECT s.id, s.key, bool_and({INSIDE}) AS inside,
        bool_or(d.first_at <= s.left_at AND s.first_seen <= d.last_at)::int AS bridged,
        sum({time_of("greatest(s.first_seen, d.dark_from)", "least(s.last_seen, d.dark_until)")}) AS lit,
        sum({time_of("d.dark_from", "least(d.dark_until, s.first_seen)")}) AS before,
        sum({time_of("greatest(d.dark_from, s.last_seen)", "d.dark_until")}) AS after
    FROM (
        SELECT occurrence_id AS id, attendee_key AS key, first_seen, last_seen,
            lag(last_seen) OVER (PARTITION BY occurrence_id, attendee_key ORDER BY first_seen) AS left_at
        FROM stays WHERE occurrence_id = ANY(%(gapped)s)
    ) AS s JOIN dark d ON d.id = s.id JOIN chosen o ON o.id = s.id GROUP BY s.id, s.key, s.first_seen
), shade AS (
    SELECT id, key, sum(bridged) AS bridged, sum(lit) AS lit, min(before) FILTER (WHERE inside) AS before,
        min(after) FILTER (WHERE inside) AS after
    FROM shaded GROUP BY id, key
), total AS (
    SELECT id, sum({time_of("dark_from", "dark_until")}) AS dark FROM dark GROUP BY id
), planned AS MATERIALIZED (
    SELECT m.*, t.dark, m.starts_at + m.late_after AS late_from, m.ends_at - m.early_after AS early_until,
        {iso("m.starts_at")} AS starts, {iso("m.ends_at")} AS ends,
        row_number() OVER (ORDER BY m.starts_at, m.id) AS place,
        row_number() OVER (ORDER BY m.starts_at, m.id) / {PART} AS part
    FROM chosen m LEFT JOIN total t ON t.id = m.id
), people AS (
    SELECT o.id, p.user_id AS key, p.user_id, p.full_name, p.role, false AS guest
    FROM chosen o JOIN participants p ON p.course_id = o.course_id
    WHERE (p.valid_from IS NULL OR p.valid_from <= o.day) AND (p.valid_until IS NULL OR o.day <= p.valid_until)
    UNION ALL SELECT id, key, user_id, full_name, role, true FROM guests
), summed AS (
    SELECT o.*, p.key, p.user_id, p.full_name, p.role, p.guest, s.first_seen, s.last_seen,
        coalesce(s.stays - coalesce(d.bridged, 0), 0) AS joins, {seconds_of("s.present")} AS present,
        {seconds_of("o.dark - coalesce(d.lit, interval '0')")} AS hidden,
        s.came_at > o.late_from + coalesce(d.before, interval '0') AS came_late,
        s.went_at < o.early_until - coalesce(d.after, interval '0') AS went_early
    FROM people p JOIN planned o ON o.id = p.id
    LEFT JOIN seen s ON s.id = p.id AND s.key = p.key
    LEFT JOIN shade d ON d.id = p.id AND d.key = p.key
    WHERE %(user_id)s::text IS NULL OR p.user_id = %(user_id)s OFFSET 0
), judged AS (
    SELECT *, least(100 * present / length, 100) AS percent,
        CASE WHEN 100 * present / length >= present_percent THEN 'present'
            WHEN 100 * (length - hidden) / length < %(observed)s THEN 'unknown'
            WHEN 100 * present / length >= partial_percent THEN 'partial' ELSE 'absent' END AS observed
    FROM summed OFFSET 0
), changed AS (
    SELECT DISTINCT ON (occurrence_id, user_id) occurrence_id AS id, user_id AS key, status, by, reason
    FROM corrections WHERE occurrence_id = ANY(%(ids)s) AND undone_at IS NULL ORDER BY occurrence_id, user_id, id DESC
), marked AS (
    SELECT j.*, coalesce(c.status, j.observed) AS status, c.by, c.reason,
        coalesce(j.observed IN ('present', 'partial') AND j.came_late, false) AS late,
        coalesce(j.observed IN ('present', 'partial') AND j.went_early, false) AS left_early
    FROM judged j LEFT JOIN changed c ON c.id = j.id AND c.key = j.key
)
"""  # noqa: S608
