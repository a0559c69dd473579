"""The measures of a run: periods, limits, and the settings of the installation. All in seconds."""

from worker.operations.pulse import LOOPS

PERIOD = 2.0
#: How many times shorter that is than in life.
HURRY = 15
LEAD, GRACE = 12.0, 3.0
#: Without a fault for at least this long after each wave, seconds.
QUIET = 5.0
#: A loop that is silent for longer than this after a wave is reported, not waited for, seconds.
PATIENCE = 40.0
SETTINGS = {
    **{f"{loop}_period_seconds": PERIOD for loop in LOOPS},
    "timezone": "UTC",
    "lead_seconds": LEAD,
    "grace_seconds": GRACE,
    "spread_seconds": 0,
    "tolerance_seconds": 2 * PERIOD,
    "end_retry_seconds": PERIOD,
    "gone_after": 2,
    "server_down_after": 2,
    "server_up_after": 2,
    "connect_timeout_seconds": 1,
    "read_timeout_seconds": 2,
    "recording_first_seconds": 2,
    "recording_longest_seconds": 8,
    "recording_deadline_seconds": 600,
    "harvest_full_seconds": 10,
    "stuck_after_seconds": 20,
    "late_seconds": 10,
    "left_early_seconds": 10,
    "secret_key": "a key for tests only",
    "download_reserve_bytes": 0,
    "download_slice_seconds": 4,
}
#: Of a file of a recording, bytes: some pages.
MEDIA_SIZE = 10_000
#: The longest a task may run, so that a process can be stopped for longer than that.
SOFT_LIMIT, HARD_LIMIT = 6, 8
#: How many times faster the servers' own clocks run than in life; a minute that a caller names is a minute.
SCALE = 10.0
#: How long people sit in a forgotten room before they notice, at most.
NOTICE = 3.0
