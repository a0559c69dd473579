"""What a course is beside its times travels in iCalendar, as properties of our own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.timetables import BadFile, CourseDraft, SlotDraft, read_timetable, write_timetable

MONDAYS = (SlotDraft("0 9 * * MON", 60),)
WORDS = st.text(st.characters(blacklist_categories=["C", "Z"]) | st.sampled_from(' ,;:\\"='), min_size=1).map(str.strip)
OPTIONS = st.dictionaries(st.from_regex(r"[b-c][A-Za-z]{1,8}", fullmatch=True), WORDS, max_size=3)


def written(tmp_path, course):
    path = tmp_path / "one.ics"
    write_timetable([course], path, "ics")
    return path


@settings(max_examples=60, deadline=None)
@given(OPTIONS, WORDS.filter(bool), st.none() | st.integers(0, 1440), st.none() | st.integers(0, 1_000_000))
def test_whatever_is_written_is_read(tmp_path_factory, options, teacher, lead, expected):
    course = CourseDraft(
        "a", "A", "UTC", "t", teacher, "manual", lead, 2.5, expected, options, slots=MONDAYS, room="12"
    )
    (read,) = read_timetable(written(tmp_path_factory.mktemp("ics"), course), timezone="UTC").courses
    assert read == course


def test_the_largest_numbers_are_read(tmp_path):
    course = CourseDraft("a", "A", "UTC", lead_minutes=1440, grace_minutes=1440, expected=1_000_000, slots=MONDAYS)
    assert read_timetable(written(tmp_path, course), timezone="UTC").courses == (course,)


def test_a_calendar_of_another_program_says_nothing_of_it(tmp_path):
    path = written(tmp_path, CourseDraft("a", "A", "UTC", record="always", options={"welcome": "x"}, slots=MONDAYS))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\r\n".join(line for line in lines if not line.startswith("X-MTZ")), encoding="utf-8")
    (read,) = read_timetable(path, timezone="UTC").courses
    assert read.said == {"title", "timezone", "room"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("X-MTZ-RECORD:sometimes", "X-MTZ-RECORD is 'sometimes'; write one of never, manual, always, or remove it"),
        ("X-MTZ-LEAD-MINUTES:-1", "X-MTZ-LEAD-MINUTES is '-1'; write 0 to 1440, or remove it"),
        ("X-MTZ-LEAD-MINUTES:1441", "X-MTZ-LEAD-MINUTES is '1441'; write 0 to 1440, or remove it"),
        ("X-MTZ-GRACE-MINUTES:nan", "X-MTZ-GRACE-MINUTES is 'nan'; write 0 to 1440, or remove it"),
        ("X-MTZ-EXPECTED:2.5", "X-MTZ-EXPECTED is '2.5'; write 0 to 1000000, or remove it"),
        ("X-MTZ-OPTIONS:welcome", "X-MTZ-OPTIONS: 'welcome' is not a parameter; write key=value;key=value"),
    ],
)
def test_a_word_that_cannot_be_is_told(tmp_path, line, told):
    path = written(tmp_path, CourseDraft("a", "A", "UTC", slots=MONDAYS))
    name = line.partition(":")[0]
    lines = [line if each.startswith(f"{name}:") else each for each in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    with pytest.raises(BadFile, match="event 'A'") as caught:
        read_timetable(path, timezone="UTC")
    assert told in str(caught.value)
