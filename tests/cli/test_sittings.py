"""Sittings by hand: added, moved, extended, cancelled; joined; reported."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.test_bad_files import refused

KEYS = {
    "id",
    "course",
    "title",
    "starts_at",
    "ends_at",
    "state",
    "server",
    "meeting_id",
    "internal_meeting_id",
    "cancelled",
}
REPORT = (
    "course occurrence starts_at ends_at user_id full_name role status late left_early first_seen last_seen "
    "seconds_present seconds_unknown percent joins"
)


def ahead(**delta):
    """A time from now, as typed."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat(timespec="seconds")


@pytest.fixture
def add(meetingz, school):
    """Adds a sitting; answers it as JSON."""

    def _(start, end):
        return meetingz("occurrence", "add", "ALG-101", "--start", start, "--end", end, "--json").json

    return _


def test_a_sitting_is_added_in_the_zone_of_its_course(add):
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    added = add(f"{day} 10:00", f"{day} 11:30")
    assert set(added) >= KEYS
    assert added["starts_at"] == f"{day}T10:00:00+03:30"
    assert (added["state"], added["cancelled"], added["server"]) == ("planned", False, None)


def test_a_sitting_that_stands_where_it_was_planned_says_by_whom_and_no_more(meetingz, add):
    told = meetingz("occurrence", "show", add(ahead(days=2), ahead(days=2, hours=1))["id"]).out
    assert "planned for" not in told
    assert "the worker" in told


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--from", "2040-01-02", "--until", "2040-01-02"), [0, 1]),
        (("--from", "2040-01-02 00:00", "--until", "2040-01-02 00:00"), []),
        (("--from", "2040-01-02 00:01", "--until", "2040-01-02 23:59"), [1]),
        (("--until", "1418/10/12"), [0, 1]),
        (("--until", "2040-01-01"), []),
    ],
)
def test_a_day_as_an_end_is_included_and_a_time_is_not(meetingz, add, words, found):
    numbers = [
        add("2040-01-02 00:00", "2040-01-02 00:30")["id"],
        add("2040-01-02 23:00", "2040-01-02 23:30")["id"],
        add("2040-01-03 00:00", "2040-01-03 00:30")["id"],
    ]
    listed = [row["id"] for row in meetingz("occurrence", "list", *words, "--json").json]
    assert [numbers.index(number) for number in listed if number in numbers] == found


def test_a_jalali_date_is_taken(add):
    added = add("1420/01/01 10:00", "1420/01/01 11:00")
    assert added["starts_at"].startswith("2041-03-20T10:00:00")


def test_a_sitting_is_moved_extended_and_cancelled(meetingz, add):
    number = add(ahead(days=2), ahead(days=2, hours=1))["id"]
    assert meetingz("occurrence", "move", number, "--start", ahead(days=3), "--end", ahead(days=3, hours=1)).code == 0
    assert "planned for" in meetingz("occurrence", "show", number).out
    assert meetingz("occurrence", "extend", number, "--minutes", "15").code == 0
    assert meetingz("occurrence", "cancel", number, "--reason", "snow").code == 0
    listed = {row["id"]: row for row in meetingz("occurrence", "list", "--course", "ALG-101", "--json").json}
    assert (listed[number]["state"], listed[number]["cancelled"]) == ("cancelled", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "NOPE", "--start", "2040-01-01 10:00", "--end", "2040-01-01 11:00"), "there is no course 'NOPE'"),
        (
            ("add", "ALG-101", "--start", "2040-01-01 11:00", "--end", "2040-01-01 10:00"),
            "2040-01-01 10:00 (Asia/Tehran) is not after the start 2040-01-01 11:00 (Asia/Tehran)",
        ),
        (("add", "ALG-101", "--start", "2001-01-01 10:00", "--end", "2001-01-01 11:00"), "has passed already"),
        (("add", "ALG-101", "--start", "tomorrow", "--end", "2040-01-01 11:00"), "'tomorrow'"),
        (("cancel", "999", "--reason", "snow"), "there is no occurrence 999"),
        (("cancel", "{id}", "--reason", " "), "the reason is empty"),
        (("extend", "{id}", "--minutes", "-5"), "write 1 to 1440"),
        (("move", "999", "--start", "2040-01-01 10:00", "--end", "2040-01-01 11:00"), "there is no occurrence 999"),
        (("move", "{id}", "--start", "2040-01-01 10:00", "--end", "11:00"), "not a date with a time of day"),
        (("list", "--course", "NOPE"), "there is no course 'NOPE'"),
        (("list", "--from", "1405/09/31x"), "'1405/09/31x' is not a date; write it as"),
        (("list", "--from", "foo"), "'foo'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_said(meetingz, add, words, said):
    number = str(add(ahead(days=2), ahead(days=2, hours=1))["id"])
    refused(meetingz("occurrence", *(word.format(id=number) for word in words)), said)


def test_what_is_cancelled_is_not_cancelled_twice_or_joined(meetingz, add):
    number = add(ahead(days=2), ahead(days=2, hours=1))["id"]
    meetingz("occurrence", "cancel", number, "--reason", "snow")
    refused(meetingz("occurrence", "cancel", number, "--reason", "snow"), "is cancelled already")
    refused(meetingz("join", number, "--user-id", "u1", "--name", "X"), "cancelled")


def test_a_link_before_the_room_opens_says_when_in_the_zone_of_the_course(meetingz, add):
    number = add("2040-01-01 10:00", "2040-01-01 11:00")["id"]
    refused(meetingz("join", number, "--user-id", "u1", "--name", "X"), "it opens at 2040-01-01 09:45 (Asia/Tehran)")


def test_a_correction_that_cannot_be_says_which_of_the_causes_it_is(meetingz, add):
    running = add(ahead(minutes=-5), ahead(minutes=30))["id"]
    coming, cancelled = (add(ahead(days=day), ahead(days=day, hours=1))["id"] for day in (2, 3))
    meetingz("occurrence", "cancel", cancelled, "--reason", "snow")

    def correct(number, who="u1"):
        return meetingz("attendance", "correct", number, who, "present", "--reason", "her net was down")

    refused(correct(running, "nobody"), "'nobody' was neither enrolled nor seen", "roster list")
    refused(correct(coming), "has not begun")
    refused(correct(cancelled), "is cancelled")
    assert correct(running).code == 0
    assert "+00:00" not in meetingz("attendance", "history", running).out


def test_a_class_is_opened_joined_seen_and_reported_by_hand(meetingz, add, server, secret, school):
    meetingz("server", "add", "one", server.base_url, "--secret-env", secret)
    number = add(ahead(seconds=-5), ahead(minutes=30))["id"]
    assert meetingz("run", "provision").code == 0
    link = meetingz("join", number, "--user-id", "u1", "--name", "پریسا صادقی").out.strip()
    assert link.startswith(f"{server.base_url}api/join?")
    as_viewer, as_moderator = (
        meetingz("join", number, "--user-id", "u1", "--name", "پریسا صادقی", "--role", role).out.strip()
        for role in ("viewer", "moderator")
    )
    assert link == as_viewer != as_moderator
    (room,) = meetingz("occurrence", "list", "--course", "ALG-101", "--until", ahead(minutes=1), "--json").json
    assert (room["state"], room["server"]) == ("open", "one")
    assert room["internal_meeting_id"].rpartition("-")[0]
    server.world.join(room["meeting_id"], "u1", "پریسا صادقی", "VIEWER")
    assert meetingz("run", "poll").code == 0
    assert meetingz("live").out.startswith("1 people in 1 open meetings\n")
    live = meetingz("live", "--json").json
    assert (live["meetings"], live["participants"]) == (1, 1)
    assert live["courses"] == [{"course": "ALG-101", "occurrence": number, "participants": 1, "moderators": 0}]
    report = meetingz("report", "attendance", "--format", "json").json
    assert {row["user_id"]: row["role"] for row in report} == {"u1": "viewer", "t1": "moderator"}
    assert list(report[0])[:16] == REPORT.split()


@pytest.mark.parametrize(("kind", "begins"), [("csv", b"course,"), ("xlsx", b"PK"), ("html", b"<!"), ("json", b"[")])
def test_a_report_comes_in_every_format_with_persian_names(meetingz, add, school, kind, begins):
    add(ahead(seconds=-5), ahead(minutes=30))
    assert meetingz("report", "attendance", "-o", f"r.{kind}", "--lang", "fa").code == 0
    written = (school / f"r.{kind}").read_bytes()
    assert written.removeprefix("\ufeff".encode()).lower().startswith(begins.lower())
    if kind != "xlsx":
        assert "پریسا صادقی" in written.decode()
