"""/metrics over HTTP: who may read them, and in which format."""

import asyncio

import httpx
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from worker.web.app import application

TOKEN = "a token of length"


@pytest.fixture
def asked(make_context, clock):
    """The answer to somebody at this address."""

    def _(address="127.0.0.1", token=None, **headers):
        context = make_context(**({"metrics_token": TOKEN} if token else {}))
        here = httpx.ASGITransport(application(context, clock), client=(address, 50000))
        return asyncio.run(_get(here, headers))

    return _


async def _get(transport, headers):
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        return await client.get("/metrics", headers=headers)


def test_a_scrape_is_read_by_the_parser_of_prometheus(site):
    answer = requests.get(f"{site}/metrics", timeout=20)
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert {"meetingz_meetings_open", "meetingz_pulse_age_seconds", "meetingz_alarms_open"} <= names


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_without_a_token_this_machine_may_read(asked, address):
    assert asked(address).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.3", "testclient", "2001:db8::1"])
def test_without_a_token_nobody_else_may(asked, address):
    answer = asked(address)
    assert answer.status_code == 401
    assert "meetingz_" not in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_lets_nobody_in(asked, header):
    assert asked(**{header: "192.0.2.7"}).status_code == 401


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer another", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_with_a_token_nobody_reads_without_it_not_even_here(asked, given):
    assert asked(token=TOKEN, Authorization=given).status_code == 401


def test_with_the_token_anybody_reads_from_anywhere(asked):
    assert asked("192.0.2.7", token=TOKEN, Authorization=f"Bearer {TOKEN}").status_code == 200
