"""The analytics callback: presence from joins and leaves, and nothing from what cannot be trusted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker import bbb

BASE = "2026-03-02T09:{:02d}:{:02d}.000+00:00"


def at(seconds):
    return BASE.format(*divmod(seconds, 60))


def payload(*attendees, **data):
    data = {"start": at(0), "finish": at(3000), "attendees": list(attendees), **data}
    return {"version": "1.0", "meeting_id": "mtz-1", "internal_meeting_id": "abc-1", "data": data}


def person(joins, leaves, **more):
    known = {"ext_user_id": "u1", "name": "زهرا", "moderator": False, "duration": 1}
    return known | {"joins": [at(s) for s in joins], "leaves": [at(s) for s in leaves]} | more


def raw(**fields):
    return person([], []) | fields


def spans(*attendees, **data):
    found = bbb.parse_analytics(payload(*attendees, **data)).presences
    return [
        (
            each.user_id,
            each.joined_at.minute * 60 + each.joined_at.second,
            each.left_at.minute * 60 + each.left_at.second,
        )
        for each in found
    ]


@pytest.mark.parametrize(
    ("joins", "leaves", "expected"),
    [
        ([10], [100], [(10, 100)]),
        ([10, 200], [100, 300], [(10, 100), (200, 300)]),
        ([10, 50], [100, 300], [(10, 300)]),
        ([10, 50], [100], [(10, 3000)]),
        ([10], [], [(10, 3000)]),
        ([10, 100], [100, 200], [(10, 200)]),
        ([], [100], []),
        ([], [], []),
        ([50], [10], [(50, 3000)]),
    ],
    ids=["once", "twice", "two devices", "a leave lost", "to the end", "at once back", "no join", "nobody", "reversed"],
)
def test_e46_presence_lasts_while_more_joined_than_left(joins, leaves, expected):
    assert spans(person(joins, leaves)) == [("u1", *each) for each in expected]


def test_sessions_of_devices_are_united_not_added():
    first = {"joins": [{"id": "w_1", "timestamp": at(10)}], "lefts": [{"id": "w_1", "timestamp": at(200)}]}
    second = {"joins": [{"timestamp": at(100)}], "lefts": [{"timestamp": at(300)}]}
    for sessions in ([first, second], {"w_1": first, "w_2": second}):
        assert spans(person([0], [5], sessions=sessions)) == [("u1", 10, 300)]


def test_times_are_clipped_to_the_meeting():
    assert spans(person([10], [100]), start=at(50), finish=at(70)) == [("u1", 50, 70)]


def test_offsets_are_understood():
    found = bbb.parse_analytics(payload(raw(joins=["2026-03-02T12:30:10.000+03:30"])))
    assert found.presences[0].joined_at == found.started_at.replace(second=10)


def test_roles_and_missing_ids():
    found = bbb.parse_analytics(payload(person([1], [2], moderator=True, ext_user_id=None, name=None)))
    assert (found.presences[0].role, found.presences[0].user_id, found.presences[0].full_name) == ("MODERATOR", "", "")


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({}, "data is not"),
        ({"data": []}, "data is not"),
        (payload() | {"meeting_id": 7}, "meeting_id is missing"),
        (payload() | {"internal_meeting_id": ""}, "internal_meeting_id is missing"),
        (payload(attendees={}), "data.attendees is not a list"),
        (payload(attendees=[7]), "data.attendees[0] is not an object"),
        (payload(start="yesterday"), "data.start is not a time"),
        (payload(start="2026-03-02T09:00:00"), "data.start is not a time with an offset"),
        (payload(finish="2026-03-02T08:00:00Z"), "before data.start"),
        (payload(start="0001-01-01T00:00:00+05:00"), "of this world"),
        (payload(raw(joins=[5])), "attendees[0].joins is not a time"),
        (payload(raw(joins="now")), "joins is not a list"),
        (payload(person([], [], sessions=7)), "sessions is not a list"),
        (payload(attendees=[person([1], [2])] * 10_001), "at most 10000"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_the_field(spoilt, says):
    with pytest.raises(bbb.Garbled, match="analytics: ") as caught:
        bbb.parse_analytics(spoilt)
    assert says in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from([at(5), at(70)]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "start", "finish", "attendees", "joins", "leaves", "sessions", "lefts", "timestamp"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(["data", "meeting_id", "internal_meeting_id", "version"]), anything), anything)
def test_any_json_is_read_or_refused(outer, data):
    for given_ in (outer, payload(attendees=data), payload(raw(joins=data, sessions=data))):
        try:
            found = bbb.parse_analytics(given_)
        except bbb.Garbled:
            continue
        assert all(found.started_at <= each.joined_at <= each.left_at <= found.finished_at for each in found.presences)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2900), st.integers(1, 99)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(stays, dice):
    joins, leaves = [first for first, _ in stays], [first + length for first, length in stays]
    shuffled = person(dice.sample(joins, len(joins)), dice.sample(leaves, len(leaves)))
    assert spans(shuffled) == spans(person(joins, leaves))
