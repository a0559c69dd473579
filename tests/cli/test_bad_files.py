"""Files of strangers: one line that says file, row and column; exit status 1; nothing is written."""

import pytest

NATIVE = "code,title,cron,minutes\n"
DAILY = "code,title,day,start,end\n"
ROSTER = "course,user_id,full_name,role\n"

TIMETABLES = [
    ("a wrong header", "kode,title,cron,minutes\nA,B,0 9 * * 6,90\n", ["row 1", "kode", "did you mean code?"]),
    ("an unknown column", "code,title,cron,minutes,colour\nA,B,0 9 * * 6,90,red\n", ["row 1", "colour"]),
    ("a missing column", "code,title,cron\nA,B,0 9 * * 6\n", ["row 1", "minutes"]),
    ("a cron of four fields", NATIVE + "A,B,0 9 * *,90\n", ["row 2", "column cron", "five fields"]),
    ("a cron out of range", NATIVE + "A,B,61 9 * * 6,90\n", ["row 2", "column cron", "61 9"]),
    ("minutes in letters", NATIVE + "A,B,0 9 * * 6,ninety\n", ["row 2", "column minutes", "ninety"]),
    ("minutes below one", NATIVE + "A,B,0 9 * * 6,0\n", ["row 2", "column minutes"]),
    ("an unknown zone", "code,title,cron,minutes,timezone\nA,B,0 9 * * 6,90,Mars/Olympus\n", ["row 2", "Mars/Olympus"]),
    ("a start at 24:00", DAILY + "A,B,Saturday,24:00,09:00\n", ["row 2", "column start", "write 00:00"]),
    ("a class of no minutes", DAILY + "A,B,Saturday,10:00,10:00\n", ["row 2", "column end", "later end"]),
    ("one code, two titles", NATIVE + "A,B,0 9 * * 6,90\nA,C,0 9 * * 1,90\n", ["row 3", "column title", "row 2"]),
    ("no code", NATIVE + ",B,0 9 * * 6,90\n", ["row 2", "column code", "empty"]),
    ("Latin-1", NATIVE.encode() + b"A,Caf\xe9,0 9 * * 6,90\n", ["row 2", "0xe9", "UTF-8"]),
    ("UTF-16", (NATIVE + "A,B,0 9 * * 6,90\n").encode("utf-16"), ["UTF-16"]),
    ("a NUL byte", NATIVE + "A,B\0,0 9 * * 6,90\n", ["row 2", "NUL"]),
    ("nothing", "", ["is empty", "code,title,cron,minutes"]),
    ("a header alone", NATIVE, ["holds no course"]),
    ("a second row that is wrong", NATIVE + "GOOD,B,0 9 * * 6,90\nBAD,B,never,90\n", ["row 3", "column cron"]),
]
ROSTERS = [
    ("an unknown course", ROSTER + "NOPE,u1,X,viewer\n", ["row 2", "column course", "NOPE"]),
    ("an unknown role", ROSTER + "ALG-101,u1,X,boss\n", ["row 2", "column role", "boss"]),
    ("a wrong header", "course,user_id,name\nALG-101,u1,X\n", ["row 1", "did you mean full_name?"]),
    (
        "one person twice, the course in two spellings",
        ROSTER + "ALG-101,u1,X,viewer\nalg-۱۰۱,u1,X,viewer\n",
        ["row 3", "column user_id", "row 2", "remove one"],
    ),
    ("no user id", ROSTER + "ALG-101,,X,viewer\n", ["row 2", "column user_id", "empty"]),
]


def refused(result, *parts):
    """Exit status 1, nothing on stdout, one line on stderr that says these things."""
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("meetingz: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


@pytest.mark.parametrize(("what", "content", "said"), TIMETABLES, ids=[case[0] for case in TIMETABLES])
def test_a_timetable_with_a_fault_is_refused_as_a_whole(meetingz, here, what, content, said):
    (here / "bad.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(meetingz("timetable", "import", "bad.csv"), "bad.csv", *said)
    assert meetingz("course", "list", "--json").json == []


@pytest.mark.parametrize(("what", "content", "said"), ROSTERS, ids=[case[0] for case in ROSTERS])
def test_a_roster_with_a_fault_is_refused_as_a_whole(meetingz, school, what, content, said):
    before = meetingz("roster", "list", "ALG-101", "--json").json
    (school / "bad.csv").write_text(content)
    refused(meetingz("roster", "import", "bad.csv"), "bad.csv", *said)
    assert meetingz("roster", "list", "ALG-101", "--json").json == before


ACCEPTED = [
    ("Persian digits", NATIVE + "A,جبر,۰ ۹ * * ۶,۹۰\n"),
    ("a byte order mark", "\ufeff" + NATIVE + "A,B,0 9 * * 6,90\n"),
    ("Windows line ends", (NATIVE + "A,B,0 9 * * 6,90\n").replace("\n", "\r\n")),
    ("semicolons", (NATIVE + "A,B,0 9 * * 6,90\n").replace(",", ";")),
]


@pytest.mark.parametrize(("what", "content"), ACCEPTED, ids=[case[0] for case in ACCEPTED])
def test_what_spreadsheets_write_is_accepted(meetingz, here, what, content):
    (here / "good.csv").write_bytes(content.encode())
    assert meetingz("timetable", "import", "good.csv", "--json").json["new"] == ["A"]
    (slot,) = meetingz("course", "show", "A", "--json").json["slots"]
    assert (slot["cron"], slot["minutes"]) == ("0 9 * * 6", 90)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("timetable", "import", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("timetable", "import", "."), ".: cannot be read (Is a directory)"),
        (("timetable", "import", "junk.xlsx"), "junk.xlsx: cannot be opened as a workbook"),
        (("timetable", "import", "timetable.csv", "--timezone", "Mars/X"), "'Mars/X' is not a time zone"),
        (("timetable", "import", "timetable.csv", "--from", "yesterday"), "'yesterday' is not a date"),
        (("timetable", "export", "-o", "nowhere/x.csv"), "nowhere"),
        (("report", "attendance", "-o", "nowhere/x.csv"), "nowhere: there is no such folder"),
        (("report", "attendance", "--course", "NOPE"), "there is no course 'NOPE'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_file_that_is_not_there_is_named(meetingz, school, words, said):
    (school / "junk.xlsx").write_bytes(b"PK\x03\x04junk")
    refused(meetingz(*words), said)


def test_a_timetable_is_exported_in_the_format_of_its_name_and_comes_back_unchanged(meetingz, school):
    for name in ("t.csv", "t.xlsx", "t.ics"):
        assert meetingz("timetable", "export", "-o", name).code == 0
    assert (school / "t.xlsx").read_bytes()[:2] == b"PK"
    assert (school / "t.ics").read_bytes()[:15] == b"BEGIN:VCALENDAR"
    for name in ("t.csv", "t.xlsx"):
        assert meetingz("timetable", "import", name, "--json").json["unchanged"] == ["ALG-101", "PHY-201"]


def test_a_dry_run_changes_nothing(meetingz, here):
    (here / "t.csv").write_text(NATIVE + "A,B,0 9 * * 6,90\n")
    told = meetingz("timetable", "import", "t.csv", "--dry-run")
    assert told.code == 0
    assert "nothing was changed" in told.out
    assert meetingz("course", "list", "--json").json == []
