"""The calendars that come with the package recurring-ical-events, full of edge cases: ours and its expansion agree."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
import recurring_ical_events

from tests.timetables.test_ics_in import held
from worker.timetables import BadFile, read_timetable

FOLDER = Path(recurring_ical_events.__file__).parent / "test" / "calendars"
DAY = timedelta(days=1)
#: What a school is told to mend, where a library shrugs: no title, no length, a rule that is none, tags that cross.
REFUSED = {
    "bad_rrule_missing_until_event": "UNTIL",
    "end_before_start_event": "no length",
    "issue_107_omitting_last_event": "no SUMMARY",
    "issue_132_swapped_start_and_end": "no length",
    "issue_173_only_modifications_error": "no SUMMARY",
    "issue_201_test_matrix": "closes nothing",
    "issue_62_moved_event": "no length",
    "recurring_events_changed_duration": "mend its times",
    "zero_size_event": "no length",
}


def utc(moment):
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def timed(path):
    """The starts of all events that are no whole days."""
    calendar = icalendar.Calendar.from_ical(path.read_bytes())
    starts = [event["DTSTART"].dt for event in calendar.walk("VEVENT") if event.get("DTSTART") is not None]
    return [utc(start) for start in starts if isinstance(start, datetime)]


FILES = [path for path in sorted(FOLDER.glob("*.ics")) if timed(path)]


def expanded(path, first, last):
    """Classes as the library has them: timed, held, and neither endless nor without a length."""
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(path.read_bytes())).between(first, last)
    pairs = {
        (utc(event["DTSTART"].dt), utc(event["DTEND"].dt))
        for event in found
        if isinstance(event["DTSTART"].dt, datetime) and event.get("STATUS") != "CANCELLED"
    }
    return {(start, end) for start, end in pairs if timedelta() < end - start <= DAY}


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in REFUSED], ids=lambda path: path.stem)
def test_the_same_classes(path):
    first = min(timed(path)) - 2 * DAY
    last = first + 700 * DAY
    draft = read_timetable(path, timezone="UTC", until_date=(last + 5 * DAY).date())
    ours = {pair for course in draft.courses for pair in held(course, first, last) if pair[0] < last}
    assert ours == expanded(path, first, last)


@pytest.mark.parametrize("path", [path for path in FILES if path.stem in REFUSED], ids=lambda path: path.stem)
def test_what_is_to_be_mended_is_named(path):
    with pytest.raises(BadFile, match=REFUSED[path.stem]):
        read_timetable(path, timezone="UTC")
