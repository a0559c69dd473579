"""The application: routers hung in, errors turned into pages or JSON."""

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

import worker
from worker import bbb, clock, logs
from worker.clock import Clock
from worker.domain.calendars import InvalidDate
from worker.errors import Conflict, Unknown, WorkerError
from worker.operations.context import Context
from worker.timetables import BadFile
from worker.web import (
    api,
    api_changes,
    callbacks,
    courses,
    health,
    holidays,
    imports,
    join,
    login,
    metrics,
    now,
    page,
    people,
    recordings,
    reports,
    servers,
    sittings,
    timetable,
    users,
)
from worker.web.forms import written
from worker.web.session import Forbidden, NotSignedIn
from worker.web.shared import Shared
from worker.web.shield import Shield

ROOMS = (
    health,
    metrics,
    login,
    now,
    timetable,
    courses,
    holidays,
    imports,
    sittings,
    reports,
    people,
    recordings,
    servers,
    users,
    join,
)


def application(context: Context, clock: Clock = clock.now) -> ASGIApp:
    """What a server serves: the application behind its shield, which dresses every answer, a bug's as well."""
    return Shield(make(context, clock))


def make(context: Context, clock: Clock = clock.now) -> FastAPI:
    """The application on these surroundings."""
    app = FastAPI(title="Meetingz worker", version=worker.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context, app.state.clock = context, clock
    app.state.shared = Shared()
    for room in ROOMS:
        app.include_router(room.router, include_in_schema=False)
    app.include_router(api.router)
    app.include_router(api_changes.router)
    app.include_router(callbacks.router, include_in_schema=False)
    app.mount("/static", _Static(directory=page.STATIC), name="static")
    for error, handler in _HANDLERS.items():
        app.add_exception_handler(error, handler)
    return app


class _Static(StaticFiles):
    """Files whose address changes when they do: kept for ever by whoever asked with the digest."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        lasting = b"v=" in scope.get("query_string", b"")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return answer


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/callbacks/"))


def _unknown_visitor(request: Request, _error: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"detail": "a bearer token is needed"}, 401, {"WWW-Authenticate": "Bearer"})
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return page.redirect("/login", **({"next": wanted} if request.method == "GET" and wanted != "/" else {}))


def _forbidden(request: Request, _error: Exception) -> Response:
    return _trouble(request, 403, "forbidden")


def _trouble(request: Request, status: int, key: str, detail: str | None = None) -> Response:
    if _is_api(request):
        return JSONResponse({"detail": detail or key}, status)
    if key != "not_done" or not detail:
        return page.trouble(request, status, page.reader_of(request).say(key))
    form = getattr(request.state, "form", None)
    return page.trouble(request, status, detail, [] if form is None else written(form))


def _not_found(request: Request, _error: Exception) -> Response:
    return _trouble(request, 404, "not_found", "not found")


def _not_done(request: Request, error: Exception) -> Response:
    """What a person can mend, in one line, without secrets."""
    text = bbb.redact(" ".join(str(error).split()))
    status = 409 if isinstance(error, Conflict) else 502 if isinstance(error, bbb.Error) else 422
    return _trouble(request, status, "not_done", text)


def _not_storable(request: Request, _error: Exception) -> Response:
    """A text that no database takes, such as one with a NUL in it."""
    return _trouble(request, 422, "not_done", "something that was sent cannot be stored; leave control characters out")


def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _trouble(request, 422, "not_done", f"{where}: {first['msg']}")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "not_found", 405: "not_found", 403: "forbidden"}
    answer = _trouble(request, error.status_code, known.get(error.status_code, "not_done"), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _broken(request: Request, error: Exception) -> Response:
    """A bug. Its traceback is in the log; the reader learns only that it happened."""
    # The route, not the address that was asked for: in those of the join page is a ticket.
    route = getattr(request.scope.get("route"), "path", None)
    logs.event("web.broken", level="error", path=route, error=type(error).__name__)
    return _trouble(request, 500, "broken", "something broke; the log of the worker says what")


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    NotSignedIn: _unknown_visitor,
    Forbidden: _forbidden,
    Unknown: _not_found,
    WorkerError: _not_done,
    BadFile: _not_done,
    InvalidDate: _not_done,
    bbb.Error: _not_done,
    DataError: _not_storable,
    RequestValidationError: _bad_request,
    HTTPException: _http,
    Exception: _broken,
}
