"""iCalendar out: other programs expand it to what our rules say."""

import io
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.timetable import Rule, starts
from worker.timetables import BadFile, CourseDraft, SittingDraft, SlotDraft, read_timetable, write_timetable

SLOT = SlotDraft("0 9 * * SAT", 90, date(2026, 9, 19), date(2026, 12, 31))


def write(*courses, **more):
    stream = io.BytesIO()
    write_timetable(courses, stream, "ics", **more)
    return stream.getvalue()


def expanded(data, first, last):
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(data)).between(first, last)
    return sorted((event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) for event in found)


def test_what_it_holds():
    data = write(CourseDraft("A", "جبر", "Europe/Berlin", teacher_name="نوری", slots=(SLOT,), room="12"))
    event = icalendar.Calendar.from_ical(data).walk("VEVENT")[0]
    assert data.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"BEGIN:VTIMEZONE" in data
    assert (event["SUMMARY"], event["LOCATION"], event["X-MTZ-COURSE"]) == ("جبر", "12", "A")
    assert {"UID", "DTSTAMP"} <= set(event)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert write(CourseDraft("A", "جبر", "Europe/Berlin", teacher_name="نوری", slots=(SLOT,), room="12")) == data


def test_cancelled_moved_and_single_sittings(tmp_path):
    def at(day, hour=5):
        return datetime(2026, 10, day, hour, 30, tzinfo=UTC)

    length = timedelta(minutes=90)
    sittings = (
        SittingDraft(at(3), at(3) + length, cancelled=True, original_start=at(3)),
        SittingDraft(at(11, 8), at(11, 9), original_start=at(10)),
        SittingDraft(at(20), at(20) + length),
    )
    course = CourseDraft("A", "A", "Asia/Tehran", slots=(SLOT,), sittings=sittings)
    path = tmp_path / "t.ics"
    path.write_bytes(write(course))
    days = [start.day for start, _ in expanded(path.read_bytes(), date(2026, 10, 1), date(2026, 11, 1))]
    assert days == [11, 17, 20, 24, 31]
    back = read_timetable(path, timezone="UTC").courses
    assert back == (course,)


def test_an_extra_sitting_that_was_cancelled_is_not_told():
    start = datetime(2026, 10, 20, 5, 30, tzinfo=UTC)
    sitting = SittingDraft(start, start + timedelta(minutes=90), cancelled=True, original_start=start)
    assert b"BEGIN:VEVENT" not in write(CourseDraft("A", "A", "Asia/Tehran", sittings=(sitting,)))


def test_the_last_day_of_a_slot_has_its_class_in_the_calendar_too():
    slot = SlotDraft("0 22 * * SAT", 60, date(2026, 9, 19), date(2026, 10, 3))
    data = write(CourseDraft("A", "A", "America/New_York", slots=(slot,)))
    assert [start.day for start, _ in expanded(data, date(2026, 9, 1), date(2027, 1, 1))] == [20, 27, 4]


def test_a_teacher_is_named_to_those_who_look_at_it():
    data = write(CourseDraft("A", "A", "UTC", teacher_name="نوری", slots=(SLOT,)))
    assert icalendar.Calendar.from_ical(data).events[0]["DESCRIPTION"] == "نوری"


def test_as_many_times_a_day_as_a_calendar_is_given():
    data = write(CourseDraft("A", "A", "UTC", slots=(SlotDraft("*/15 * * * *", 5),)))
    assert data.count(b"BEGIN:VEVENT") == 96


def test_slots_without_a_first_day_begin_when_asked():
    course = CourseDraft("A", "A", "Asia/Tehran", slots=(SlotDraft("0 9 * * SAT", 90),))
    assert icalendar.Calendar.from_ical(write(course, since=date(2026, 11, 22))).events[0].start.date() == date(
        2026, 11, 28
    )


@pytest.mark.parametrize("cron", ["0 9 1 * MON", "* * * * *"])
def test_what_icalendar_cannot_say(cron):
    with pytest.raises(ValueError, match="export as csv"):
        write(CourseDraft("A", "A", "UTC", slots=(SlotDraft(cron, 5),)))


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(
        (
            "0 9 * * 6",
            "15 8,10 * * SAT-WED",
            "0 9 * * *",
            "30 7 1,15 * *",
            "0 9 * 10-12 SAT",
            "0 9 29 2 *",
            "30 2 * * *",
        )
    ),
    st.sampled_from(("Asia/Tehran", "Europe/Berlin")),
    st.dates(date(2025, 9, 1), date(2026, 9, 1)),
    st.integers(1, 3),
    st.integers(-30, 30),
)
def test_others_expand_it_as_we_do(cron, zone, first, every, shift):
    every = 1 if " 1,15 " in cron or " 29 " in cron else every
    anchor = first + timedelta(days=shift) if every > 1 else None
    slot = SlotDraft(cron, 60, first, first + timedelta(days=300), every, anchor)
    rule = Rule(cron, 60, zone, slot.valid_from, slot.valid_until, every, anchor)
    window = datetime(2025, 8, 1, tzinfo=UTC), datetime(2028, 8, 1, tzinfo=UTC)
    ours = [(start, start + timedelta(minutes=60)) for start in starts(rule, *window)]
    assert [start for start, _ in expanded(write(CourseDraft("A", "A", zone, slots=(slot,))), *window)] == [
        start for start, _ in ours
    ]


def read_back(tmp_path, *courses, change=lambda text: text, **more):
    path = tmp_path / "t.ics"
    path.write_text(change(write(*courses, since=date(2026, 11, 30)).decode()), encoding="utf-8", newline="")
    return read_timetable(path, timezone="UTC", **more)


TWICE = SlotDraft("0 9,14 * * SAT,MON", 60)
BOTH = SlotDraft("15,45 8-10 * * SAT-WED/2", 20, date(2026, 9, 19), date(2027, 1, 31), 2, date(2026, 9, 19))


@pytest.mark.parametrize("slots", [(TWICE,), (SLOT, TWICE, BOTH), (SlotDraft("0 9 * * SAT,MON", 60), TWICE)])
def test_a_slot_of_several_times_a_day_comes_back_as_one(tmp_path, slots):
    course = CourseDraft("A", "A", "Asia/Tehran", slots=slots)
    draft = read_back(tmp_path, course, CourseDraft("B", "A", "Asia/Tehran", slots=(TWICE,)))
    assert [each.slots for each in draft.courses] == [slots, (TWICE,)]
    assert draft.warnings == ()


def test_sittings_moved_and_cancelled_at_either_time_of_a_slot_stay_with_it(tmp_path):
    def at(hour):
        return datetime(2026, 12, 5, hour, 30, tzinfo=UTC)

    length = timedelta(minutes=60)
    sittings = (
        SittingDraft(at(5), at(5) + length, cancelled=True, original_start=at(5)),
        SittingDraft(at(12), at(12) + length, original_start=at(10)),
    )
    course = CourseDraft("A", "A", "Asia/Tehran", slots=(TWICE,), sittings=sittings)
    assert read_back(tmp_path, course).courses == (course,)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("T140000", "T143000").replace("T150000", "T153000"),
        lambda text: text.replace("BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\n", 1),
        lambda text: text[: text.rindex("BEGIN:VEVENT")] + "END:VCALENDAR\r\n",
    ],
)
def test_times_of_a_slot_that_another_program_has_changed_stand_alone(tmp_path, change):
    (course,) = read_back(tmp_path, CourseDraft("A", "A", "Asia/Tehran", slots=(TWICE,)), change=change).courses
    assert course.slots
    assert all(len(slot.cron.split()[1].split(",")) == 1 for slot in course.slots)


def test_a_slot_without_a_class_comes_back_and_is_shown_to_nobody(tmp_path):
    over = SlotDraft("0 9 * * SAT", 60, None, date(2025, 12, 31))
    never = SlotDraft("0 9,14 * * SAT", 60, date(2026, 11, 1), date(2026, 11, 2))
    alone = CourseDraft(
        "A", "A", "Asia/Tehran", "t", "نوری", "always", options={"welcome": "x"}, slots=(over,), room="1"
    )
    beside = CourseDraft("B", "B", "Asia/Tehran", slots=(TWICE, never))
    assert read_back(tmp_path, alone, beside).courses == (alone, beside)
    assert b"BEGIN:VEVENT" not in write(alone, since=date(2026, 11, 30))


def test_a_time_that_the_clock_skips_does_not_part_its_slot(tmp_path):
    slot = SlotDraft("30 2,9 * * *", 60, date(2027, 3, 28), date(2027, 3, 28))
    course = CourseDraft("A", "A", "Europe/Berlin", slots=(slot,))
    assert read_back(tmp_path, course).courses == (course,)


def test_a_journal_of_ours_that_was_mangled_is_said(tmp_path):
    over = SlotDraft("0 9 * * SAT", 60, None, date(2025, 12, 31))
    with pytest.raises(BadFile, match="X-MTZ-SLOT is no slot"):
        read_back(
            tmp_path, CourseDraft("A", "A", "UTC", slots=(over,)), change=lambda text: text.replace(";60;", ";x;")
        )


def test_journals_of_other_programs_are_passed_over(tmp_path):
    journal = "BEGIN:VJOURNAL\r\nUID:1\r\nSUMMARY:Dear diary\r\nEND:VJOURNAL\r\nBEGIN:VEVENT"
    course = CourseDraft("A", "A", "UTC", slots=(SLOT,))
    draft = read_back(tmp_path, course, change=lambda text: text.replace("BEGIN:VEVENT", journal, 1))
    assert (draft.courses, draft.warnings) == ((course,), ())
