"""Faults put into effect: an answer is held back, cut, replaced, or never comes."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from worker.simulator.faults import Fault
from worker.simulator.wire import HTML, Refused, Reply, failure, page
from worker.simulator.world import World

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SLOW_PIECES = 10


async def respond(world: World, make: Callable[[], Reply], struck: list[Fault], receive: Receive, send: Send) -> None:
    """Answer a request that faults have struck; `make` executes it."""
    for fault in struck:
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
    fault = next((fault for fault in struck if fault.kind != "latency"), Fault("latency"))
    reply = make() if fault.executes else Reply(b"")
    if fault.kind == "restart_web":
        world.restart_web()
    if fault.kind in ("drop", "drop_after"):
        await _drop(receive, send)
    elif fault.kind == "cut":
        await _cut(reply, fault, receive, send)
    elif fault.kind == "slow_body":
        await send_slowly(send, reply, fault.seconds)
    else:
        await send_reply(send, spoilt(fault, reply))


def spoilt(fault: Fault, reply: Reply) -> Reply:
    """What the caller gets instead of the answer."""
    match fault.kind:
        case "http_500":
            return page(500, "Internal Server Error")
        case "html_502" | "restart_web":
            return page(502, "Bad Gateway")
        case "html_200":
            return page(200, "Welcome")
        case "empty":
            return replace(reply, body=b"")
        case "truncate":
            return replace(reply, body=_head(reply, fault))
        case "garbage":
            return replace(reply, body=bytes(range(256)))
        case "two_documents":
            return replace(reply, body=reply.body + reply.body)
        case "not_found_blip":
            return failure(Refused("notFound", "There is no such meeting."))
        case "checksum_error":
            return failure(Refused("checksumError", "The checksum is wrong."))
        case "no_charset":
            return replace(reply, content_type=reply.content_type.partition(";")[0])
        case "declared":
            return replace(reply, body=b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + reply.body)
        case "redirect":
            return Reply(b"", 302, HTML, {"Location": "/login"})
        case _:
            return reply


async def send_reply(send: Send, reply: Reply, *, head: bool = False) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": _header_list(reply)})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


async def send_slowly(send: Send, reply: Reply, seconds: float) -> None:
    """The whole body, but in pieces spread over so many seconds."""
    await send({"type": "http.response.start", "status": reply.status, "headers": _header_list(reply)})
    size = max(1, -(-len(reply.body) // SLOW_PIECES))
    for start in range(0, len(reply.body), size):
        await asyncio.sleep(seconds / SLOW_PIECES)
        await send({"type": "http.response.body", "body": reply.body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _head(reply: Reply, fault: Fault) -> bytes:
    return reply.body[: len(reply.body) // 2 if fault.at is None else fault.at]


async def _cut(reply: Reply, fault: Fault, receive: Receive, send: Send) -> None:
    """Promise the whole body, send a part of it, and hang up."""
    await send({"type": "http.response.start", "status": reply.status, "headers": _header_list(reply)})
    await send({"type": "http.response.body", "body": _head(reply, fault), "more_body": True})
    await _drop(receive, send)


async def _drop(receive: Receive, send: Send) -> None:
    """Hang up without a word. uvicorn gives no door for that, so take its transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server's connections cannot be dropped")
    transport.close()  # what was written is still sent
    while (await receive())["type"] != "http.disconnect":
        pass


def _header_list(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body)), **reply.headers}
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
