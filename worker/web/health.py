"""Health for machines: the process answers; the tables are there and the loops run."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError

from worker.errors import DatabaseBehind
from worker.operations.installation import doctor
from worker.store import migrate
from worker.web.session import Now, Surroundings

router = APIRouter()


@router.get("/healthz")
def alive() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"ok": True})


@router.get("/readyz")
def ready(context: Surroundings, now: Now) -> JSONResponse:
    """Whether the database can be used and every loop has run lately. 503 where not; no detail is told to strangers."""
    try:
        migrate.require_current(context.database)
        with context.database.read() as session:
            late = [found.check for found in doctor.pulses(context, session, now) if not found.ok]
    except (DBAPIError, DatabaseBehind):
        return JSONResponse({"ok": False, "database": False}, 503)
    return JSONResponse({"ok": not late, "database": True, "late": late}, 503 if late else 200)
