"""Attendance: the fold of observations into stays, and what stays amount to."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from worker.domain.attendance import Run, Seen, Sighting, Span, clip, fold, merge
from worker.domain.marks import Rules, mark
from worker.domain.unwatched import gaps, shut

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOLERANCE = timedelta(seconds=90)
HOUR = Span(START, START + timedelta(hours=1))
RULES = Rules()


def at(seconds):
    return START + timedelta(seconds=seconds)


def who(*keys, role="VIEWER"):
    return tuple(Seen(key, f"Name of {key}", role) for key in keys)


def seen(first, last, *keys, **how):
    return Sighting(at(first), at(last), who(*keys, **how))


def stays(*sightings, bots=None, opened=0):
    folded = fold([Run(at(opened), sightings)], TOLERANCE, bots)
    return [(stay.key, (stay.first_seen - START).seconds, (stay.last_seen - START).seconds) for stay in folded]


def span(first, last):
    return Span(at(first), at(last))


def minutes(first, last):
    return span(first * 60, last * 60)


def test_a_stay_runs_from_first_to_last_sighting():
    assert stays(seen(0, 600, "a")) == [("a", 0, 600)]


def test_a_change_of_others_splits_nobodys_stay():
    assert stays(seen(0, 60, "a"), seen(90, 120, "a", "b"), seen(150, 180, "a")) == [("a", 0, 180), ("b", 90, 120)]


def test_a_poll_that_missed_somebody_ends_their_stay():
    assert stays(seen(0, 60, "a"), seen(90, 90), seen(120, 180, "a")) == [("a", 0, 60), ("a", 120, 180)]


@pytest.mark.parametrize(("gap", "parts"), [(89, 1), (90, 1), (91, 2)])
def test_the_tolerance_is_the_longest_gap_within_one_stay(gap, parts):
    assert len(stays(seen(0, 60, "a"), seen(60 + gap, 300, "a"))) == parts


def test_e63_one_sighting_is_a_stay_of_no_length():
    assert stays(seen(30, 30, "a")) == [("a", 30, 30)]


def test_e46_two_devices_are_one_person():
    assert stays(seen(0, 60, "a", "a"), seen(90, 120, "a")) == [("a", 0, 120)]


def test_e49_two_people_of_one_name_are_two():
    people = (Seen("a", "Zahra", "VIEWER"), Seen("b", "Zahra", "VIEWER"))
    assert stays(Sighting(at(0), at(60), people)) == [("a", 0, 60), ("b", 0, 60)]


def test_e54_a_moderator_at_any_time_is_a_moderator():
    sightings = (seen(0, 0, "a"), seen(30, 30, "a", role="MODERATOR"), seen(60, 60, "a"))
    assert [stay.role for stay in fold([Run(at(0), sightings)], TOLERANCE)] == ["MODERATOR"]


@pytest.mark.parametrize("roles", [("VIEWER", "MODERATOR"), ("MODERATOR", "VIEWER")])
def test_e54_whichever_device_is_named_first(roles):
    sighting = Sighting(at(0), at(0), tuple(Seen("a", "Zahra", role) for role in roles))
    assert [stay.role for stay in fold([Run(at(0), (sighting,))], TOLERANCE)] == ["MODERATOR"]


@pytest.mark.parametrize("role", ["VIEWER", "MODERATOR"])
def test_somebody_is_called_as_they_were_called_first(role):
    sightings = [Sighting(at(n), at(n), (Seen("a", f"Name {n}", role),)) for n in (0, 30, 60)]
    assert [stay.full_name for stay in fold([Run(at(0), tuple(sightings))], TOLERANCE)] == ["Name 0"]


def test_e58_a_recorder_is_nobody():
    bots = re.compile("(?i)^recorder")
    assert stays(seen(0, 60, "recorder-1", "a"), bots=bots) == [("a", 0, 60)]
    named = Sighting(at(0), at(60), (Seen("x", "Recorder", "VIEWER"),))
    assert stays(named, bots=bots) == []


def test_e48_made_up_ids_are_unknown_people():
    assert not Seen("w_abcdefghij12", "Zahra", "VIEWER").is_known
    assert not Seen("", "Zahra", "VIEWER").is_known
    assert Seen("w_my-own-id", "Zahra", "VIEWER").is_known
    assert Seen("w_abcdefghij123", "Zahra", "VIEWER").is_known


def test_e48_who_has_no_id_is_never_taken_for_somebody_whose_id_is_that_name():
    people = (Seen("", "Zahra", "VIEWER"), Seen("Zahra", "Somebody else", "VIEWER"))
    assert stays(Sighting(at(0), at(60), people)) == [("?Zahra", 0, 60), ("Zahra", 0, 60)]


def test_runs_of_one_class_are_one_class():
    runs = [Run(at(0), (seen(0, 300, "a"),), at(330)), Run(at(360), (seen(360, 600, "a"),))]
    assert [(stay.first_seen, stay.last_seen) for stay in fold(runs, TOLERANCE)] == [
        (at(0), at(300)),
        (at(360), at(600)),
    ]


def test_overlapping_runs_are_no_double_time():
    runs = [Run(at(0), (seen(0, 300, "a"),)), Run(at(200), (seen(200, 600, "a"),))]
    assert [(stay.first_seen, stay.last_seen) for stay in fold(runs, TOLERANCE)] == [(at(0), at(600))]


# Gaps


def test_a_silence_longer_than_the_tolerance_is_a_gap():
    run = Run(at(0), (seen(0, 60), seen(300, 600)))
    assert gaps([run], TOLERANCE, at(600)) == [span(60, 300)]


@pytest.mark.parametrize(("silence", "count"), [(90, 0), (91, 1)])
def test_a_silence_as_long_as_the_tolerance_is_none(silence, count):
    run = Run(at(0), (seen(0, 60), seen(60 + silence, 600)))
    assert len(gaps([run], TOLERANCE, at(600))) == count


def test_gaps_of_two_rooms_at_once_are_one():
    runs = [Run(at(0), (seen(0, 60), seen(300, 600))), Run(at(0), (seen(0, 100), seen(400, 600)))]
    assert gaps(runs, TOLERANCE, at(600)) == [span(60, 400)]


def test_a_room_that_was_missed_before_it_was_last_seen_opens_no_gap():
    assert gaps([Run(at(0), (seen(0, 600),), at(400))], TOLERANCE, at(900)) == []


def test_nothing_seen_since_the_room_opened_is_a_gap():
    assert gaps([Run(at(0), ())], TOLERANCE, at(600)) == [span(0, 600)]


def test_a_silence_up_to_now_is_a_gap():
    assert gaps([Run(at(0), (seen(0, 60),))], TOLERANCE, at(600)) == [span(60, 600)]


def test_after_a_room_is_known_to_be_gone_nothing_is_unknown():
    assert gaps([Run(at(0), (seen(0, 60),), at(90))], TOLERANCE, at(3600)) == []


def test_a_room_that_went_in_a_silence_is_unknown_until_it_was_missed():
    assert gaps([Run(at(0), (seen(0, 60),), at(400))], TOLERANCE, at(3600)) == [span(60, 400)]


# Marks


@pytest.mark.parametrize(
    ("last", "status"), [(60, "present"), (45, "present"), (44.9, "partial"), (6, "partial"), (5.9, "absent")]
)
def test_status_follows_the_share_of_the_planned_window(last, status):
    assert mark([minutes(0, last)], [], HOUR, RULES).status == status


def test_time_outside_the_window_counts_for_nothing():
    found = mark([minutes(-30, 0), minutes(60, 90)], [], HOUR, RULES)
    assert (found.status, found.seconds_present, found.percent) == ("absent", 0, 0)


def test_percent_never_exceeds_a_hundred():
    assert mark([minutes(-30, 90)], [], HOUR, RULES).percent == 100


def test_overlaps_are_counted_once():
    assert mark([minutes(0, 30), minutes(10, 40)], [], HOUR, RULES).seconds_present == 2400


def test_a_window_mostly_unwatched_says_unknown():
    assert mark([], [minutes(0, 31)], HOUR, RULES).status == "unknown"
    assert mark([], [minutes(0, 30)], HOUR, RULES).status == "absent"
    assert mark([minutes(0, 45)], [minutes(45, 60)], HOUR, RULES).status == "present"


def test_time_that_somebody_was_seen_is_not_unknown_to_them():
    found = mark([minutes(0, 30)], [minutes(10, 40)], HOUR, RULES)
    assert (found.seconds_present, found.seconds_unknown) == (1800, 600)


def test_late_and_left_early():
    found = mark([minutes(11, 49)], [], HOUR, RULES)
    assert (found.late, found.left_early) == (True, True)
    found = mark([minutes(10, 50)], [], HOUR, RULES)
    assert (found.late, found.left_early) == (False, False)


def test_who_looked_in_before_the_class_or_afterwards_is_judged_by_what_lies_between():
    found = mark([minutes(-14, -12), minutes(25, 40), minutes(63, 64)], [], HOUR, RULES)
    assert (found.status, found.late, found.left_early) == ("partial", True, True)
    assert (found.first_seen, found.last_seen) == (minutes(-14, 0).start, minutes(0, 64).end)
    found = mark([minutes(-14, 5), minutes(55, 64)], [], HOUR, RULES)
    assert (found.late, found.left_early) == (False, False)


def test_nobody_is_late_for_a_time_that_nobody_watched():
    found = mark([minutes(15, 45)], [minutes(0, 15), minutes(45, 60)], HOUR, RULES)
    assert (found.late, found.left_early) == (False, False)


def test_a_time_that_nobody_watched_excuses_no_other():
    found = mark([minutes(15, 40)], [minutes(45, 60)], HOUR, RULES)
    assert (found.late, found.left_early) == (True, False)


@pytest.mark.parametrize("stays", [[], [minutes(-5, 5)]])
def test_of_a_window_of_no_length_nobody_has_a_share(stays):
    found = mark(stays, [], Span(START, START), RULES)
    assert (found.status, found.percent, found.seconds_present) == ("absent", 0, 0)


def test_who_was_absent_is_neither_late_nor_early():
    found = mark([], [], HOUR, RULES)
    assert (found.late, found.left_early, found.first_seen, found.joins) == (False, False, None, 0)


def test_a_share_is_of_the_whole_window_watched_or_not():
    assert mark([minutes(0, 30)], [minutes(30, 45)], HOUR, RULES).percent == 50


def test_every_stay_is_a_join_those_before_the_class_as_well():
    assert mark([minutes(-30, -20), minutes(0, 60)], [], HOUR, RULES).joins == 2


@pytest.mark.parametrize(
    ("unknown", "joins"),
    [
        ([], 2),
        ([minutes(20, 30)], 1),  # polls failed exactly then
        ([minutes(10, 40)], 1),
        ([minutes(20, 29)], 2),  # somebody looked, and they were not there
        ([minutes(21, 30)], 2),
        ([minutes(0, 10), minutes(40, 50)], 2),
    ],
)
def test_nobody_came_anew_because_nobody_looked(unknown, joins):
    stays = [minutes(30, 60), minutes(0, 20)]
    assert mark(stays, unknown, HOUR, RULES).joins == joins


def test_nobody_whose_status_is_unknown_is_late_or_early():
    found = mark([minutes(20, 29)], [minutes(29, 60)], HOUR, RULES)
    assert (found.status, found.late, found.left_early) == ("unknown", False, False)


def test_unknown_times_that_overlap_are_counted_once():
    assert mark([], [minutes(10, 25), minutes(0, 20)], HOUR, RULES).seconds_unknown == 1500


def test_ten_short_stays_are_added_up_to_the_second():
    stays = [span(120 * number, 120 * number + 59) for number in range(10)]
    assert mark(stays, [], HOUR, RULES).seconds_present == 590


def test_merge_and_clip():
    assert merge([span(5, 9), span(0, 3), span(3, 4), span(8, 12)]) == [span(0, 4), span(5, 12)]
    assert clip([span(-10, 10), span(20, 20), span(50, 90)], span(0, 60)) == [span(0, 10), span(50, 60)]


@pytest.mark.parametrize(
    ("rooms", "expected"),
    [
        ([], [(0, 3600)]),
        ([(-900, None)], []),
        ([(600, None)], [(0, 600)]),
        ([(90, None)], []),
        ([(600, 500)], [(0, 600), (600, 3600)]),
        ([(4000, None)], [(0, 3600)]),
        ([(-900, 900), (1800, None)], [(900, 1800)]),
        ([(-900, 900), (930, None)], []),
        ([(-900, 2400)], [(2400, 3600)]),
    ],
    ids=[
        "never opened",
        "in time",
        "late",
        "hardly late",
        "clock set back",
        "after it",
        "shut between",
        "reopened at once",
        "gone early",
    ],
)
def test_nobody_is_blamed_for_a_time_without_a_room(rooms, expected):
    runs = [Run(at(opened), (), None if missed is None else at(missed)) for opened, missed in rooms]
    assert shut(runs, TOLERANCE, HOUR) == [span(first, last) for first, last in expected]


def test_before_a_class_has_begun_no_room_is_missed():
    assert shut([], TOLERANCE, Span(at(900), at(0))) == []


def test_who_comes_as_soon_as_a_late_room_opens_is_not_late():
    dark = shut([Run(at(1200), ())], TOLERANCE, HOUR)
    assert not mark([minutes(21, 60)], dark, HOUR, RULES).late
