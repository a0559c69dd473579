"""Leaves that servers show late, servers' own reports, and clocks that were set: what each does to a stay."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.test_attendance_properties import KEYS, as_sightings, polls
from worker.domain.attendance import Piece, Report, Run, Seen, Sighting, Span, clip, fold, merge
from worker.domain.crowd import Peak, peak
from worker.domain.unwatched import gaps

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOLERANCE = timedelta(seconds=90)


def at(seconds):
    return START + timedelta(seconds=seconds)


def span(first, last):
    return Span(at(first), at(last))


def seen(first, last, *keys):
    return Sighting(at(first), at(last), tuple(Seen(key, key, "VIEWER") for key in keys))


def told(key, first, last):
    return Piece(at(first), at(last), Seen(key, key, "VIEWER"), "exact")


def folded(run):
    stays = fold([run], TOLERANCE)
    return [(s.key, (s.first_seen - START).seconds, (s.last_seen - START).seconds, s.source) for s in stays]


# Leave latency (protocol section 5, E62)


@pytest.mark.parametrize(
    ("latency", "last"),
    [(0, 300), (20, 300), (30, 300), (40, 290), (80, 250), (1000, 0)],
)
def test_e62_a_known_leave_ends_at_the_poll_that_missed_them_less_the_latency(latency, last):
    run = Run(at(0), (seen(0, 300, "a", "b"), seen(330, 600, "b")), None, timedelta(seconds=latency))
    assert folded(run) == [("a", 0, last, "poll"), ("b", 0, 600, "poll")]


@pytest.mark.parametrize(
    "later",
    [(), (seen(330, 600, "a"),), (seen(400, 600, "b"),)],
    ids=["no poll at all", "still there", "a poll after a silence"],
)
@pytest.mark.parametrize("latency", [80, 200])
def test_nothing_is_taken_away_where_no_poll_missed_them_in_time(later, latency):
    run = Run(at(0), (seen(0, 300, "a"), *later), None, timedelta(seconds=latency))
    assert folded(run)[0][2] >= 300


def test_e47_a_rejoin_within_the_latency_is_one_stay():
    run = Run(at(0), (seen(0, 300, "a"), seen(330, 360, "a", "a"), seen(390, 600, "a")), None, timedelta(seconds=80))
    assert folded(run) == [("a", 0, 600, "poll")]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(polls(), st.integers(0, 200))
def test_no_stay_exceeds_what_was_sighted_whatever_the_latency(polled, latency):
    sightings = tuple(as_sightings(polled))
    plain, shorter = (fold([Run(START, sightings, None, timedelta(seconds=s))], TOLERANCE) for s in (0, latency))
    for key in KEYS:
        before = [Span(stay.first_seen, stay.last_seen) for stay in plain if stay.key == key]
        after = [Span(stay.first_seen, stay.last_seen) for stay in shorter if stay.key == key]
        assert [each.start for each in after] == [each.start for each in before]
        assert all(one.end <= two.end for one, two in zip(after, before, strict=True))


# A room that another one took the place of, between two polls (E44)


def replaced(first, last, *keys, then, **how):
    """Two runs; the second was there already when the first was found to be gone."""
    one = Run(at(0), (seen(first, last, *keys),), at(last + 30), timedelta(0), replaced=True, **how)
    return [one, Run(at(last + 35), then)]


def spans_of(runs):
    return [(s.key, (s.first_seen - START).seconds, (s.last_seen - START).seconds) for s in fold(runs, TOLERANCE)]


def test_e44_who_was_seen_before_and_after_a_room_was_replaced_never_left():
    runs = replaced(0, 300, "a", "b", then=(seen(360, 390, "a"), seen(420, 600, "a", "b")))
    assert spans_of(runs) == [("a", 0, 600), ("b", 0, 300), ("b", 420, 600)]


def test_e44_only_who_was_there_last_and_first_is_carried_over_whatever_the_order_of_the_runs():
    old = Run(at(0), (seen(0, 60, "a", "b"), seen(90, 300, "a")), at(330), replaced=True)
    new = Run(at(335), (seen(360, 390, "a", "b", "c"), seen(420, 600, "a")))
    expected = [("a", 0, 600), ("b", 0, 60), ("b", 360, 390), ("c", 360, 390)]
    assert spans_of([old, new]) == expected
    assert spans_of([new, old]) == expected


@pytest.mark.parametrize(("after", "parts"), [(390, 1), (391, 2)])
def test_e44_not_beyond_the_tolerance(after, parts):
    assert len(spans_of(replaced(0, 300, "a", then=(seen(after, 600, "a"),)))) == parts


def test_a_room_that_was_gone_before_another_came_parts_a_stay():
    runs = [Run(at(0), (seen(0, 300, "a"),), at(330)), Run(at(335), (seen(360, 600, "a"),))]
    assert spans_of(runs) == [("a", 0, 300), ("a", 360, 600)]


@pytest.mark.parametrize("then", [(), (seen(300, 300),), (seen(200, 280, "a"),)], ids=["no poll", "nobody", "set back"])
def test_e44_without_a_later_sighting_nothing_is_added(then):
    assert spans_of(replaced(0, 300, "a", then=then)) == [("a", 0, 300)]


def test_e44_a_moderator_in_either_room_is_one():
    runs = replaced(0, 300, "a", then=(Sighting(at(360), at(600), (Seen("a", "a", "MODERATOR"),)),))
    assert [stay.role for stay in fold(runs, TOLERANCE)] == ["MODERATOR"]


def test_e44_a_report_knows_better_for_the_time_that_it_covers():
    report = Report(span(0, 320), (told("a", 10, 250),))
    runs = replaced(0, 300, "a", then=(seen(360, 600, "a"),), report=report)
    assert spans_of(runs) == [("a", 10, 250), ("a", 320, 600)]


# A server's own report


REPORT = Report(span(0, 600), (told("a", 10, 500),))


def test_a_report_replaces_the_polls_of_the_time_that_it_covers():
    run = Run(at(0), (seen(30, 590, "a", "b"),), None, timedelta(0), REPORT)
    assert folded(run) == [("a", 10, 500, "exact")]


def test_polls_remain_where_a_report_does_not_reach():
    run = Run(at(0), (seen(30, 900, "a"),), None, timedelta(0), REPORT)
    assert folded(run) == [("a", 10, 500, "exact"), ("a", 600, 900, "poll")]


def test_a_stay_made_of_both_says_so():
    run = Run(at(0), (seen(30, 900, "a"),), None, timedelta(0), Report(span(0, 600), (told("a", 10, 600),)))
    assert folded(run) == [("a", 10, 900, "both")]


def test_one_meeting_has_a_report_and_the_other_has_polls():
    runs = [
        Run(at(0), (seen(30, 590, "a"),), at(620), timedelta(0), REPORT),
        Run(at(700), (seen(720, 900, "a"),)),
    ]
    assert [(stay.first_seen, stay.source) for stay in fold(runs, TOLERANCE)] == [(at(10), "exact"), (at(720), "poll")]


def test_a_single_sighting_within_a_report_is_replaced_as_well():
    run = Run(at(0), (seen(300, 300, "b"),), None, timedelta(0), REPORT)
    assert folded(run) == [("a", 10, 500, "exact")]


@pytest.mark.parametrize("second", [0, 600])
def test_a_single_sighting_at_either_end_of_a_report_is_replaced_too(second):
    run = Run(at(0), (seen(second, second, "b"),), None, timedelta(0), REPORT)
    assert folded(run) == [("a", 10, 500, "exact")]


def test_a_report_lights_the_gaps_that_it_covers():
    sightings = (seen(0, 60, "a"), seen(300, 590, "a"), seen(800, 900, "a"))
    assert gaps([Run(at(0), sightings)], TOLERANCE, at(900)) == [span(60, 300), span(590, 800)]
    assert gaps([Run(at(0), sightings, None, timedelta(0), REPORT)], TOLERANCE, at(900)) == [span(600, 800)]


# Clocks that were set (E45)


def test_an_observation_from_a_clock_that_was_ahead_opens_no_gap_behind_an_older_one():
    sightings = (seen(0, 600, "a"), seen(300, 300, "b"), seen(630, 900, "a"))
    assert gaps([Run(at(0), sightings)], TOLERANCE, at(900)) == []


def test_time_that_a_clock_told_twice_is_counted_once():
    run = Run(at(0), (seen(0, 600, "a"), seen(300, 500, "a", "b")))
    assert folded(run) == [("a", 0, 600, "poll"), ("b", 300, 500, "poll")]


def test_an_observation_within_an_older_one_parts_nobodys_stay():
    run = Run(at(0), (seen(0, 600, "a"), seen(300, 500, "a"), seen(630, 900, "a")))
    assert folded(run) == [("a", 0, 900, "poll")]


def test_e48_a_long_name_without_an_id_is_cut_to_what_the_table_holds():
    assert len(Seen("", "x" * 512, "VIEWER").key) == 280


# Crowds


def test_the_peak_is_the_most_at_once_and_when_they_first_were():
    assert peak([[span(0, 10)], [span(5, 20)], [span(6, 7)]]) == Peak(3, at(6))
    assert peak([]) == Peak()


def test_who_goes_as_another_comes_was_never_there_with_them():
    assert peak([[span(0, 10)], [span(10, 20)]]) == Peak(1, at(0))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=4), max_size=6))
def test_the_peak_is_what_counting_every_second_gives(people):
    spans = [merge(span(first, first + length) for first, length in own) for own in people]
    counts = [sum(bool(clip(own, span(second, second + 1))) for own in spans) for second in range(80)]
    assert peak(spans).people == max(counts)
