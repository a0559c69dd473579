"""Activities of FET: rows become sittings, labels become times."""

from datetime import date

import pytest

from worker.timetables import BadFile, SlotDraft, detect_format, read_timetable

HEAD = '"Activity Id","Day","Hour","Students Sets","Subject","Teachers","Activity Tags","Room","Comments"'


def rows(*rows):
    return "\ufeff" + HEAD + "\n" + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)


def lesson(number, day, hour):
    return number, day, hour, "10A", "ریاضی", "نوری", "", "12", ""


def read(path, **more):
    return read_timetable(path, timezone="Asia/Tehran", **more).courses


def test_consecutive_periods_are_one_sitting(write):
    path = write(
        rows(
            lesson(1, "دوشنبه", "7:30"),
            lesson(1, "دوشنبه", "8:00"),
            lesson(2, "الأحد", "8:30"),
            lesson(3, "Sunday", "12:00"),
        )
    )
    assert detect_format(path) == "fet"
    first, second, third = read(path, from_date=date(2026, 9, 19))
    assert (first.code, first.title, first.teacher_name, first.room) == ("FET-1", "ریاضی · 10A", "نوری", "12")
    assert first.slots == (SlotDraft("30 7 * * MON", 60, date(2026, 9, 19)),)
    assert second.slots == (SlotDraft("30 8 * * SUN", 30, date(2026, 9, 19)),)
    assert third.slots[0].minutes == 30


def test_periods_apart_are_two_sittings(write):
    path = write(
        rows(
            lesson(1, "شنبه", "8:00"), lesson(1, "شنبه", "9:00"), lesson(1, "شنبه", "11:00"), lesson(2, "شنبه", "10:00")
        )
    )
    assert [(slot.cron, slot.minutes) for slot in read(path)[0].slots] == [("0 8 * * SAT", 120), ("0 11 * * SAT", 60)]


@pytest.mark.parametrize(
    ("gap", "lengths"),
    [("09:15", [165]), ("09:16", [45, 89])],
)
def test_a_long_break_parts_two_periods_and_a_short_one_does_not(write, gap, lengths):
    path = write(rows(lesson(1, "شنبه", "1."), lesson(1, "شنبه", "2.")))
    slots = read(path, periods={"1.": ("08:00", "08:45"), "2.": (gap, "10:45")})[0].slots
    assert [slot.minutes for slot in slots] == lengths


def test_an_activity_of_nobody_at_the_only_hour(write):
    (course,) = read(write(rows((1, "شنبه", "8:00", "", "ریاضی", "", "", "", ""))))
    assert (course.title, course.teacher_name, course.room) == ("ریاضی", None, None)
    assert course.slots[0].minutes == 60


def test_named_periods_need_a_bell_schedule(write):
    path = write(rows(lesson(1, "Hétfő", "1."), lesson(1, "Hétfő", "2.")))
    with pytest.raises(BadFile, match="pass --periods") as caught:
        read(path)
    assert (caught.value.row, caught.value.column) == (2, "Hour")
    assert read(path, periods={"1": ("8:00", "8:45"), "2.": ("8:55", "9:40")})[0].slots == (
        SlotDraft("0 8 * * MON", 100),
    )
    bells = write("period,start,end\n1.,08:00,08:45\n2.,08:55,09:40\n", "bells.csv")
    assert read(path, periods=bells)[0].slots[0].minutes == 100


@pytest.mark.parametrize(
    ("bells", "row", "words"),
    [
        ("period,start,end\n1.,08:00,08:45\n", 2, "period '2.' has no times"),
        ("period,start,end\n1.,08:00\n", 2, "write period,start,end"),
        ("period,start,end\n2.,08:00,08:45\n1.,08:00\n", 3, "write period,start,end"),
        ("period,start,end\n2.,08:00,08:45\n1.,x,08:45\n", 3, "not a time of day"),
        ("period,start,end\n1.,09:00,08:45\n", 2, "before it begins"),
        ("period,start,end\n2.,08:00,08:45\n1.,09:00,09:00\n", 3, "before it begins"),
    ],
)
def test_bad_bell_schedules(write, bells, row, words):
    with pytest.raises(BadFile, match=words) as caught:
        read(write(rows(lesson(1, "Hétfő", "2."))), periods=write(bells, "bells.csv"))
    assert caught.value.row == row


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (rows(lesson(1, "Caturday", "8:00")), "not a day of the week"),
        (rows(lesson("", "شنبه", "8:00")), "column Activity Id: is empty"),
        (rows(), "holds no activity"),
    ],
)
def test_errors(write, text, words):
    with pytest.raises(BadFile, match=words):
        read(write(text))


def test_a_table_that_is_not_of_fet(write):
    with pytest.raises(BadFile, match="column activityid is missing"):
        read(write("code,title\nA,A"), format="fet")


def test_a_university(real):
    courses = read(real("Sharif_timetable.csv"))
    assert len(courses) == 136
    assert all(len(course.slots) == 1 for course in courses)
    assert sum(course.slots[0].minutes for course in courses) == 414 * 30


def test_a_school_with_numbered_periods(real):
    path = real("Bethlen-2008-2009_timetable.csv")
    with pytest.raises(BadFile, match="--periods"):
        read(path)
    bells = {f"{number}.": (f"{7 + number}:00", f"{7 + number}:45") for number in range(13)}
    assert len(read(path, periods=bells)) == 766
