"""The timetable, its holidays and its stories at the command line, as schools type them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from worker.timetables import read_timetable

CSV = (
    "code,title,cron,minutes,teacher_name,room\nریاضی-۱,ریاضی,0 9 * * *,60,نوری,12\nphy,Physics,30 9 * * *,60,نوري,13\n"
)
FET = (
    '"Activity Id","Day","Hour","Students Sets","Subject","Teachers","Activity Tags","Room","Comments"\n'
    '"1","شنبه","1.","10A","ریاضی","نوری","","12",""\n'
)


@pytest.fixture
def school(here, meetingz):
    (here / "t.csv").write_text(CSV)
    assert meetingz("db", "upgrade").code == 0
    assert meetingz("timetable", "import", "t.csv").code == 0
    return meetingz


def sittings(meetingz, *words):
    return meetingz("occurrence", "list", "--json", *words).json


def test_a_dry_run_shows_new_changed_gone_and_in_conflict(here, school):
    (here / "u.csv").write_text(
        "code,title,cron,minutes,teacher_name\nریاضی-۱,حساب,0 9 * * *,60,نوری\nnew,New,0 9 * * *,60,نوری\n"
    )
    found = school("timetable", "import", "u.csv", "--dry-run", "--json").json
    assert (found["new"], found["changed"], found["gone"], found["unchanged"]) == (["new"], ["ریاضی-۱"], ["phy"], [])
    assert (found["details"], found["dry_run"]) == ({"ریاضی-۱": "title", "new": "New, 1 slot"}, True)
    assert {clash["kind"] for clash in found["conflicts"]} == {"teacher"}
    shown = school("timetable", "import", "u.csv", "--dry-run")
    assert all(word in shown.out for word in ("new", "changed", "gone", "in conflict", "nothing was changed"))
    assert "stays" in shown.out
    assert "1 courses of this installation not in the file; they stay" in shown.out
    pruned = school("timetable", "import", "u.csv", "--dry-run", "--prune")
    assert "would be archived" in pruned.out
    assert "1 courses of this installation would be archived" in pruned.out
    assert school("timetable", "import", "u.csv", "--dry-run", "--prune", "--json").json["pruned"] is False
    assert [course["code"] for course in school("course", "list", "--json").json] == ["phy", "ریاضی-۱"]


def test_no_control_character_in_a_name_reaches_the_terminal(here, school):
    event = "BEGIN:VEVENT\nDTSTART:20200104T090000Z\nDTEND:20200104T100000Z\nRRULE:FREQ=WEEKLY\nLOCATION:9\a\n"
    events = "".join(f"{event}SUMMARY:{title}\nEND:VEVENT\n" for title in ("\aAlgebra\u202e", "\aPhysics\u202e"))
    (here / "c.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{events}END:VCALENDAR\n")
    told = school("timetable", "import", "c.ics")
    shown = [school("course", "show", "\aAlgebra\u202e").out, school("timetable", "check").out, told.out, told.err]
    assert "␇Algebra" in shown[0]
    assert "conflict: room '9" in told.err
    assert not set("".join(shown)) & set("\a\u202e")


def test_prune_archives_what_the_file_does_not_name(here, school):
    (here / "u.csv").write_text("code,title,cron,minutes\nnew,New,0 9 * * *,60\n")
    assert "--prune archives them" in school("timetable", "import", "u.csv").out
    assert school("timetable", "import", "u.csv", "--prune", "--json").json["pruned"] is True
    archived = {course["code"] for course in school("course", "list", "--json").json if course["archived_at"]}
    assert archived == {"phy", "ریاضی-۱"}


def test_check_leaves_with_one_where_anything_clashes(here, school):
    found = school("timetable", "check", "--json")
    assert found.code == 1
    assert [(one["kind"], one["name"], one["courses"]) for one in found.json] == [
        ("teacher", "نوري", ["phy", "ریاضی-۱"])
    ]
    assert "نوري" in school("timetable", "check").out
    school("course", "archive", "phy")
    assert school("timetable", "check", "--json").code == 0


def test_check_looks_as_far_as_the_horizon(here, school):
    day = (datetime.now(UTC) + timedelta(days=5)).strftime("%a").upper()
    (here / "w.csv").write_text(f"code,title,cron,minutes,room\nA,A,0 9 * * {day},60,7\nB,B,0 9 * * {day},60,7\n")
    assert school("timetable", "import", "w.csv", "--prune").code == 0
    (found,) = school("timetable", "check", "--json").json
    assert (found["kind"], found["name"], found["courses"]) == ("room", "7", ["A", "B"])


def test_what_the_file_leaves_unsaid_is_said_at_import(here, school):
    (here / "u.csv").write_text("code,title,cron,minutes,weeks\nA,A,0 9 * * MON,60,odd\n")
    words = ("--timezone", "Europe/Berlin", "--from", "۱۴۰۵/۰۷/۰۱", "--until", "2026-12-31")
    assert school("timetable", "import", "u.csv", *words).code == 0
    course = school("course", "show", "A", "--json").json
    (slot,) = course["slots"]
    assert course["timezone"] == "Europe/Berlin"
    assert (slot["from"], slot["until"], slot["every_weeks"]) == ("2026-09-23", "2026-12-31", 2)
    assert school("timetable", "import", "u.csv", "--timezone", "Asia/Tokyo", *words[2:]).code == 0
    assert school("course", "show", "A", "--json").json["timezone"] == "Asia/Tokyo"


def test_a_course_shows_only_the_slots_it_has_now(here, school):
    (here / "u.csv").write_text("code,title,cron,minutes\nphy,Physics,0 15 * * *,90\n")
    school("timetable", "import", "u.csv")
    shown = school("course", "show", "phy", "--json").json
    assert [slot["cron"] for slot in shown["slots"]] == ["0 15 * * *"]
    assert len(shown["next"]) == 10
    assert "0 15 * * *" in school("course", "show", "phy").out


def test_a_pipe_gets_whole_lines(here, school):
    title = "Introduction to the Theory of Numbers, and what became of it in the Twentieth Century"
    (here / "u.csv").write_text(f'code,title,cron,minutes,teacher_name\nA,"{title}",0 15 * * *,90,Emmy Noether\n')
    school("timetable", "import", "u.csv")
    assert [title in line for line in school("course", "list").out.splitlines() if "Noether" in line] == [True]


def test_an_archived_course_is_listed_as_such(school):
    assert "archived" not in school("course", "list").out
    school("course", "archive", "phy")
    assert [line.split()[-1] for line in school("course", "list").out.splitlines() if "phy" in line] == ["archived"]


@pytest.mark.parametrize(("day", "name"), [("0", "MO"), ("6", "SU")])
def test_an_exported_calendar_begins_its_weeks_as_the_school_does(here, school, monkeypatch, day, name):
    monkeypatch.setenv("MEETINGZ_WEEK_START", day)
    (here / "w.csv").write_text("code,title,cron,minutes,weeks\nA,A,0 9 * * WED,60,2@2026-09-23\n")
    school("timetable", "import", "w.csv", "--prune")
    assert f"WKST={name}" in school("timetable", "export", "--format", "ics").out


def test_a_conflict_is_warned_of_at_import(here, school):
    assert "conflict: teacher 'نوري': phy and ریاضی-۱ at " in school("timetable", "import", "t.csv").err


def test_renamed_columns_and_a_bell_schedule(here, school):
    (here / "k.csv").write_text("Kurs;Name;cron;minutes\nA;Algebra;0 9 * * 6;90\n")
    assert school("timetable", "import", "k.csv", "--map", "code=Kurs", "--map", "title=Name").code == 0
    refused = school("timetable", "import", "k.csv", "--map", "code")
    assert (refused.code, "names no column" in refused.err) == (2, True)
    (here / "f.csv").write_text(FET)
    (here / "bells.csv").write_text("period,start,end\n1.,08:00,08:45\n")
    assert "--periods" in school("timetable", "import", "f.csv").err
    assert school("timetable", "import", "f.csv", "--periods", "bells.csv", "--format", "fet").code == 0
    assert school("course", "show", "FET-1", "--json").json["slots"][0]["minutes"] == 45


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_template_that_import_reads(here, school, language):
    from openpyxl import load_workbook

    assert school("timetable", "template", "-o", "t.xlsx", "--lang", language).code == 0
    book = load_workbook("t.xlsx")
    names = {"en": ("code", "title", "Saturday"), "fa": ("کد درس", "نام درس", "شنبه")}[language]
    heads = {cell.value: cell.column for cell in book.worksheets[0][1]}
    start, end = ("start", "end") if language == "en" else ("ساعت شروع", "ساعت پایان")
    day = "day" if language == "en" else "روز"
    values = {names[0]: "A", names[1]: "Algebra", day: names[2], start: "08:00", end: "09:30"}
    for head, value in values.items():
        book.worksheets[0].cell(2, heads[head], value)
    book.save("filled.xlsx")
    (slot,) = read_timetable("filled.xlsx", timezone="Asia/Tehran").courses[0].slots
    assert (slot.cron, slot.minutes) == ("0 8 * * SAT", 90)
    assert school("timetable", "import", "filled.xlsx").code == 0


def test_a_school_of_persian_readers_need_not_name_its_language(here, school, monkeypatch):
    from openpyxl import load_workbook

    monkeypatch.setenv("MEETINGZ_LANGUAGE", "fa")
    assert school("timetable", "template", "-o", "t.xlsx").code == 0
    book = load_workbook("t.xlsx")
    assert (book.worksheets[0]["A1"].value, book.worksheets[0].sheet_view.rightToLeft) == ("کد درس", True)
    assert book.sheetnames == ["برنامه", "راهنما"]
    assert "شنبه" in school("timetable", "show", "--week", tomorrow(school)).out
    assert school("timetable", "show", "--week", "1400/01/01").out == "در این هفته کلاسی نیست\n"


def test_this_week_is_that_of_the_schools_clock(school, monkeypatch):
    """It is Friday evening in Greenwich, and Saturday, the first day of a week, in Tehran."""
    monkeypatch.setattr("worker.clock.now", lambda: datetime(2026, 12, 4, 21, tzinfo=UTC))
    assert school("timetable", "show", "--json").json[0]["date"] == "2026-12-05"


def tomorrow(meetingz):
    return sittings(meetingz, "--course", "phy")[2]["starts_at"][:10]


def test_holidays_in_any_digits(here, school):
    from worker.domain.calendars import format_date

    day = tomorrow(school)
    added = school("holiday", "add", format_date(date.fromisoformat(day), "fa"), "برف", "--json").json
    assert added["cancelled"] == 2
    (listed,) = school("holiday", "list", "--json").json
    assert (listed["first_day"], listed["title"], listed["source"], listed["cancels"]) == (day, "برف", "manual", 2)
    gone = [one for one in sittings(school) if one["cancelled"]]
    assert {one["state"] for one in gone} == {"cancelled"}
    story = school("occurrence", "show", gone[0]["id"], "--json").json
    assert [(event["kind"], event["detail"]) for event in story["events"]] == [("cancelled", "برف")]
    assert story["events"][0]["by"]
    assert story["cancel_reason"] == "برف"
    assert "برف" in school("occurrence", "show", gone[0]["id"]).out
    number = str(listed["id"]).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    assert "2 occurrences take place after all" in school("holiday", "remove", number).out
    assert school("holiday", "list", "--json").json == []


def test_a_year_of_public_holidays_twice(here, school):
    first = school("holiday", "import", "--country", "ir", "--year", "۱۴۰۵", "--json").json
    again = school("holiday", "import", "--country", "IR", "--year", "1405", "--json").json
    assert len(first["new"]) > 20
    assert (again["new"], sorted(again["unchanged"])) == ([], sorted(first["new"]))
    listed = school("holiday", "list", "--json").json
    assert (listed[0]["first_day"], listed[-1]["first_day"]) == ("2026-03-21", "2027-03-20")
    guesses = [one for one in listed if one["estimated"]]
    assert guesses
    assert not any(one["observed"] for one in guesses)
    assert not any("estimated" in one["title"] for one in listed)
    assert school("holiday", "confirm", guesses[0]["id"]).code == 0
    again = school("holiday", "import", "--country", "IR", "--year", "1405", "--json").json
    assert again["new"] == []
    assert len([one for one in school("holiday", "list", "--json").json if one["estimated"]]) == len(guesses) - 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.csv", "تاریخ,مناسبت,تا تاریخ\n۱۴۰۵/۱۰/۰۱,تعطیلات میان ترم,1405/10/05\n2026-12-31,Snow,\n"),
        ("h.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nSUMMARY:تعطیلات میان ترم\n"
                  "DTSTART;VALUE=DATE:20261222\nDTEND;VALUE=DATE:20261227\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Snow\n"
                  "DTSTART;VALUE=DATE:20261231\nEND:VEVENT\nEND:VCALENDAR\n"),
    ],
)  # fmt: skip
def test_holidays_from_a_file(here, school, name, text):
    (here / name).write_text(text)
    assert len(school("holiday", "import", name, "--json").json["new"]) == 2
    listed = school("holiday", "list", "--json").json
    assert [(one["first_day"], one["last_day"]) for one in listed] == [
        ("2026-12-22", "2026-12-26"), ("2026-12-31", "2026-12-31"),
    ]  # fmt: skip
    assert school("holiday", "import", name, "--json").json["new"] == []


def test_holidays_are_listed_with_their_days_and_what_they_are(here, school, monkeypatch):
    from worker.domain import holidays

    guess = holidays.Holiday(date(2030, 3, 1), "Eid", estimated=True)
    monkeypatch.setattr(holidays, "suggested_holidays", lambda *_: (guess,))
    school("holiday", "import", "--country", "IR", "--year", "2030")
    school("holiday", "add", "2030-12-01", "Break", "--until", "2030-12-05")
    eid, rest = (line.split() for line in school("holiday", "list").out.splitlines()[2:])
    assert eid[1:] == ["2030-03-01", "2030-03-01", "Eid", "IR", "estimated", "0"]
    assert rest[1:] == ["2030-12-01", "2030-12-05", "Break", "manual", "observed", "0"]
    assert "Eid (estimated)" in " ".join(school("timetable", "show", "--week", "2030-03-01").out.split())
    known = (holidays.Holiday(date(2030, 1, 1), "New year"), holidays.Holiday(date(2030, 3, 2), "Eid"))
    monkeypatch.setattr(holidays, "suggested_holidays", lambda *_: known)
    told = school("holiday", "import", "--country", "IR", "--year", "2030").out
    assert told.startswith("withdrawn, its source no longer gives it: ")
    assert "2 new, 0 changed, 0 unchanged" in told


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("import", "h.csv", "--year", "1405"), 2, "give a FILE"),
        (("import", "h.csv", "--country", "IR"), 2, "give a FILE"),
        (("add", "1405/13/01", "x"), 1, "no calendar"),
        (("add", "2026-12-01", "x", "--until", "2026-11-01"), 1, "exchange"),
        (("import",), 2, "give a FILE"),
        (("import", "--country", "IR"), 2, "give a FILE"),
        (("import", "--country", "XX", "--year", "1405"), 2, "such as IR"),
        (("import", "--country", "IR", "--year", "5"), 1, "not a year"),
        (("import", "none.csv"), 1, "cannot be read"),
        (("remove", "x"), 2, "not a whole number"),
        (("confirm", "9"), 1, "no holiday 9"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(school, words, code, said):
    found = school("holiday", *words)
    assert (found.code, said in found.err) == (code, True)
    assert "Traceback" not in found.err


def test_a_bad_row_of_holidays_is_named(here, school):
    (here / "h.csv").write_text("date,title\n2026-12-01,Snow\n2026-13-01,x\n")
    found = school("holiday", "import", "h.csv")
    assert "h.csv, row 3, column date" in found.err
    assert school("holiday", "list", "--json").json == []


def test_a_week_in_json_begins_on_saturday(school):
    found = school("timetable", "show", "--week", tomorrow(school), "--json").json
    assert found[0]["weekday"] == "Saturday"
    ahead = [one for day in found for one in day["occurrences"]]
    assert {one["course"] for one in ahead} == {"phy", "ریاضی-۱"}
    assert set(ahead[0]) == {
        "id", "course", "title", "teacher", "room", "starts_at", "ends_at", "moved_from", "cancelled", "cancel_reason",
    }  # fmt: skip
    assert found[0]["jalali"].startswith("۱۴")


def test_a_week_for_readers_of_persian_runs_from_right_to_left(school):
    school("holiday", "add", tomorrow(school), "برف")
    lines = school("timetable", "show", "--week", tomorrow(school), "--lang", "fa", "--course", "رياضی-1").out
    head = next(line for line in lines.splitlines() if "شنبه" in line)
    order = [head.index(name) for name in ("جمعه", "چهارشنبه", "یکشنبه")]
    assert order == sorted(order)
    assert "۰۹:۰۰" in lines
    assert "لغو: برف" in lines
    english = school("timetable", "show", "--week", tomorrow(school), "--lang", "en").out
    head = next(line for line in english.splitlines() if "Saturday" in line)
    assert head.index("Saturday") < head.index("Wednesday") < head.index("Friday")
    assert "cancelled: برف" in english


def test_a_class_in_the_week_says_until_when_with_whom_where_and_that_it_was_moved(school):
    one = sittings(school, "--course", "phy")[2]
    day = one["starts_at"][:10]
    words = ("timetable", "show", "--week", day, "--lang", "en", "--course", "phy")
    before = school(*words).out
    assert "Physics –10:30" in before
    assert "نوري · 13" in before
    assert "moved" not in before
    school("occurrence", "move", one["id"], "--start", f"{day} 12:00", "--end", f"{day} 13:15")
    after = school(*words).out
    assert "Physics –13:15" in after
    assert "moved" in after
    found = [each for part in school(*words, "--json").json for each in part["occurrences"] if each["id"] == one["id"]]
    assert [(each["moved_from"], each["teacher"], each["cancelled"]) for each in found] == [
        (one["starts_at"], "نوري", False)
    ]


def test_an_empty_week_says_so(school):
    assert school("timetable", "show", "--week", "1400/01/01", "--lang", "en").out == "nothing in this week\n"


def test_times_dates_and_numbers_in_persian(school):
    from worker.domain.calendars import format_date

    one = sittings(school, "--course", "phy")[2]
    jalali = format_date(date.fromisoformat(one["starts_at"][:10]), "fa")
    number = str(one["id"]).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert school("occurrence", "move", number, "--start", f"{jalali} ۱۴:۰۰", "--end", f"{jalali} ۱۵:۰۰").code == 0
    assert school("occurrence", "extend", number, "--minutes", "۱۵").code == 0
    day = sittings(school, "--from", jalali, "--until", jalali, "--course", "phy")
    assert [one["starts_at"][11:16] for one in day] == ["14:00"]
    kinds = [event["kind"] for event in school("occurrence", "show", number, "--json").json["events"]]
    assert kinds == ["moved", "extended"]


def test_people_who_join_late_and_leave_early(here, school):
    (here / "r.csv").write_text(
        "course,user_id,full_name,role,from,until\nرياضي-1,u1,پریسا,viewer,1405/10/01,1405/11/01\n"
    )
    assert school("roster", "import", "r.csv", "--json").json["new"] == ["رياضي-1"]
    (person,) = school("roster", "list", "ریاضی-۱", "--json").json
    assert (person["from"], person["until"]) == ("2026-12-22", "2027-01-21")
    assert school("roster", "import", "r.csv", "--json").json["unchanged"] == ["رياضي-1"]
    assert school("roster", "import", "r.csv").out == "rosters: 0 new, 0 changed, 1 unchanged\n"
    (here / "r.csv").write_text("course,user_id,full_name,role\nرياضي-1,u2,سارا,viewer\n")
    assert school("roster", "import", "r.csv").out == "rosters: 0 new, 1 changed, 0 unchanged\n"


def test_what_a_calendar_cannot_say_is_one_line(here, school):
    (here / "u.csv").write_text("code,title,cron,minutes\nA,A,0 9 1 * MON,60\n")
    school("timetable", "import", "u.csv")
    found = school("timetable", "export", "-o", "o.ics")
    assert (found.code, "export as csv" in found.err) == (1, True)
