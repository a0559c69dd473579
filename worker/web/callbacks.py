"""What servers tell us unasked. All of it is a hint, to look sooner, but for a server's own report of who was there.

* recording ready   POST, form field ``signed_parameters``: a JWT (HS256) keyed by the server's secret
* meeting ended     GET, unsigned: it makes the next poll come at once, of a meeting that is live; where that finds the
                    room gone, it was ended, and not lost
* analytics         POST, JSON, with a bearer JWT (HS512) keyed by the server's secret; sent once

The key that fits says which server speaks, and it is heard only about its own meetings. What was taken already is known
by its digest, and the same again changes nothing. Whoever is not one of our servers learns nothing, not even by time.
"""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any

import jwt
from fastapi import APIRouter, Body, Form, Header, Query
from fastapi.responses import JSONResponse
from sqlalchemy import select, update

from worker.errors import InputError, Unknown
from worker.operations.attendance import exact
from worker.operations.context import Context
from worker.operations.recordings import harvest
from worker.store.tables import CallbackSeen, Meeting, Server
from worker.store.upsert import insert_new
from worker.web.session import Forbidden, Now, Surroundings

router = APIRouter(prefix="/callbacks")

#: HMAC fills shorter keys up with zeros (RFC 2104, section 2). Doing so beforehand changes no signature; it only keeps
#: the library from complaining about the length of keys that servers have chosen.
_KEY = 64
_LONGEST = 20_000


@router.post("/recording-ready")
def recording_ready(
    context: Surroundings, now: Now, signed_parameters: Annotated[str, Form(max_length=_LONGEST)]
) -> JSONResponse:
    """A format of a recording can be played: the ladder asks at its next tick."""
    server_id, claims = _spoken(context, signed_parameters, "HS256", now)
    record_id = claims.get("record_id")
    if not isinstance(record_id, str) or not _is_theirs(context, server_id, record_id):
        raise Unknown("no such recording")
    if _is_new(context, signed_parameters.encode(), now):
        harvest.poke(context, record_id, now)
    return JSONResponse({"ok": True})


@router.get("/meeting-ended")
def meeting_ended(
    context: Surroundings,
    now: Now,
    meeting_id: Annotated[str, Query(alias="meetingID", max_length=128)],
    server: Annotated[int, Query(ge=1, lt=2**31)],
) -> JSONResponse:
    """A meeting on that server has ended, somebody says: it is polled at the next tick. Always the same answer."""
    live = select(Meeting.id).where(Meeting.external_id == meeting_id, Meeting.server_id == server)
    with context.database.read() as session:
        found = session.scalar(live.where(Meeting.closed_at.is_(None)).limit(1))
    if found is not None:
        with context.database.write() as session:
            told = update(Meeting).where(Meeting.id == found, Meeting.closed_at.is_(None))
            session.execute(told.values(end_told_at=now))
            session.execute(update(Server).where(Server.id == server).values(polled_at=None))
    return JSONResponse({"ok": True})


@router.post("/analytics")
def analytics(
    context: Surroundings,
    now: Now,
    payload: Annotated[dict[str, Any], Body()],
    authorization: Annotated[str, Header(max_length=_LONGEST)] = "",
) -> JSONResponse:
    """Who was in a meeting, as the server itself knows: it takes the place of what polls saw."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer":
        raise Forbidden
    server_id, _ = _spoken(context, token.strip(), "HS512", now)
    internal_id = payload.get("internal_meeting_id")
    if not isinstance(internal_id, str) or not _is_theirs(context, server_id, internal_id):
        raise Unknown("no such meeting")
    digest = json.dumps(payload, sort_keys=True).encode()
    if _was_seen(context, digest):
        return JSONResponse({"ok": True, "outcome": "known"})
    try:
        outcome = exact.accept(context, payload, server_id, now)
    except RecursionError:
        raise InputError("the report is nested too deeply") from None
    _is_new(context, digest, now)
    return JSONResponse({"ok": True, "outcome": outcome})


def _spoken(context: Context, token: str, algorithm: str, now: datetime) -> tuple[int, dict[str, Any]]:
    """The server whose key fits, and what it says. Raises Forbidden: one answer for everything that is not right."""
    with context.database.read() as session:
        known = [(row.id, context.vault.open(row.secret)) for row in session.scalars(select(Server))]
    for server_id, secret in known:
        key = secret.encode().ljust(_KEY, b"\0")
        try:
            # Times are judged by our clock below, not by the library's.
            claims = jwt.decode(token, key, algorithms=[algorithm], options={"verify_exp": False, "verify_iat": False})
        except jwt.InvalidTokenError:
            continue
        expires = claims.get("exp")
        if expires is not None and not (isinstance(expires, int | float) and now.timestamp() < expires):
            raise Forbidden
        return server_id, claims
    raise Forbidden


def _is_theirs(context: Context, server_id: int, some_id: str) -> bool:
    """Whether a run of ours on this server has this internal id, which is the recording's id too."""
    mine = select(Meeting.id).where(Meeting.server_id == server_id, Meeting.internal_id == some_id)
    with context.database.read() as session:
        return session.scalar(mine) is not None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _was_seen(context: Context, content: bytes) -> bool:
    with context.database.read() as session:
        return session.get(CallbackSeen, _digest(content)) is not None


def _is_new(context: Context, content: bytes, now: datetime) -> bool:
    """Remember this message. False where it was remembered already."""
    with context.database.write() as session:
        return bool(insert_new(session, CallbackSeen, [{"digest": _digest(content), "at": now}]))
