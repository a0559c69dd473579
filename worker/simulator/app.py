"""The ASGI application: which door a path leads to."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from worker.simulator.api import answer
from worker.simulator.control import Control
from worker.simulator.joining import open_client
from worker.simulator.media import serve_media
from worker.simulator.spoiling import respond, send_reply
from worker.simulator.wire import Reply, Request, page
from worker.simulator.world import World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class App:
    """One world over HTTP: the API, the media files, the client page and the control calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.control = Control(world)
        self.api_root = f"/{world.profile.path}/api"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        path: str = scope["path"]
        if path == self.api_root or path.startswith(self.api_root + "/"):
            await self._api(scope, body, receive, send)
        elif path.startswith("/recordings/"):
            await self._media(scope, receive, send)
        else:
            await send_reply(send, self._other(scope, path, body), head=scope["method"] == "HEAD")

    async def _api(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > self.world.profile.url_limit:
            await send_reply(send, page(414, "Request-URI Too Large"))
            return
        request = self._request(scope, body)
        struck = self.world.faults.take(request.call, request.params.get("meetingID"))
        if struck:
            await respond(self.world, lambda: answer(self.world, request), struck, receive, send)
        else:
            await send_reply(send, answer(self.world, request))

    async def _media(self, scope: Scope, receive: Receive, send: Send) -> None:
        struck = self.world.faults.take("media", None)
        if struck:
            make = partial(serve_media, self.world, scope["path"], _headers(scope))
            await respond(self.world, make, struck, receive, send)
        else:
            await send_reply(send, self._other(scope, scope["path"], b""), head=scope["method"] == "HEAD")

    def _request(self, scope: Scope, body: bytes) -> Request:
        headers = _headers(scope)
        host, port = scope.get("server") or ("127.0.0.1", 80)
        origin = f"http://{headers.get('host', f'{host}:{port}')}"
        return Request(
            call=unquote(scope["raw_path"].decode("latin-1"))[len(self.api_root) + 1 :],
            raw_query=scope["query_string"].decode("utf-8", "surrogateescape"),
            method=scope["method"],
            body=body,
            content_type=headers.get("content-type", ""),
            accept=headers.get("accept", "*/*"),
            origin=origin,
            base=f"{origin}/{self.world.profile.path}/",
        )

    def _other(self, scope: Scope, path: str, body: bytes) -> Reply:
        if path.startswith("/control/"):
            return self.control.answer(scope["method"], path, body, _headers(scope))
        if path == "/html5client/join":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            return open_client(self.world, query.get("sessionToken", [""])[0])
        if scope["method"] not in ("GET", "HEAD"):
            return page(405, "Method Not Allowed")
        return serve_media(self.world, path, _headers(scope))


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
