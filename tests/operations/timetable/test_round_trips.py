"""Through the database and back: what is exported and brought in again is the same timetable, in every format."""

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
import recurring_ical_events

from worker.domain.holidays import Holiday as Day
from worker.operations.timetable import arrange, holidays
from worker.operations.timetable.export_timetable import drafts
from worker.operations.timetable.import_timetable import import_timetable
from worker.store.tables import Course, Occurrence
from worker.timetables import (
    CourseDraft,
    SittingDraft,
    SlotDraft,
    TimetableDraft,
    read_timetable,
    write_timetable,
)

FIRST = date(2026, 3, 1)
NINTH = datetime(2026, 3, 9, 5, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
COURSES = (
    CourseDraft(
        "ریاضی-۱", "ریاضی", "Asia/Tehran", "t1", "نوری", "always", 5, 2.5, 30, {"welcome": "سلام؛ hi;x"}, room="12",
        slots=(
            SlotDraft("0 9 * * MON", 90),
            SlotDraft("30 7 * * SAT,WED", 60, FIRST, date(2026, 6, 1), 2, FIRST),
            SlotDraft("30 7 * * SAT,WED", 60, FIRST, date(2026, 6, 1), 2, date(2026, 3, 8)),
        ),
        sittings=(SittingDraft(NINTH + 29 * HOUR, NINTH + 30 * HOUR),),
    ),
    CourseDraft("=phy", "Physics", "Europe/Berlin", slots=(SlotDraft("0 10 * * *", 45, FIRST),)),
    CourseDraft("one", "Once", "UTC", sittings=(SittingDraft(NINTH, NINTH + HOUR),)),
)  # fmt: skip


@pytest.fixture
def lived_in(stage):
    """A timetable that people have changed: one sitting moved, one cancelled, one day without classes, one extra."""
    import_timetable(stage.context, TimetableDraft(COURSES), stage.clock())
    holidays.add(stage.context, Day(date(2026, 3, 12), "Snow"), stage.clock())
    first, second = stage.rows(Occurrence, Occurrence.original_start.in_([NINTH, NINTH + timedelta(days=7)]))[:2]
    arrange.move(stage.context, first.id, NINTH + 40 * HOUR, NINTH + 41 * HOUR, stage.clock())
    arrange.cancel(stage.context, second.id, "ill", stage.clock())
    extra = arrange.add(stage.context, "one", NINTH + 50 * HOUR, NINTH + 51 * HOUR, stage.clock())
    arrange.move(stage.context, extra, NINTH + 60 * HOUR, NINTH + 61 * HOUR, stage.clock())
    return stage


def held(stage):
    with stage.context.database.read() as session:
        codes = {row.id: row.code for row in session.query(Course)}
    rows = stage.rows(Occurrence, Occurrence.cancelled_at.is_(None), Occurrence.ends_at > stage.clock())
    return sorted((codes[row.course_id], row.starts_at, row.ends_at) for row in rows)


def exported(stage, tmp_path, format, week_start=5):
    with stage.context.database.read() as session:
        courses = drafts(session, stage.clock())
    path = tmp_path / f"out.{format}"
    write_timetable(courses, path, format, since=stage.clock().date(), week_start=week_start)
    return path


def bring(stage, path, **how):
    draft = read_timetable(path, timezone="Asia/Tehran", **how)
    return import_timetable(stage.context, draft, stage.clock())


@pytest.mark.parametrize("format", ["csv", "xlsx", "ics"])
def test_brought_in_again_it_changes_nothing(lived_in, tmp_path, format):
    before = held(lived_in)
    changes = bring(lived_in, exported(lived_in, tmp_path, format))
    assert (changes.new, changes.changed, changes.gone, changes.occurrences) == ([], [], [], 0)
    assert held(lived_in) == before


@pytest.mark.parametrize("format", ["csv", "xlsx", "ics"])
def test_brought_into_an_empty_installation_it_is_the_same(lived_in, tmp_path, format):
    before, path = held(lived_in), exported(lived_in, tmp_path, format)
    with lived_in.context.database.write() as session:
        for row in session.query(Course):
            row.code = f"old-{row.code}"
            row.archived_at = lived_in.clock()
    bring(lived_in, path)
    assert [row for row in held(lived_in) if not row[0].startswith("old-")] == before
    assert bring(lived_in, path).unchanged == [course.code for course in sorted(COURSES, key=lambda one: one.code)]


@pytest.mark.parametrize("format", ["csv", "xlsx", "ics"])
def test_every_format_carries_all_of_a_course(lived_in, tmp_path, format):
    """File -> tables -> file -> empty tables: what there is to say of each course is the same."""
    path = exported(lived_in, tmp_path, format)
    before = all_of(lived_in)
    with lived_in.context.database.write() as session:
        for row in session.query(Course):
            row.code, row.archived_at = f"old-{row.code}", lived_in.clock()
    bring(lived_in, path)
    assert all_of(lived_in) == before
    assert {name for course in before for name in ("record", "options", "expected") if getattr(course, name)} == {
        "record", "options", "expected",
    }  # fmt: skip


def all_of(stage):
    """The courses as exports see them; slots and sittings in whatever order."""
    with stage.context.database.read() as session:
        return [
            replace(each, slots=tuple(sorted(each.slots, key=repr)), sittings=tuple(sorted(each.sittings, key=repr)))
            for each in drafts(session, stage.clock())
        ]


@pytest.mark.parametrize("format", ["csv", "ics"])
def test_what_a_file_says_is_not_there_is_taken_away(stage, tmp_path, format):
    plain = CourseDraft("a", "A", "UTC", slots=(SlotDraft("0 9 * * 1", 60),))
    path = tmp_path / f"plain.{format}"
    write_timetable([plain], path, format, since=FIRST)
    full = replace(plain, teacher_id="7", teacher_name="N", lead_minutes=5, expected=3, options={"welcome": "hi"})
    import_timetable(stage.context, TimetableDraft((full,)), stage.clock())
    assert bring(stage, path).changed == ["a"]
    (row,) = stage.rows(Course)
    assert (row.teacher_id, row.teacher_name, row.lead_seconds, row.expected, row.options) == (None,) * 4 + ({},)


def test_other_programs_see_the_same_in_the_calendar(lived_in, tmp_path):
    calendar = icalendar.Calendar.from_ical(exported(lived_in, tmp_path, "ics").read_bytes())
    assert {str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")} == {"Asia/Tehran", "Europe/Berlin"}
    now, end = lived_in.clock(), lived_in.clock() + timedelta(days=14)
    found = sorted(
        (str(event["X-MTZ-COURSE"]), event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC))
        for event in recurring_ical_events.of(calendar).between(now, end)
    )
    assert found == [row for row in held(lived_in) if row[1] < end]


@pytest.mark.parametrize("week_start", [0, 5, 6])
def test_odd_weeks_in_the_calendar_begin_on_the_day_that_the_school_says(make_context, tmp_path, clock, week_start):
    from tests.operations.stage import Stage

    stage = Stage(make_context(week_start=week_start, horizon_days=40), clock)
    slot = SlotDraft("0 9 * * SAT,SUN,MON", 60, FIRST, None, 2, FIRST)
    import_timetable(stage.context, TimetableDraft((CourseDraft("a", "A", "UTC", slots=(slot,)),)), clock())
    data = exported(stage, tmp_path, "ics", week_start).read_bytes()
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(data)).between(clock(), clock() + timedelta(days=40))
    ours = [start for _, start, _ in held(stage) if clock() <= start < clock() + timedelta(days=40)]
    assert sorted(event["DTSTART"].dt.astimezone(UTC) for event in found) == ours


GOLESTAN = (
    "شماره و گروه درس,نام درس,نام استاد,زمان و مکان ارائه/ امتحان\n"
    "1211009_01,ریاضی,نوری,درس(ت): يك شنبه 11:00-12:00 مکان: 24 درس(ت): سه شنبه 11:00-12:00 ف\n"
)
FET = (
    '"Activity Id","Day","Hour","Students Sets","Subject","Teachers","Activity Tags","Room","Comments"\n'
    '"1","شنبه","7:30","10A","ریاضی","نوری","","12",""\n"1","شنبه","8:00","10A","ریاضی","نوری","","12",""\n'
)
DATED = "summary,time,duration\nPhysics 1,2026-03-10T10:00:00Z,1\nPhysics 2,2026-03-17T10:00:00Z,1.5\n"
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
SUMMARY:Algebra
DTSTART;TZID=Europe/Berlin:20260302T140000
DTEND;TZID=Europe/Berlin:20260302T150000
RRULE:FREQ=WEEKLY
EXDATE;TZID=Europe/Berlin:20260316T140000
END:VEVENT
BEGIN:VEVENT
UID:1
SUMMARY:Algebra
RECURRENCE-ID;TZID=Europe/Berlin:20260309T140000
DTSTART;TZID=Europe/Berlin:20260310T160000
DTEND;TZID=Europe/Berlin:20260310T170000
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Seminar
DTSTART:20260305T140000Z
DTEND:20260305T150000Z
RRULE:FREQ=MONTHLY;BYDAY=1TH;COUNT=3
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [("g.csv", GOLESTAN, 3), ("f.csv", FET, 2), ("d.csv", DATED, 2), ("c.ics", ICS, 5)],
)
def test_each_format_twice_changes_nothing(stage, tmp_path, name, text, count):
    path = tmp_path / name
    path.write_text(text)
    how = {} if name == "c.ics" else {"from_date": FIRST}
    bring(stage, path, **how)
    before = [(row.id, row.starts_at, row.ends_at, row.cancelled_at) for row in stage.rows(Occurrence)]
    assert len(held(stage)) == count
    stage.clock.advance(minutes=5)
    changes = bring(stage, path, **how)
    assert (changes.new, changes.changed, changes.occurrences) == ([], [], 0)
    assert [(row.id, row.starts_at, row.ends_at, row.cancelled_at) for row in stage.rows(Occurrence)] == before


def test_moved_and_cancelled_sittings_of_a_calendar_land_right(stage, tmp_path):
    path = tmp_path / "c.ics"
    path.write_text(ICS)
    bring(stage, path)
    assert [start.isoformat()[:13] for code, start, _ in held(stage) if code == "Algebra"] == [
        "2026-03-02T13", "2026-03-10T15",
    ]  # fmt: skip


# Real files, counted once more by other means


REAL = Path(__file__).parents[4] / "shared" / "data" / "timetables"
DAYS = ("دوشنبه", "سه شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه", "یکشنبه")


def real(*names):
    return [name for name in names if (REAL / name).exists()]


def rows_of(name):
    return list(csv.DictReader(io.StringIO((REAL / name).read_text("utf-8-sig"))))


@pytest.mark.parametrize("name", real("Sharif_timetable.csv"))
def test_a_university_is_planned_as_its_rows_say(stage, name):
    rows = rows_of(name)
    changes = bring(stage, REAL / name, from_date=FIRST)
    assert len(changes.new) == len({row["Activity Id"] for row in rows}) == 136
    assert len(rows) == 414
    wanted = Counter(DAYS.index(day) for day in {row["Activity Id"]: row["Day"] for row in rows}.values())
    local = [row.starts_at + timedelta(hours=3.5) for row in stage.rows(Occurrence)]
    week = [start for start in local if date(2026, 3, 7) <= start.date() <= date(2026, 3, 13)]
    assert Counter(start.weekday() for start in week) == wanted
    lengths = [row.ends_at - row.starts_at for row in stage.rows(Occurrence)]
    of_week = [length for start, length in zip(local, lengths, strict=True) if start in week]
    assert sum(of_week, timedelta()) == timedelta(minutes=414 * 30)
    assert bring(stage, REAL / name, from_date=FIRST).unchanged == changes.new


@pytest.mark.parametrize("name", real("Bethlen-2008-2009_timetable.csv"))
def test_a_school_with_a_bell_schedule(stage, name):
    activities = {row["Activity Id"] for row in rows_of(name)}
    bells = {f"{number}.": (f"{7 + number}:00", f"{7 + number}:45") for number in range(13)}
    changes = bring(stage, REAL / name, from_date=FIRST, periods=bells)
    assert len(changes.new) == len(activities) == 766
    assert bring(stage, REAL / name, from_date=FIRST, periods=bells).unchanged == changes.new
    assert changes.conflicts == []  # FET lets no teacher clash


@pytest.mark.parametrize("name", real("leeds-tds-2027.csv"))
def test_a_list_of_dates(stage, name):
    stage.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    wanted = sorted(
        datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
        for row in rows_of(name)
        if row["duration"] not in ("", "0")
    )
    bring(stage, REAL / name)
    assert [start for _, start, _ in held(stage)] == wanted
    assert bring(stage, REAL / name).unchanged == ["leeds-tds-2027"]


@pytest.mark.parametrize("name", real("nust-bcs-s5-sds.ics", "recurring_events_moved.ics"))
def test_a_calendar_is_planned_as_the_library_expands_it(stage, name):
    calendar = icalendar.Calendar.from_ical((REAL / name).read_bytes())
    begins = min(event["DTSTART"].dt for event in calendar.walk("VEVENT") if not event.get("RECURRENCE-ID"))
    stage.clock.now = datetime(begins.year, begins.month, begins.day, tzinfo=UTC)
    bring(stage, REAL / name)
    stage.clock.advance(minutes=1)
    end = stage.clock() + timedelta(days=14)
    theirs = Counter(
        event["DTSTART"].dt.astimezone(UTC) if event["DTSTART"].dt.tzinfo else
        (event["DTSTART"].dt - timedelta(hours=3.5)).replace(tzinfo=UTC)
        for event in recurring_ical_events.of(calendar).between(stage.clock() - timedelta(days=1), end)
        if isinstance(event["DTSTART"].dt, datetime)
    )  # fmt: skip
    ours = Counter(start for _, start, _ in held(stage) if start < end)
    assert ours
    assert ours == Counter({start: count for start, count in theirs.items() if stage.clock() <= start < end})
    assert bring(stage, REAL / name).changed == []
