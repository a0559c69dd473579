"""Plain lists of dates."""

from datetime import UTC, datetime

import pytest

from worker.timetables import BadFile, SittingDraft, detect_format, read_timetable


def test_a_file_is_a_course(write):
    path = write(
        "summary,time,duration\n"
        "GIS talk,2027-01-28T10:00Z,1\nGIS lab,2027-01-28T11:00,1.5\nGIS due,2027-01-29T10:00Z,0\n",
        "gis.csv",
    )
    assert detect_format(path) == "dated"
    draft = read_timetable(path, timezone="Asia/Tehran")
    course = draft.courses[0]
    assert (course.code, course.title) == ("gis", "GIS")
    assert course.sittings[1] == SittingDraft(
        datetime(2027, 1, 28, 7, 30, tzinfo=UTC), datetime(2027, 1, 28, 9, tzinfo=UTC)
    )
    assert draft.warnings[1] == "row 4: 'GIS due' has no length and is left out"


@pytest.mark.parametrize(
    ("summaries", "title"),
    [(("GIS: talk", "GIS: lab"), "GIS"), (("GIS – talk", "GIS – lab"), "GIS"), (("Talk", "Lab"), "timetable")],
)
def test_a_course_is_called_as_all_its_rows_begin_or_as_its_file(write, summaries, title):
    rows = "".join(f"{summary},2027-01-28T10:00Z,24\n" for summary in summaries)
    course = read_timetable(write(f"summary,time,duration\n{rows}"), timezone="UTC").courses[0]
    assert (course.code, course.title) == ("timetable", title)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,tomorrow,1", "a time of day"),
        ("x,2027-01-28T10:00Z,99", "0 to 24"),
        ("x,2027-01-28T10:00Z,", "empty"),
        ("x,2027-01-28T10:00Z,0", "holds no sitting"),
    ],
)
def test_errors(write, row, words):
    with pytest.raises(BadFile, match=words):
        read_timetable(write(f"summary,time,duration\n{row}\n"), timezone="UTC")


def test_a_module(real):
    course = read_timetable(real("leeds-tds-2027.csv"), timezone="Europe/London").courses[0]
    assert (course.title, len(course.sittings)) == ("TDS", 15)
