"""Who is in which course."""

from datetime import date

import pytest

from worker.timetables import BadFile, RosterEntry, read_roster

HEAD = "course,user_id,full_name,role"


def test_a_roster(write):
    entries = read_roster(
        write(f"{HEAD},from,until\nA,u1,علی,viewer,1405/07/01,\nA,u2,نوری,استاد,,2027-01-01\nB,u1,علی,Viewer,,\n")
    ).entries
    assert entries == (
        RosterEntry("A", "u1", "علی", "viewer", date(2026, 9, 23)),
        RosterEntry("A", "u2", "نوری", "moderator", None, date(2027, 1, 1)),
        RosterEntry("B", "u1", "علی", "viewer"),
    )
    assert [entry.line for entry in entries] == [2, 3, 4]


@pytest.mark.parametrize(
    "head",
    ["کد درس,شماره دانشجویی,نام و نام خانوادگی,نقش", "Course,User-ID,Full Name,Role", "code,userid,fullname,ROLE"],
)
def test_columns_as_schools_name_them(write, head):
    assert read_roster(write(f"{head}\nA,u1,علی,دانشجو\n")).entries == (RosterEntry("A", "u1", "علی", "viewer"),)


def test_somebody_may_be_there_for_one_day(write):
    (person,) = read_roster(write(f"{HEAD},from,until\nA,u,X,viewer,2026-02-01,2026-02-01")).entries
    assert person.valid_from == person.valid_until == date(2026, 2, 1)


def test_one_course_needs_no_column(write):
    assert read_roster(write("user_id,full_name,role\nu1,X,viewer\n"), course="A").entries[0].course == "A"
    assert read_roster(write(f"{HEAD}\n,u1,X,viewer\n"), course="A").entries[0].course == "A"


@pytest.mark.parametrize(
    ("text", "row", "column", "words"),
    [
        ("", None, None, "is empty"),
        ("user_id,full_name,role\nu,X,viewer", 1, "course", "column course is missing"),
        (f"{HEAD}\nA,u,X,boss", 2, "role", "write viewer, moderator"),
        (f"{HEAD}\nA,u,X,", 2, "role", "is empty"),
        (f"{HEAD}\nA,,X,viewer", 2, "user_id", "is empty"),
        (f"{HEAD}\nA,u,,viewer", 2, "full_name", "is empty"),
        (f"{HEAD}\n,u,X,viewer", 2, "course", "is empty"),
        (f"{HEAD}\nA,u,X,viewer\nB,u,X,viewer\nA,u,Y,moderator", 4, "user_id", "in row 2"),
        (f"{HEAD},from,until\nA,u,X,viewer,2026-02-02,2026-02-01", 2, "until", "exchange"),
        (f"{HEAD}\nA,u,X", 2, None, "3 cells"),
    ],
)
def test_errors(write, text, row, column, words):
    with pytest.raises(BadFile) as caught:
        read_roster(write(text))
    assert (caught.value.row, caught.value.column) == (row, column)
    assert words in str(caught.value)


def test_the_course_asked_for_may_be_spelled_in_another_way(write):
    (person,) = read_roster(write(f"{HEAD}\nalg-۱۰۱,u,X,viewer"), course="ALG-101").entries
    assert person.course == "ALG-101"


def test_another_course_than_asked_for(write):
    with pytest.raises(BadFile, match="not the course"):
        read_roster(write(f"{HEAD}\nB,u,X,viewer"), course="A")
