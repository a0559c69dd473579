"""Tickets: signed, expiring, good for one person in one sitting; and the server's link they are redeemed for."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.errors import Conflict, InputError, SettingsError
from worker.operations.meetings import joining


@pytest.fixture
def occurrence(add_server, make_course, make_occurrence):
    add_server()
    make_course()
    return make_occurrence()


def a_ticket(stage, occurrence, **changes):
    facts = {"user_id": "u1", "name": "زهرا محمدی", "role": "viewer", "now": stage.clock()}
    return joining.ticket(stage.context, occurrence, **facts | changes)


def test_a_ticket_says_who_may_come_where_and_until_when(stage, occurrence):
    found = joining.redeem(stage.context, a_ticket(stage, occurrence), stage.clock())
    closes_at = stage.occurrence(occurrence).closes_at
    assert found == joining.Ticket(occurrence, "u1", "زهرا محمدی", "viewer", closes_at + timedelta(days=1))


def test_a_ticket_is_safe_in_an_address(stage, occurrence):
    text = a_ticket(stage, occurrence, name="a/b?c=d&e f")
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def test_an_expired_ticket_is_refused(stage, occurrence):
    text = a_ticket(stage, occurrence, lifetime=timedelta(minutes=5))
    joining.redeem(stage.context, text, stage.clock())
    stage.clock.advance(minutes=5)
    with pytest.raises(InputError, match="expired"):
        joining.redeem(stage.context, text, stage.clock())


def test_a_changed_ticket_is_refused(stage, occurrence):
    body, _, signature = a_ticket(stage, occurrence).partition(".")
    facts = json.loads(base64.urlsafe_b64decode(body + "=="))
    raised = base64.urlsafe_b64encode(json.dumps(facts | {"role": "moderator"}).encode()).rstrip(b"=").decode()
    with pytest.raises(InputError, match="not valid"):
        joining.redeem(stage.context, f"{raised}.{signature}", stage.clock())


def test_a_ticket_of_another_installation_is_refused(stage, occurrence, make_context):
    text = a_ticket(stage, occurrence)
    with pytest.raises(InputError, match="not valid"):
        joining.redeem(make_context(secret_key="another key for tests"), text, stage.clock())


@given(text=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_whatever_a_stranger_sends_is_refused_in_words(stage, text):
    with pytest.raises(InputError, match="not valid"):
        joining.redeem(stage.context, text, stage.clock())


def test_a_role_that_is_none_is_refused(stage, occurrence):
    with pytest.raises(InputError, match="moderator, viewer"):
        a_ticket(stage, occurrence, role="admin")


def test_the_link_to_our_page_needs_our_public_address(stage, make_context):
    with pytest.raises(SettingsError, match="MEETINGZ_PUBLIC_URL"):
        joining.ticket_link(stage.context, "t")
    context = make_context(public_url="https://class.example/")
    assert joining.ticket_link(context, "t") == "https://class.example/join/t"


def test_a_ticket_is_redeemed_for_a_link_into_the_room_wherever_it_is_by_then(stage, occurrence):
    found = joining.redeem(stage.context, a_ticket(stage, occurrence), stage.clock())
    who = {"user_id": found.user_id, "name": found.name, "role": found.role}
    with pytest.raises(Conflict, match="not open now"):
        joining.link(stage.context, occurrence, **who, now=stage.clock())
    stage.provision()
    assert "/api/join?" in joining.link(stage.context, occurrence, **who, now=stage.clock())
