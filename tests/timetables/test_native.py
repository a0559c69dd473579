"""Our own CSV: what it takes, what it refuses and how it says so, and that it comes back as it went."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.cron import normalise_cron
from worker.timetables import BadFile, CourseDraft, SittingDraft, SlotDraft, read_timetable, write_timetable

HEAD = "code,title,cron,minutes"


def read(path, **more):
    return read_timetable(path, timezone="Asia/Tehran", **more)


def test_one_course_with_two_slots(write):
    draft = read(write(f"{HEAD},from,weeks,record,options\nA,الگوریتم,30 ۷ * * sat,۹۰,۱۴۰۵/۰۷/۰۱,odd,true,welcome=hi\n"
                       "A,الگوریتم,30 7 * * MON,90,2026-09-23,even,always,welcome=hi\n"))  # fmt: skip
    day = date(2026, 9, 23)
    slots = (
        SlotDraft("30 7 * * SAT", 90, day, None, 2, day, 2),
        SlotDraft("30 7 * * MON", 90, day, None, 2, date(2026, 9, 30), 3),
    )
    assert draft.courses == (
        CourseDraft("A", "الگوریتم", "Asia/Tehran", record="always", options={"welcome": "hi"}, slots=slots),
    )
    assert [slot.line for slot in draft.courses[0].slots] == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_bytes_as_spreadsheets_write_them(write, encoding, end, mark):
    text = end.join([HEAD, "A,Algebra,0 9 * * 6,90", "", ",,,", "B,Biology,0 9 * * 1,90", ""]).replace(",", mark)
    assert [course.code for course in read(write(text.encode(encoding))).courses] == ["A", "B"]


def test_all_columns(write):
    cells = {
        "code": "A", "title": "Algebra", "cron": "0 9 * * 6", "minutes": "90", "timezone": "Europe/Berlin",
        "from": "2026-09-01", "until": "2027-02-01", "weeks": "all", "teacher_id": "t1", "teacher_name": "Noether",
        "record": "manual", "lead_minutes": "7.5", "grace_minutes": "۰", "expected": "30",
        "options": "muteOnStart=true;a=b\\;c", "room": "12",
    }  # fmt: skip
    course = read(write(",".join(cells) + "\n" + ",".join(cells.values()))).courses[0]
    assert course == CourseDraft(
        "A", "Algebra", "Europe/Berlin", "t1", "Noether", "manual", 7.5, 0, 30, {"muteOnStart": "true", "a": "b;c"},
        (SlotDraft("0 9 * * 6", 90, date(2026, 9, 1), date(2027, 2, 1)),), "12",
    )  # fmt: skip


def test_what_is_just_not_too_long_or_too_large(write):
    code, title = "A" * 64, "B" * 255
    text = f"{HEAD},lead_minutes,grace_minutes,expected\n{code},{title},0 9 * * 6,1440,1440,۷٫۵,1000000"
    course = read(write(text)).courses[0]
    assert (course.code, course.title, course.slots[0].minutes) == (code, title, 1440)
    assert (course.lead_minutes, course.grace_minutes, course.expected) == (1440, 7.5, 1_000_000)


def test_empty_columns_and_lines_around_the_table(write):
    text = f"\n{HEAD},,\nA,Algebra,0 9 * * 6,90,,\nB,Biology,0 9 * * 1,90,,\n\n".replace(",", ";")
    assert [course.code for course in read(write(text)).courses] == ["A", "B"]


def test_the_caller_fills_what_the_file_leaves_out(write):
    write(f"{HEAD},weeks\nA,A,0 9 * * 6,90,odd\n")
    slot = (
        read(write(f"{HEAD},weeks\nA,A,0 9 * * 6,90,odd\n"), from_date=date(2026, 9, 1), until_date=date(2027, 1, 1))
        .courses[0]
        .slots[0]
    )
    assert (slot.valid_from, slot.valid_until, slot.anchor) == (date(2026, 9, 1), date(2027, 1, 1), date(2026, 9, 1))


def test_persian_header_days_and_hours(write):
    text = "كد درس,نام درس,روز,ساعت شروع,ساعت پایان,نام استاد\n۱۲,ریاضی,شنبه و دو شنبه,۸:۰۰,۹:۳۰,نوری\n"
    course = read(write(text)).courses[0]
    assert (course.code, course.title, course.teacher_name) == ("۱۲", "ریاضی", "نوری")
    assert course.slots == (SlotDraft("0 8 * * SAT,MON", 90),)


def test_persian_days_of_the_term_win_over_those_of_the_caller(write):
    text = "کد درس,نام درس,کرون,مدت,تاریخ شروع,تاریخ پایان\nA,A,0 9 * * 6,90,1405/07/01,1405/10/01\n"
    slot = read(write(text), from_date=date(2026, 1, 1), until_date=date(2027, 1, 1)).courses[0].slots[0]
    assert (slot.valid_from, slot.valid_until) == (date(2026, 9, 23), date(2026, 12, 22))


@pytest.mark.parametrize(
    ("head", "row", "slot"),
    [
        ("day,start,minutes", "Saturday,8:00,45", SlotDraft("0 8 * * SAT", 45)),
        ("day,start,end", "Saturday and Monday,8:00,9:00", SlotDraft("0 8 * * SAT,MON", 60)),
        ("day,start,end", "sat;شنبه;mon,8:00,9:00", SlotDraft("0 8 * * SAT,MON", 60)),
        ("day,start,end", "Saturday,23:00,24:00", SlotDraft("0 23 * * SAT", 60)),
        ("day,start,end,minutes", "Saturday,8:00,9:00,45", SlotDraft("0 8 * * SAT", 60)),
        ("cron,minutes,day,start,end", "0 9 * * 6,90,Monday,8:00,9:00", SlotDraft("0 9 * * 6", 90)),
    ],
)
def test_ways_to_say_when_a_class_is(write, head, row, slot):
    assert read(write(f"code,title,{head}\nA,A,{row}\n")).courses[0].slots == (slot,)


BEGIN = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "row", "sitting"),
    [
        ("date,start,end", "1405/09/03,09:00,10:30", SittingDraft(BEGIN, BEGIN + timedelta(minutes=90))),
        ("date,start,minutes", "1405/09/03,09:00,90", SittingDraft(BEGIN, BEGIN + timedelta(minutes=90))),
        ("start,end", "2026-11-24 09:00,2026-11-25 09:00", SittingDraft(BEGIN, BEGIN + timedelta(days=1))),
        (
            "date,start,minutes,cancelled",
            "1405/09/03,09:00,90,بله",
            SittingDraft(BEGIN, BEGIN + timedelta(minutes=90), cancelled=True, original_start=BEGIN),
        ),
    ],
)
def test_a_row_of_one_date(write, head, row, sitting):
    assert read(write(f"code,title,{head}\nA,A,{row}\n")).courses[0].sittings == (sitting,)


@pytest.mark.parametrize("weeks", ["3@2026-09-23", "۳@۱۴۰۵/۰۷/۰۱", "٣@1405/07/01", "3 @ 1405/07/01"])
def test_every_third_week_in_any_digits(write, weeks):
    (slot,) = read(write(f"{HEAD},weeks\n{GOOD},{weeks}\n")).courses[0].slots
    assert (slot.every_weeks, slot.anchor) == (3, date(2026, 9, 23))


def test_a_date_counts_beside_the_day_that_it_falls_on(write):
    head, row = "کد درس,نام درس,روز,تاریخ,ساعت شروع,ساعت پایان", "A,جبرانی,سه شنبه,۱۴۰۵/۰۹/۰۳,۰۹:۰۰,۱۰:۳۰"
    course = read(write(f"{head}\n{row}\n")).courses[0]
    assert (course.slots, course.sittings) == ((), (SittingDraft(BEGIN, BEGIN + timedelta(minutes=90)),))


def test_rows_without_a_date_stay_weekly_beside_rows_with_one(write):
    head = "code,title,cron,minutes,day,date,start,end"
    text = f"{head}\nA,A,,,Saturday,,09:00,10:30\nA,A,,,,1405/09/03,09:00,10:30\nA,A,0 9 * * 1,90,,,,\n"
    course = read(write(text)).courses[0]
    assert [slot.cron for slot in course.slots] == ["0 9 * * SAT", "0 9 * * 1"]
    assert course.sittings == (SittingDraft(BEGIN, BEGIN + timedelta(minutes=90)),)


def test_renamed_columns(write):
    path = write("Kurs,title,cron,minutes\nA,A,0 9 * * 6,90\n")
    assert read(path, column_map={"kurs": "code"}).courses[0].code == "A"


def test_codes_that_look_alike_are_named(write):
    draft = read(write(f"{HEAD}\nعلي,A,0 9 * * 6,90\nعلی,A,0 9 * * 6,90\n"))
    assert len(draft.courses) == 2
    assert draft.warnings == ("row 3: code 'علی' looks like 'علي' of row 2; they are two courses",)


GOOD = "A,Algebra,0 9 * * 6,90"


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("", None, None, "is empty"),
        (HEAD, None, None, "holds no course"),
        ("code,title,cron\nA,A,0 9 * * 6", 1, "minutes", "column minutes is missing"),
        ("title,cron,minutes\nA,0 9 * * 6,9", 1, "code", "column code is missing"),
        ("code,title,cron,end\nA,A,0 9 * * 6,9:00", 1, "minutes", "column minutes is missing"),
        ("code,title,minutes\nA,A,9", 1, "cron", "column cron is missing"),
        ("\r\n\r\ncode,title,cron\nA,A,0 9 * * 6", 3, "minutes", "column minutes is missing"),
        (f"\n{HEAD},techer_name\n{GOOD},x", 2, "techer_name", "did you mean teacher_name?"),
        (f"{HEAD},techer_name\n{GOOD},x", 1, "techer_name", "did you mean teacher_name?"),
        (f"{HEAD},qqq\n{GOOD},x", 1, "qqq", "the known ones are code,title"),
        (f"{HEAD},code\n{GOOD},x", 1, "code", "same column"),
        (f"{HEAD},room,اتاق\n{GOOD},1,2", 1, "room", "'room' and 'اتاق' are the same column"),
        (f"{HEAD}\n{GOOD}\n\nB,B,x * * * *,90", 4, "cron", "'x * * * *' is not a cron expression"),
        (f"{HEAD}\n{GOOD}\nB,B,0 0 9 * * 6,90", 3, "cron", "seconds"),
        (f"{HEAD}\nA,A,,90", 2, "cron", "is empty"),
        (f"{HEAD}\n,A,0 9 * * 6,90", 2, "code", "is empty"),
        (f"{HEAD}\nA,,0 9 * * 6,90", 2, "title", "is empty"),
        (f"{HEAD}\nA,A,0 9 * * 6,", 2, "minutes", "is empty"),
        (f"{HEAD}\nA,A,0 9 * * 6,abc", 2, "minutes", "'abc' is not a number"),
        (f"{HEAD}\nA,A,0 9 * * 6,1e3", 2, "minutes", "is not a number"),
        (f"{HEAD}\nA,A,0 9 * * 6,-5", 2, "minutes", "is not a number"),
        (f"{HEAD}\nA,A,0 9 * * 6,0", 2, "minutes", "out of range"),
        (f"{HEAD}\nA,A,0 9 * * 6,1441", 2, "minutes", "out of range"),
        (f"{HEAD}\nA,A,0 9 * * 6,90.5", 2, "minutes", "not a whole number"),
        (f"{HEAD},timezone\n{GOOD},Asia/Teheran", 2, "timezone", "not a time zone"),
        (f"{HEAD},from\n{GOOD},2026-02-30", 2, "from", "no calendar has"),
        (f"{HEAD},from,until\n{GOOD},2026-02-03,2026-02-01", 2, "until", "before the first"),
        (f"{HEAD},weeks\n{GOOD},third", 2, "weeks", "write all, odd, even"),
        (f"{HEAD},weeks\n{GOOD},odd", 2, "from", "first day"),
        (f"{HEAD},weeks\n{GOOD},x@2026-01-01", 2, "weeks", "no number"),
        (f"{HEAD},weeks\n{GOOD},0@2026-01-01", 2, "weeks", "no number"),
        (f"{HEAD},weeks\n{GOOD},3@soon", 2, "weeks", "not a date"),
        (f"{HEAD},record\n{GOOD},maybe", 2, "record", "never, "),
        (f"{HEAD},options\n{GOOD},x", 2, "options", "write key=value"),
        (f"{HEAD},options\n{GOOD},a=1;a=2", 2, "options", "twice"),
        (f"{HEAD},options\n{GOOD},meetingID=1", 2, "options", "set by the worker; use the column code"),
        (f"{HEAD},options\n{GOOD},Duration=60", 2, "options", "set by the worker; use the column minutes"),
        (f"{HEAD},options\n{GOOD},META_MTZ-course=x", 2, "options", "label of the worker"),
        (f"{HEAD}\n{GOOD},x", 2, None, "has 5 cells where the header has 4"),
        (f"{HEAD}\nA,Algebra,0 9 * * 6", 2, None, "has 3 cells"),
        (f"{HEAD}\n{'A' * 65},A,0 9 * * 6,90", 2, "code", "write at most 64"),
        (f"{HEAD}\nA,{'A' * 300},0 9 * * 6,90", 2, "title", "write at most 255"),
        (f"{HEAD}\nA\x07,A,0 9 * * 6,90", 2, "code", "control character"),
        (f"{HEAD}\nA,x\x9by,0 9 * * 6,90", 2, "title", "control character"),
        (f'{HEAD}\n"A,A,0 9 * * 6,90', 2, None, "not well-formed CSV"),
        (f'{HEAD}\n{GOOD}\n"B"x,A,0 9 * * 6,90', 3, None, "not well-formed CSV"),
        (f"{HEAD}\n{GOOD}\nA,Other,0 9 * * 1,90", 3, "title", "differs from row 2"),
        (f"{HEAD}\n{GOOD}\nB,B,0 9 * * 6,90\n{GOOD}", 4, "cron", "slot of row 2 again"),
        (f"{HEAD}\n{GOOD}\nA,Algebra,0  09 * * 6,۹۰", 3, "cron", "slot of row 2 again"),
        ("code,title,day,start,end\nA,A,Sat,9:00,10:00\nA,A,شنبه,9:00,10:00", 3, "day", "slot of row 2 again"),
        ("code,title,date,start,end" + 2 * "\nA,A,2026-10-10,9:00,10:00", 3, "date", "slot of another row again"),
        ("code,title,start,end" + 2 * "\nA,A,2026-10-10 9:00,2026-10-10 10:00", 3, "start", "slot of another row"),
        ("code,title,day,start,end\nA,A,Caturday,9:00,10:00", 2, "day", "not a day of the week"),
        ("code,title,day,start,end\nA,A,شنبه,10:00,9:00", 2, "end", "before it begins"),
        ("code,title,day,start,end\nA,A,شنبه,24:00,9:00", 2, "start", "write 00:00"),
        ("code,title,day,start,minutes\nA,A,شنبه,24:00,60", 2, "start", "write 00:00"),
        ("code,title,day,start,end\nA,A,شنبه,x,9:00", 2, "start", "not a time of day"),
        ("code,title,date,start,end\nA,A,1405/09/03,10:00,9:00", 2, "end", "before it begins"),
        ("code,title,date,start,end\nA,A,1405/09/03,10:00,10:00", 2, "end", "before it begins"),
        ("code,title,start,end\nA,A,2026-11-24 9:00,2026-11-25 9:01", 2, "end", "after more than a day"),
        ("code,title,day,date,start,end\nA,A,Sat,1405/09/03,9:00,10:00", 2, "day", "1405/09/03 is a Tuesday"),
        ("code,title,day,date,start,end\nA,A,Sat+Tue,1405/09/03,9:00,10:00", 2, "day", "write that day alone"),
        ("code,title,day,date,start,end\nA,A,Sat,soon,9:00,10:00", 2, "date", "not a date"),
        (f"{HEAD},date\n{GOOD},1405/09/03", 2, "date", "has a cron as well"),
    ],
)  # fmt: skip
def test_errors_say_where_and_what_to_do(write, text, row, column, words):
    with pytest.raises(BadFile) as caught:
        read(write(text))
    error = caught.value
    assert (error.file, error.row, error.column) == ("timetable.csv", row, column)
    assert words in str(error)
    assert error.remedy
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("data", "row", "words"),
    [
        (f"{HEAD}\nA,é,0 9 * * 6,90".encode("latin-1"), 2, "byte 0xe9 is not UTF-8"),
        (f"{HEAD}\r\n{GOOD}\r\nB,\xff,0 9 * * 6,90".encode("latin-1"), 3, "not UTF-8"),
        (f"{HEAD}\r{GOOD}\rB,\xff,0 9 * * 6,90".encode("latin-1"), 3, "not UTF-8"),
        (f"{HEAD}\n{GOOD}".encode("utf-16"), 1, "UTF-16"),
        (f"{HEAD}\nA\0,A,0 9 * * 6,90".encode(), 2, "NUL"),
    ],
)
def test_bytes_that_are_not_utf8(write, data, row, words):
    with pytest.raises(BadFile, match=words) as caught:
        read(write(data))
    assert caught.value.row == row


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadFile, match="cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(BadFile, match="cannot be read"):
        read(tmp_path)


def test_the_row_of_an_error_is_the_line_in_an_editor(write):
    with pytest.raises(BadFile) as caught:
        read(write(f'{HEAD}\nA,"two\nlines",0 9 * * 6,90\nB,B,0 9 * * 6,x\n'))
    assert caught.value.row == 2  # the title holds a line break
    with pytest.raises(BadFile) as caught:
        read(write(f'{HEAD},options\nA,A,0 9 * * 6,90,\n"B",B,0 9 * * 6,x,"\n"\n'))
    assert caught.value.row == 3


def test_the_text_of_an_error():
    error = BadFile("t.csv", "'x' is wrong", "write y", row=4, column="cron")
    assert str(error) == "t.csv, row 4, column cron: 'x' is wrong; write y"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("summary,time,duration\nA,2026-10-10 9:00,1", "t.csv"),
        ("Activity Id,Day,Hour,Subject\n1,Sat,9:00,A", "t.csv"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR", "t.ics"),
    ],
)
def test_a_term_that_ends_before_it_begins(write, text, name):
    with pytest.raises(BadFile, match="comes before the first"):
        read(write(text, name), from_date=date(2026, 9, 2), until_date=date(2026, 9, 1))


def test_a_bad_default_zone(write):
    with pytest.raises(BadFile, match="not a time zone"):
        read_timetable(write(f"{HEAD}\n{GOOD}"), timezone="Mars/Base")


# There and back

words = (
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
days = st.dates(date(2020, 1, 1), date(2030, 1, 1))
crons = st.builds(
    "{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.sampled_from(("*", "6", "SAT,MON", "1-5"))
)


@st.composite
def slots(draw):
    first = draw(st.none() | days)
    last = draw(st.none() | days) if first is None else draw(st.none() | st.just(first + timedelta(days=100)))
    every = draw(st.integers(1, 4))
    anchor = None if every == 1 else draw(days | (st.just(first) if first else days))
    return SlotDraft(normalise_cron(draw(crons)), draw(st.integers(1, 1440)), first, last, every, anchor)


@st.composite
def sittings(draw):
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 10**6)))
    cancelled = draw(st.booleans())
    original = begin - timedelta(days=1) if cancelled or draw(st.booleans()) else None
    return SittingDraft(begin, begin + timedelta(minutes=draw(st.integers(1, 600))), cancelled, original)


keys = st.from_regex(r"x[A-Za-z0-9_-]{0,5}", fullmatch=True)
numbers = st.none() | st.integers(0, 1440).map(float) | st.sampled_from((7.5, 0.25))
courses = st.builds(
    CourseDraft,
    code=words,
    title=words,
    timezone=st.sampled_from(("Asia/Tehran", "Europe/Berlin", "UTC")),
    teacher_id=st.none() | words,
    teacher_name=st.none() | words,
    record=st.none() | st.sampled_from(("never", "manual", "always")),
    lead_minutes=numbers,
    grace_minutes=numbers,
    expected=st.none() | st.integers(0, 10**6),
    options=st.dictionaries(keys, words | st.sampled_from(("a;b", "a=b", "\\", "a\\;b", "")),max_size=3),
    slots=st.lists(slots(), min_size=1, max_size=3, unique=True).map(tuple),
    room=st.none() | words,
    sittings=st.lists(sittings(), max_size=2, unique=True).map(tuple),
)  # fmt: skip
timetables = st.lists(courses, min_size=1, max_size=4, unique_by=lambda course: course.code).map(tuple)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path_factory, kind, data):
    held = data.draw(timetables)
    path = tmp_path_factory.mktemp("there") / f"t.{kind}"
    write_timetable(held, path, kind)
    assert read(path).courses == held


@pytest.mark.parametrize(
    ("every", "anchor", "cell"),
    [
        (1, None, "all"),
        (2, date(2026, 9, 23), "odd"),
        (2, date(2026, 9, 30), "even"),
        (2, date(2026, 10, 7), "2@2026-10-07"),
        (3, date(2026, 9, 23), "3@2026-09-23"),
    ],
)
def test_the_weeks_that_count_are_written_as_people_say_them_and_read_back(tmp_path, every, anchor, cell):
    slot = SlotDraft("0 9 * * SAT", 90, date(2026, 9, 23), None, every, anchor)
    course = CourseDraft("A", "A", "Asia/Tehran", slots=(slot,))
    write_timetable([course], tmp_path / "t.csv", "csv")
    assert f",{cell}," in (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert read(tmp_path / "t.csv").courses == (course,)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"{HEAD}\n{text}".encode()))
def test_any_bytes_give_a_timetable_or_one_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(data)
    try:
        read(path)
    except BadFile as error:
        assert str(error).startswith("t.csv")  # noqa: PT017


def test_no_cell_is_a_formula(tmp_path):
    course = CourseDraft("=1+1", "@SUM(A1)", "UTC", room="'-x", slots=(SlotDraft("0 9 * * 6", 90),))
    stream = io.StringIO()
    write_timetable([course], stream, "csv")
    assert stream.getvalue().startswith("code,title,")
    assert "\r\n'=1+1,'@SUM(A1)," in stream.getvalue()
    path = tmp_path / "t.csv"
    write_timetable([course], path, "csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read(path).courses == (course,)


def test_formats_that_cannot_be_written():
    with pytest.raises(ValueError, match="cannot be written"):
        write_timetable([], io.StringIO(), "fet")
