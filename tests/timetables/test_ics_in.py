"""iCalendar in: what becomes a slot, what becomes dated sittings, and that both give what the calendar says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.timetable import Rule, starts
from worker.timetables import BadFile, SittingDraft, SlotDraft, detect_format, read_timetable


def calendar(*events, head=""):
    body = "".join(f"BEGIN:VEVENT\nSUMMARY:Algebra\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}{body}END:VCALENDAR\n"


def read(path, **more):
    return read_timetable(path, timezone="Asia/Tehran", **more)


def held(course, after, before):
    """What the operations make of a course: slots, minus what was cancelled or moved, plus dated sittings."""
    found = set()
    for slot in course.slots:
        rule = Rule(
            slot.cron, slot.minutes, course.timezone, slot.valid_from, slot.valid_until, slot.every_weeks, slot.anchor
        )
        found |= {(start, start + timedelta(minutes=slot.minutes)) for start in starts(rule, after, before)}
    gone = {sitting.original_start for sitting in course.sittings}
    found = {pair for pair in found if pair[0] not in gone}
    return sorted(found | {(one.starts_at, one.ends_at) for one in course.sittings if not one.cancelled})


def expanded(path, zone, first, last):
    """What the library makes of the file."""
    whole = icalendar.Calendar.from_ical(path.read_bytes())

    def utc(moment):
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)

    return sorted(
        (utc(event["DTSTART"].dt), utc(event["DTEND"].dt))
        for event in recurring_ical_events.of(whole).between(first, last)
    )


WEEKLY = "UID:1\nDTSTART;TZID=Europe/Berlin:20260919T090000\nDTEND;TZID=Europe/Berlin:20260919T103000\n"


def test_a_weekly_event_is_a_slot(write):
    path = write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;BYDAY=SA,MO;UNTIL=20261231T225959Z\nLOCATION:Hall 1"), "c.ics")
    assert detect_format(path) == "ics"
    course = read(path).courses[0]
    assert (course.code, course.timezone, course.room) == ("Algebra", "Europe/Berlin", "Hall 1")
    assert course.slots == (SlotDraft("0 9 * * SAT,MON", 90, date(2026, 9, 19), date(2026, 12, 31)),)


@pytest.mark.parametrize("before", ["", "\ufeff", "\r\n\r\n"])
def test_a_calendar_is_known_by_its_first_line(write, before):
    assert detect_format(write(before + calendar(WEEKLY), "export.txt")) == "ics"


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20261003T065959Z", 2),
        ("20261003T070000Z", 3),
        ("20261003T235959Z", 3),
        ("20261003T085959", 2),
        ("20261003", 3),
    ],
)
def test_an_until_includes_the_class_that_begins_then(write, until, last):
    (slot,) = read(write(calendar(WEEKLY + f"RRULE:FREQ=WEEKLY;UNTIL={until}"), "c.ics")).courses[0].slots
    assert slot.valid_until == date(2026, 10, last)


def test_a_count_and_an_until_before_the_hour(write):
    until = read(write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;UNTIL=20261003T000000Z"), "c.ics")).courses[0].slots[0]
    count = read(write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;COUNT=2"), "d.ics")).courses[0].slots[0]
    assert (until.valid_until, count.valid_until) == (date(2026, 10, 2), date(2026, 9, 26))


def test_every_second_week_on_two_days_with_weeks_from_monday(write):
    """Saturday 19 and Monday 28 September: the Monday before belongs to a week that does not count."""
    path = write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,MO;COUNT=6"), "c.ics")
    window = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert held(read(path).courses[0], *window) == expanded(path, "UTC", *window)
    assert [start.day for start, _ in held(read(path).courses[0], *window)][:2] == [19, 28]


def test_floating_times_are_those_of_the_school_or_of_the_file(write):
    event = "DTSTART:20260919T090000\nDTEND:20260919T103000\nRRULE:FREQ=WEEKLY"
    assert read(write(calendar(event), "c.ics")).courses[0].timezone == "Asia/Tehran"
    assert read(write(calendar(event, head="X-WR-TIMEZONE:Asia/Tokyo\n"), "c.ics")).courses[0].timezone == "Asia/Tokyo"


def test_utc_times_with_a_calendar_zone_recur_in_that_zone(write):
    event = "UID:1\nDTSTART:20260919T053000Z\nDTEND:20260919T070000Z\nRRULE:FREQ=WEEKLY"
    course = read(write(calendar(event, head="X-WR-TIMEZONE:Asia/Tehran\n"), "c.ics")).courses[0]
    assert (course.timezone, course.slots[0].cron) == ("Asia/Tehran", "0 9 * * SAT")
    assert read(write(calendar(event), "c.ics")).courses[0].timezone == "UTC"


def test_exceptions_cancelled_moved_and_deleted(write):
    path = write(calendar(
        WEEKLY + "RRULE:FREQ=WEEKLY;COUNT=8\nEXDATE;TZID=Asia/Tehran:20260926T103000\nEXDATE;VALUE=DATE:20261003",
        "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin:20261010T090000\nDTSTART;TZID=Europe/Berlin:20261011T140000\nDURATION:PT1H",
        "UID:1\nRECURRENCE-ID:20261017T070000Z\nDTSTART:20261017T070000Z\nDTEND:20261017T083000Z\nSTATUS:CANCELLED",
    ), "c.ics")  # fmt: skip
    course = read(path).courses[0]
    at = datetime(2026, 9, 26, 7, tzinfo=UTC)
    assert course.sittings[0] == SittingDraft(at, at + timedelta(minutes=90), cancelled=True, original_start=at)
    found = held(course, datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert found[1][1] - found[1][0] == timedelta(hours=1)
    assert [start.isoformat()[:16] for start, _ in found] == [
        "2026-09-19T07:00", "2026-10-11T12:00", "2026-10-24T07:00", "2026-10-31T08:00", "2026-11-07T08:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=MONTHLY;BYDAY=3SA;COUNT=5",
        "RRULE:FREQ=DAILY;INTERVAL=3;COUNT=5",
        "RRULE:FREQ=WEEKLY;COUNT=3\nRDATE;TZID=Europe/Berlin:20261002T090000",
        "RRULE:FREQ=WEEKLY;BYSETPOS=1;BYDAY=SA,SU;COUNT=4",
        "",
    ],
)
def test_what_cron_cannot_say_is_dated(write, rule):
    path = write(calendar(WEEKLY + rule), "c.ics")
    course = read(path).courses[0]
    window = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    assert course.slots == ()
    assert held(course, *window) == expanded(path, "UTC", *window)


def test_of_several_versions_of_an_event_the_latest_names_the_course(write):
    later = WEEKLY.replace("090000", "110000").replace("103000", "123000") + "SEQUENCE:2\nRRULE:FREQ=WEEKLY;COUNT=2"
    text = calendar(WEEKLY + "SEQUENCE:1\nRRULE:FREQ=WEEKLY;COUNT=2", later).replace("Algebra", "Geometry", 1)
    (course,) = read(write(text, "c.ics")).courses
    assert course.title == "Algebra"


def test_the_start_counts_even_on_a_day_that_its_rule_does_not_name(write):
    path = write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261001T000000Z"), "c.ics")
    found = held(read(path).courses[0], datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [f"{start:%a %d.%m.}" for start, _ in found] == ["Sat 19.09.", "Mon 21.09.", "Mon 28.09."]


def test_a_class_may_last_a_whole_day_and_be_held_once(write):
    text = "DTSTART:20260919T090000Z\nDTEND:20260920T090000Z\nRRULE:FREQ=WEEKLY;COUNT=1"
    (slot,) = read(write(calendar(text), "c.ics")).courses[0].slots
    assert (slot.minutes, slot.valid_from, slot.valid_until) == (1440, date(2026, 9, 19), date(2026, 9, 19))


@pytest.mark.parametrize(("letters", "same"), [(64, True), (65, False)])
def test_a_long_title_is_a_code_as_long_as_it_fits_and_another_title_another_code(write, letters, same):
    text = "".join(calendar(WEEKLY).replace("Algebra", "x" * (letters - 1) + last) for last in "ab")
    codes = [course.code for course in read(write(text.replace("UID:1\n", ""), "c.ics")).courses]
    assert len(set(codes)) == 2
    assert all(len(code) == 64 for code in codes)
    assert (codes[0] == "x" * 63 + "a") is same


def test_a_rule_without_an_end_is_not_warned_of_where_the_caller_names_one(write):
    path = write(calendar(WEEKLY + "RRULE:FREQ=MONTHLY"), "c.ics")
    assert read(path, until_date=date(2026, 12, 31)).warnings == ()


def test_this_and_future(write):
    later = (
        "UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261003T090000\n"
        "DTSTART;TZID=Europe/Berlin:20261003T110000\nDTEND;TZID=Europe/Berlin:20261003T120000"
    )
    path = write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY;COUNT=6", later), "c.ics")
    window = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    found = held(read(path).courses[0], *window)
    assert found == expanded(path, "UTC", *window)
    assert [start.hour for start, _ in found] == [7, 7, 9, 9, 9, 9]


def test_an_endless_rule_is_read_for_a_year(write):
    draft = read(write(calendar(WEEKLY + "RRULE:FREQ=MONTHLY"), "c.ics"))
    assert len(draft.courses[0].sittings) == 13
    assert "pass --until" in draft.warnings[0]


def test_an_endless_rule_is_read_for_a_year_from_its_own_start_where_that_is_later(write):
    draft = read(write(calendar(WEEKLY + "RRULE:FREQ=MONTHLY"), "c.ics"), from_date=date(2026, 1, 1))
    assert len(draft.courses[0].sittings) == 13


def test_an_old_endless_rule_is_read_from_the_first_day_asked_for(write):
    path = write(calendar(WEEKLY.replace("2026", "2016") + "RRULE:FREQ=MONTHLY"), "c.ics")
    sittings = read(path, from_date=date(2026, 9, 1)).courses[0].sittings
    assert (sittings[0].starts_at.year, len(sittings)) == (2026, 12)


def test_the_window_of_the_caller(write):
    path = write(
        calendar(WEEKLY + "RRULE:FREQ=WEEKLY", "UID:2\nDTSTART:20200101T000000Z\nDTEND:20200101T010000Z"), "c.ics"
    )
    course = read(path, from_date=date(2026, 10, 1), until_date=date(2026, 11, 1)).courses[0]
    assert (course.slots[0].valid_from, course.slots[0].valid_until) == (date(2026, 10, 1), date(2026, 11, 1))
    assert course.sittings == ()


@pytest.mark.parametrize(
    ("zone", "hour"), [("America/New_York", "200000"), ("Asia/Tehran", "003000"), ("Pacific/Kiritimati", "090000")]
)
def test_the_first_and_the_last_day_asked_for_are_those_of_the_events_zone(write, zone, hour):
    event = f"DTSTART;TZID={zone}:20260930T{hour}\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1,1,2"
    draft = read(write(calendar(event), "c.ics"), from_date=date(2026, 11, 1), until_date=date(2026, 12, 1))
    starts_at = [sitting.starts_at.astimezone(ZoneInfo(zone)) for sitting in draft.courses[0].sittings]
    assert [f"{at:%d.%m.}" for at in starts_at] == ["01.11.", "02.11.", "30.11.", "01.12."]


def test_a_sitting_that_was_moved_past_the_last_day_asked_for_is_not_held_where_it_was(write):
    moved = (
        "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin:20261031T090000\nDTSTART;TZID=Europe/Berlin:20261103T090000\n"
        "DTEND;TZID=Europe/Berlin:20261103T103000"
    )
    path = write(calendar(WEEKLY + "RRULE:FREQ=WEEKLY", moved), "c.ics")
    course = read(path, until_date=date(2026, 10, 31)).courses[0]
    found = held(course, datetime(2026, 10, 20, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [f"{start:%d.%m.}" for start, _ in found] == ["24.10.", "03.11."]


def test_events_of_one_title_are_one_course_with_or_without_uid(write):
    events = [f"DTSTART:202609{day}T090000\nDTEND:202609{day}T100000\nRRULE:FREQ=WEEKLY" for day in (19, 20, 21, 21)]
    draft = read(write(calendar(*events), "c.ics"))
    assert [slot.cron for slot in draft.courses[0].slots] == ["0 9 * * SAT", "0 9 * * SUN", "0 9 * * MON"]
    assert "there already" in draft.warnings[0]


def test_a_line_that_goes_on_may_look_like_a_mark(write):
    course = read(write(calendar(WEEKLY + "DESCRIPTION:Chapter 3\n begin:vevent\n end:vevent"), "c.ics")).courses[0]
    assert len(course.sittings) == 1


def test_what_is_no_class_is_named(write):
    draft = read(write(calendar(
        WEEKLY,
        "DTSTART;VALUE=DATE:20260919",
        "DTSTART:20260919T090000Z",
        "DTSTART:20260919T090000Z\nDTEND:20260921T090000Z",
        "DTSTART:20260919T090000Z\nDTEND:20260919T100000Z\nSTATUS:CANCELLED",
    ), "c.ics"))  # fmt: skip
    assert [warning.split("'")[2] for warning in draft.warnings] == [
        " lasts all day and is left out", " has no length and is left out",
        " is longer than a day and is left out", " is cancelled and is left out",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("hello", 1, "not iCalendar"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260919T090000\n", 2, "never closed"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VALARM\n", 3, "closes nothing"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", 2, "closes nothing"),
        (calendar(), None, "holds no class"),
        ("", None, "holds no class"),
        (calendar("DTSTART:2026x\nDTEND:20260919T100000"), 6, "2026x"),
        (calendar("DTSTART:20260919T090000\nRRULE:FREQ=SOMETIMES"), 7, "SOMETIMES"),
        (calendar("DTSTART:20260919T090000\nrubbish"), 7, "rubbish"),
        (calendar("DTSTART;TZID=Mars/Base:20260919T090000\nDURATION:PT1H"), 6, "'Mars/Base' is not known"),
        (calendar(WEEKLY + "RRULE:FREQ=SECONDLY"), 4, "too often"),
        (calendar(WEEKLY + f"RRULE:FREQ=DAILY;BYMINUTE={','.join(map(str, range(49)))}"), 4, "too often"),
        (calendar(WEEKLY + "DTSTART:20260919T090000"), 4, "several DTSTART"),
        (calendar(WEEKLY + "RRULE:COUNT=2"), 4, "mend"),
        (calendar(WEEKLY + "RRULE:FREQ=WEEKLY;COUNT=4;INTERVAL=0"), 4, "INTERVAL of its RRULE is 0; write INTERVAL=1"),
        (calendar(WEEKLY + "RRULE:FREQ=WEEKLY;INTERVAL=-2"), 4, "INTERVAL of its RRULE is -2"),
        (calendar(WEEKLY + "RRULE:FREQ=MONTHLY;INTERVAL=0"), 4, "INTERVAL of its RRULE is 0"),
        (calendar(WEEKLY + "RRULE:FREQ=WEEKLY;COUNT=0"), 4, "COUNT of its RRULE is 0"),
        (calendar("DTSTART;TZID=Europe:20260919T090000"), None, "not iCalendar"),
        (calendar("LOCATION:x"), 4, "no DTSTART"),
        (calendar(WEEKLY + "RRULE:FREQ=DAILY;COUNT=99999"), 4, "more than 5000"),
        (calendar(WEEKLY, head="X-WR-TIMEZONE:Mars/Base\n"), None, "not a time zone"),
        (calendar(WEEKLY).replace("Algebra", ""), 4, "no SUMMARY"),
    ],
)
def test_errors_name_the_line(write, text, row, words):
    with pytest.raises(BadFile, match=words) as caught:
        read(write(text, "c.ics"))
    assert caught.value.row == row


days = st.lists(st.sampled_from(("MO", "TU", "WE", "TH", "FR", "SA", "SU")), min_size=1, max_size=4, unique=True)


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(2024, 1, 1), date(2027, 1, 1)),
    days,
    st.integers(1, 3),
    st.sampled_from(("MO", "SA", "SU")),
    st.integers(1, 20),
)
def test_slots_hold_what_the_calendar_says(tmp_path_factory, first, names, interval, wkst, count):
    day = first.strftime("%Y%m%d")
    names = sorted({*names, ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()]})
    path = tmp_path_factory.mktemp("ics") / "c.ics"
    rule = f"RRULE:FREQ=WEEKLY;INTERVAL={interval};WKST={wkst};BYDAY={','.join(names)};COUNT={count}"
    path.write_text(
        calendar(f"UID:1\nDTSTART;TZID=Europe/Berlin:{day}T091500\nDTEND;TZID=Europe/Berlin:{day}T104500\n{rule}")
    )
    window = datetime(2023, 12, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    course = read(path).courses[0]
    assert course.slots
    assert held(course, *window) == expanded(path, "UTC", *window)


def test_a_students_calendar(real):
    path = real("nust-bcs-s5-sds.ics")
    draft = read_timetable(path, timezone="Africa/Windhoek")
    assert (len(draft.courses), sum(len(course.slots) for course in draft.courses)) == (27, 36)
    window = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    ours = sorted(pair for course in draft.courses for pair in held(course, *window))
    theirs = expanded(path, "Africa/Windhoek", *window)
    assert ours == theirs


def test_moved_events(real):
    path = real("recurring_events_moved.ics")
    window = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    ours = sorted(pair for course in read(path).courses for pair in held(course, *window))
    assert [start for start, _ in ours] == [start for start, _ in expanded(path, "UTC", *window)]
    assert len(ours) == 7
