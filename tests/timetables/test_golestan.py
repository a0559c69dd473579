"""Course lists of Iranian universities: many classes in one cell."""

from datetime import date

import pytest

from worker.timetables import BadFile, SlotDraft, detect_format, read_timetable

HEAD = "شماره و گروه درس,نام درس,کل,نام استاد,زمان و مکان ارائه/ امتحان"
FIRST = date(2026, 9, 19)


def read(path, **more):
    return read_timetable(path, timezone="Asia/Tehran", **{"from_date": FIRST} | more)


def table(*cells):
    return HEAD + "\n" + "".join(f'1211009_0{number},ریاضی,3,نوری,"{cell}"\n' for number, cell in enumerate(cells, 1))


def test_a_lecture_each_week_and_one_each_odd_week(write):
    cell = (
        "درس(ت): يك شنبه 11:00-12:00 مکان: مواد24 درس(ت): سه شنبه ۱۱:۰۰-۱۲:۳۰ ف مکان: مواد25 "
        "امتحان(5_1405.10.23) ساعت : 13:30-16:30"
    )
    path = write(table(cell))
    assert detect_format(path) == "golestan"
    course = read(path).courses[0]
    assert (course.code, course.title, course.teacher_name, course.room) == (
        "1211009_01",
        "ریاضی",
        "نوری",
        "مواد24، مواد25",
    )
    assert course.slots == (SlotDraft("0 11 * * SUN", 60, FIRST), SlotDraft("0 11 * * TUE", 90, FIRST, None, 2, FIRST))


@pytest.mark.parametrize(
    ("cell", "crons"),
    [
        ("درس(ع): شنبه 08:00-10:00 ز مکان: سایت", ["0 8 * * SAT"]),
        ("درس(ت):پنج شنبه 10:00-12:00", ["0 10 * * THU"]),
        ("درس(ت): چهارشنبه ساعت 8:00 - 10:00 حل تمرین(ت): دو شنبه 14:00-15:00", ["0 8 * * WED", "0 14 * * MON"]),
        ("درس(ت): سه شنبه 8:00 تا 10:00", ["0 8 * * TUE"]),
        ("شنبه 08:00-10:00، دوشنبه 08:00-10:00", ["0 8 * * SAT", "0 8 * * MON"]),
        (
            "درس(ت): يکشنبه 08:00-10:00\nدرس(ت): جمعه 08:00-10:00\nامتحان(1405.10.23) ساعت : 08:30-10:30",
            ["0 8 * * SUN", "0 8 * * FRI"],
        ),
    ],
)
def test_spellings(write, cell, crons):
    assert [slot.cron for slot in read(write(table(cell))).courses[0].slots] == crons


@pytest.mark.parametrize(
    ("cell", "crons"),
    [
        ("درس(ت): 3شنبه 08:00-10:00", ["0 8 * * TUE"]),
        ("درس(ت): 5 شنبه 08:00-10:00", ["0 8 * * THU"]),
        ("درس(ت): ۱شنبه 08:00-10:00", ["0 8 * * SUN"]),
        ("شنبه 08:00-10:00 شنبه 14:00-16:00", ["0 8 * * SAT", "0 14 * * SAT"]),
        ("شنبه ، دوشنبه 08:00-10:00", ["0 8 * * SAT", "0 8 * * MON"]),
        ("سه شنبه و پنج شنبه 11:00-12:00", ["0 11 * * TUE", "0 11 * * THU"]),
        ("یک شنبه، سه شنبه و جمعه ساعت 11:00-12:00", ["0 11 * * SUN", "0 11 * * TUE", "0 11 * * FRI"]),
        ("شنبه 08:00-10:00 و 14:00-16:00", ["0 8 * * SAT", "0 14 * * SAT"]),
        (
            "شنبه 08:00-10:00 مکان: کلاس 5، دوشنبه 08:00-10:00 مکان: کلاس 6 حل تمرین(ت): جمعه 08:00-10:00",
            ["0 8 * * SAT", "0 8 * * MON", "0 8 * * FRI"],
        ),
    ],
)
def test_days_by_number_and_several_days_or_times_together(write, cell, crons):
    assert [slot.cron for slot in read(write(table(cell))).courses[0].slots] == crons


@pytest.mark.parametrize(
    ("cell", "odd"),
    [
        ("شنبه 08:00-10:00 فرد", [True]),
        ("شنبه 08:00-10:00 فرد مکان: سالن زوج", [True]),
        ("شنبه 08:00-10:00(زوج)", [False]),
        ("شنبه 08:00-10:00 [ف]", [True]),
        ("شنبه 08:00-10:00 هفته های زوج مکان: مواد24", [False]),
        ("شنبه 08:00-10:00 (هفته‌های فرد)", [True]),
        ("هفته های زوج شنبه 08:00-10:00", [False]),
        ("شنبه (فرد) 08:00-10:00", [True]),
        ("زوج شنبه و دوشنبه 08:00-10:00", [False, False]),
        ("شنبه 08:00-10:00 ف و 14:00-16:00 ز", [True, False]),
        ("شنبه 08:00-10:00 فرد، دوشنبه 08:00-10:00 زوج", [True, False]),
    ],
)
def test_words_for_odd_and_even_weeks(write, cell, odd):
    slots = read(write(table(cell))).courses[0].slots
    assert [(slot.every_weeks, slot.anchor == FIRST) for slot in slots] == [(2, each) for each in odd]


def test_a_room_ends_where_the_next_time_begins(write):
    cell = "شنبه 08:00-10:00 مکان: کلاس 5، دوشنبه 08:00-10:00 مکان: کلاس 6"
    assert read(write(table(cell))).courses[0].room == "کلاس 5، کلاس 6"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("6 شنبه 08:00-10:00", "'6 شنبه' is not a day of the week"),
        ("12شنبه 08:00-10:00", "'12شنبه' is not a day"),
        ("چارشنبه 08:00-10:00", "holds no day and time"),  # a slip, and no Saturday
        ("شنبه تا چهارشنبه 08:00-10:00", "'شنبه تا' holds no day and time"),
        ("شنبه 08:00-10:00 دوشنبه", "'دوشنبه' holds no day and time"),
        ("شنبه 08:00-10:00 یا 14:00-16:00", "'یا 14:00-16:00' holds no day and time"),
        ("شنبه 08:00-10:00 تا پایان هفته های فرد", "holds no day and time"),
        ("شنبه 08:00-10:00 مکان: سایت دوشنبه صبح", "'مکان: سایت دوشنبه صبح' holds no day and time"),
        ("شنبه 08:00-10:00 مکان: سایت از 9:30", "holds no day and time"),
        ("شنبه ، دوشنبه 08:00-10:00 ، 14:00-16:00", "does not say which time is on which day"),
        ("شنبه 08:00-10:00 و 14:00-16:00 ف", "does not say which time is in odd or even weeks"),
        ("فرد شنبه 08:00-10:00 فرد دوشنبه 08:00-10:00", "does not say which time is in odd or even weeks"),
        ("شنبه 08:00-10:00 مکان: کلاس 5 شنبه 14:00-16:00", "may begin with the number of a room"),
    ],
)
def test_a_cell_is_read_whole_or_refused(write, cell, words):
    with pytest.raises(BadFile, match="row 2, column زمان و مکان ارائه/ امتحان") as caught:
        read(write(table(cell)))
    assert words in str(caught.value)
    assert caught.value.remedy


def test_a_time_that_a_cell_gives_twice_is_one_class(write):
    cell = "درس(ت): شنبه 11:00-12:00 مکان: مواد24 درس(ع): شنبه ۱۱:۰۰ تا ۱۲:۰۰ مکان: مواد25"
    draft = read(write(table(cell)))
    assert draft.courses[0].slots == (SlotDraft("0 11 * * SAT", 60, FIRST),)
    assert draft.warnings == ("row 2: «شنبه 11:00-12:00» of 'ریاضی' is there already and is left out",)


def test_one_time_in_odd_and_in_even_weeks_is_two_slots(write):
    draft = read(write(table("درس(ت): شنبه 11:00-12:00 ف درس(ع): شنبه 11:00-12:00 ز")))
    assert (len(draft.courses[0].slots), draft.warnings) == (2, ())


def test_even_weeks(write):
    slot = read(write(table("درس(ت): شنبه 08:00-10:00 ز"))).courses[0].slots[0]
    assert (slot.every_weeks, slot.anchor) == (2, date(2026, 9, 26))


def test_odd_weeks_need_a_first_day(write):
    with pytest.raises(BadFile, match="pass --from"):
        read(write(table("درس(ت): شنبه 08:00-10:00 ف")), from_date=None)


def test_courses_without_a_time_are_named(write):
    draft = read(write(table("درس(ت): شنبه 08:00-10:00", "امتحان(1405.10.23) ساعت : 08:30-10:30", "")))
    assert len(draft.courses) == 1
    assert draft.warnings == tuple(f"row {row}: 'ریاضی' has no time and is left out" for row in (3, 4))


def test_a_group_of_its_own_column_belongs_to_the_code(write):
    head = "شماره درس,گروه,نام درس,ثبت نام شده,زمان و مکان ارائه"
    draft = read(write(f"{head}\n۱۲۱۱,۰۱,ریاضی,۴۰,شنبه 08:00-10:00\n۱۲۱۱,02,ریاضی,,شنبه 08:00-10:00\n"))
    assert [(course.code, course.expected) for course in draft.courses] == [("1211_01", 40), ("1211_02", None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table("درس(ت): شنبه 10:00-08:00"), "ends before it begins"),
        (table("درس(ت): شنبه 10:00-10:00"), "ends before it begins"),
        (table("درس(ت): شنبه صبح"), "holds no day and time"),
        (table("درس(ت): 08:00-10:00"), "holds no day and time"),
        (table("درس(ت): شنبه 25:00-26:00"), "no clock shows"),
        (table(""), "no course with a time"),
        ("نام درس,زمان و مکان ارائه\nریاضی,شنبه 08:00-10:00", "شماره و گروه درس"),
        (HEAD + "\n1,A,,,شنبه 08:00-10:00\n1,A,,,شنبه 08:00-10:00", "in row 2 already"),
    ],
)
def test_errors(write, text, words):
    with pytest.raises(BadFile, match=words):
        read(write(text))


def test_the_page_that_calls_itself_xls(write):
    page = (
        '<html><head><meta charset="utf-8"></head><body><table><tr><td>x</td></tr></table><table><tr>'
        "<th>شماره و گروه درس</th><th>نام درس</th><th>زمان و مكان ارائه</th></tr><tr><td>12_01</td><td>فیزیک</td>"
        "<td>درس(ت): شنبه 08:00-10:00<br>درس(ت): دوشنبه 08:00-10:00 ف</td></tr></table></body></html>"
    )
    course = read(write(page, "list.xls")).courses[0]
    assert (course.code, len(course.slots)) == ("12_01", 2)
