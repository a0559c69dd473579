"""What holds of the fold for any class whatever: hypothesis looks for one where it does not."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.attendance import Run, Seen, Sighting, Span, clip, fold, merge
from worker.domain.marks import Rules, mark
from worker.domain.unwatched import gaps

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOLERANCE = timedelta(seconds=90)
WINDOW = Span(START, START + timedelta(minutes=30))
KEYS = ("a", "b", "c", "w_abcdefghij12")

settings.register_profile("fold", max_examples=200, deadline=None, derandomize=True)


def at(seconds):
    return START + timedelta(seconds=seconds)


def one_of_them(key, role):
    return Seen(key, f"Name of {key}", role)


people = st.lists(st.builds(one_of_them, st.sampled_from(KEYS), st.sampled_from(["VIEWER", "MODERATOR"])), max_size=6)


@st.composite
def polls(draw):
    """The polls of one meeting: ``(at, people)`` in order, with pauses short and long."""
    now, found = 0, []
    for pause in draw(st.lists(st.integers(1, 400), max_size=15)):
        now += pause
        found.append((now, tuple(draw(people))))
    return found


def as_sightings(polled):
    return [Sighting(at(when), at(when), who) for when, who in polled]


def compressed(polled):
    """As they are stored: a poll that saw the same as the one before, and soon enough, prolongs it."""
    found = []
    for when, who in polled:
        if found and found[-1].people == who and at(when) - found[-1].last_at <= TOLERANCE:
            found[-1] = Sighting(found[-1].first_at, at(when), who)
        else:
            found.append(Sighting(at(when), at(when), who))
    return found


def stays_of(sightings):
    return fold([Run(START, tuple(sightings))], TOLERANCE)


def spans(stays, key):
    return [Span(stay.first_seen, stay.last_seen) for stay in stays if stay.key == key]


@settings(settings.get_profile("fold"))
@given(polls(), st.randoms(use_true_random=False))
def test_the_order_in_which_polls_and_people_are_told_does_not_matter(polled, random):
    shuffled = [(when, tuple(random.sample(who, len(who)))) for when, who in polled]
    random.shuffle(shuffled)
    assert stays_of(as_sightings(shuffled)) == stays_of(as_sightings(polled))


@settings(settings.get_profile("fold"))
@given(polls())
def test_a_poll_told_twice_changes_nothing(polled):
    assert stays_of(as_sightings(polled + polled)) == stays_of(as_sightings(polled))


@settings(settings.get_profile("fold"))
@given(polls())
def test_one_long_observation_is_worth_its_polls(polled):
    assert stays_of(compressed(polled)) == stays_of(as_sightings(polled))


@settings(settings.get_profile("fold"))
@given(polls())
def test_the_gaps_of_one_long_observation_are_those_of_its_polls(polled):
    until = at(7000)
    long, short = Run(START, tuple(compressed(polled))), Run(START, tuple(as_sightings(polled)))
    assert gaps([long], TOLERANCE, until) == gaps([short], TOLERANCE, until)


@settings(settings.get_profile("fold"))
@given(polls())
def test_a_stay_begins_and_ends_with_a_sighting_of_that_person(polled):
    sighted = {(at(when), seen.key) for when, who in polled for seen in who}
    for stay in stays_of(as_sightings(polled)):
        assert (stay.first_seen, stay.key) in sighted
        assert (stay.last_seen, stay.key) in sighted


@settings(settings.get_profile("fold"))
@given(polls())
def test_everybody_sighted_has_a_stay_that_covers_the_sighting(polled):
    stays = stays_of(as_sightings(polled))
    for when, who in polled:
        for seen in who:
            assert any(span.start <= at(when) <= span.end for span in spans(stays, seen.key))


@settings(settings.get_profile("fold"))
@given(polls())
def test_no_stay_covers_a_poll_that_missed_the_person(polled):
    stays = stays_of(as_sightings(polled))
    for when, who in polled:
        for key in set(KEYS) - {seen.key for seen in who}:
            assert not any(span.start <= at(when) <= span.end for span in spans(stays, key))


def cut(polled, place, *, replaced):
    """The same polls as of two rooms, the second of which took the place of the first, or came after it had gone."""
    first, second = as_sightings(polled[:place]), as_sightings(polled[place:])
    opened = second[0].first_at if second else START
    return [Run(START, tuple(first), opened, replaced=replaced), Run(opened, tuple(second))]


@settings(settings.get_profile("fold"))
@given(polls(), st.integers(0, 15))
def test_a_room_that_was_replaced_between_two_polls_changes_nobodys_stay(polled, place):
    assert fold(cut(polled, place, replaced=True), TOLERANCE) == stays_of(as_sightings(polled))


@settings(settings.get_profile("fold"))
@given(polls(), st.integers(0, 15))
def test_a_room_that_came_after_another_had_gone_credits_nobody_more(polled, place):
    parted, whole = fold(cut(polled, place, replaced=False), TOLERANCE), stays_of(as_sightings(polled))
    for key in KEYS:
        assert all(clip(spans(whole, key), each) == clip([each], each) for each in spans(parted, key))


@settings(settings.get_profile("fold"))
@given(polls())
def test_no_second_is_credited_in_a_gap(polled):
    stays, dark = stays_of(as_sightings(polled)), gaps([Run(START, tuple(as_sightings(polled)))], TOLERANCE, at(7000))
    for gap in dark:
        assert clip([Span(stay.first_seen, stay.last_seen) for stay in stays], gap) == []


@settings(settings.get_profile("fold"))
@given(polls())
def test_stays_of_one_person_do_not_overlap(polled):
    stays = stays_of(as_sightings(polled))
    for key in KEYS:
        own = spans(stays, key)
        assert merge(own) == own


@settings(settings.get_profile("fold"))
@given(st.lists(polls(), max_size=3))
def test_present_and_unknown_together_never_exceed_the_window(runs):
    runs = [Run(START, tuple(as_sightings(polled))) for polled in runs]
    stays, dark = fold(runs, TOLERANCE), gaps(runs, TOLERANCE, WINDOW.end)
    for key in KEYS:
        found = mark(spans(stays, key), dark, WINDOW, Rules())
        assert 0 <= found.seconds_present + found.seconds_unknown <= WINDOW.seconds
        assert 0 <= found.percent <= 100
