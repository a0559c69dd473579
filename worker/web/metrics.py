"""/metrics for Prometheus: with a bearer token; without one only from this machine, and only where none is set."""

import ipaddress
import secrets

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from worker.operations.context import Context
from worker.operations.installation.metrics import Tables
from worker.web.session import Now, Surroundings

router = APIRouter()

#: Whoever comes through a proxy on this machine is not on this machine.
_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


@router.get("/metrics")
def metrics(request: Request, context: Surroundings, now: Now) -> Response:
    """Every gauge, in the format that the scraper asks for."""
    if not _may_read(request, context):
        return Response("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"}, "text/plain")
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    registry = CollectorRegistry()
    registry.register(Tables(context, now))
    return Response(encode(registry), headers={"Content-Type": kind, "Cache-Control": "no-store"})


def _may_read(request: Request, context: Context) -> bool:
    token = context.settings.metrics_token
    if token is None:
        return _is_from_this_machine(request)
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and secrets.compare_digest(text.strip().encode(), token.get_secret_value().encode())


def _is_from_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
