"""Around every request: headers that browsers obey, a limit to its size, and no form from a stranger's page."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The largest body, bytes: a timetable of a large university is far below it.
LARGEST = 12 * 2**20
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: No cookie opens these: they carry their own proof, so that no stranger's page can borrow ours.
_OWN_PROOF = ("/api/", "/callbacks/")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Shield:
    """Plain ASGI, so that it costs nothing where nothing is wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if refused := _refusal(scope, headers):
            await refused(scope, receive, _dressed(scope, send))
            return
        await self._app(scope, _limited(receive), _dressed(scope, send))


def _refusal(scope: Scope, headers: Headers) -> PlainTextResponse | None:
    if int(headers.get("content-length", "0") or 0) > LARGEST:
        return PlainTextResponse("the file is too large", 413)
    if scope["method"] in _SAFE or scope["path"].startswith(_OWN_PROOF) or _is_from_here(headers):
        return None
    return PlainTextResponse("this form was sent from another site", 403)


def _is_from_here(headers: Headers) -> bool:
    """Browsers say where a form comes from. One that says nothing is refused as well."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    try:
        return urlsplit(headers["origin"]).netloc == headers.get("host")
    except (KeyError, ValueError):
        return False


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST:
            raise HTTPException(413, "the file is too large")
        return message

    return limited


def _dressed(scope: Scope, send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if scope.get("scheme") == "https":
                headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return dressed
