"""Reports as files: the same tables as on the command line, in every format."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import BinaryIO, cast
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from worker import exports
from worker.domain import calendars
from worker.errors import InputError
from worker.operations.reports import tables_of_reports
from worker.operations.reports.report import Wanted
from worker.operations.timetable import arrange
from worker.store.tables import Course
from worker.web import page
from worker.web.session import Anyone, Now, Number, Surroundings, Visitor
from worker.web.sittings import one

router = APIRouter()

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IN_MEMORY, _PIECE = 2 * 2**20, 2**16


@router.get("/reports/{name}.{format}")
def download(
    request: Request,
    name: str,
    format: str,
    visitor: Anyone,
    context: Surroundings,
    now: Now,
    course: str = "",
    sitting: Number | None = None,
    user: str = "",
    since: str = "",
    until: str = "",
    by: str = "time",
) -> Response:
    """A file. A teacher asks for one course, or one sitting, of theirs."""
    if format not in exports.FORMATS:
        raise InputError(f"{format!r} is not one of {', '.join(exports.FORMATS)}")
    zone = context.settings.timezone
    with context.database.read() as session:
        code = _allowed(session, visitor, course, sitting, now)
    wanted = Wanted(code, _start(since, zone), _end(until, zone), sitting, user or None)
    language = page.language_of(request)
    with ExitStack() as unsent:
        stream = unsent.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
        tables_of_reports.write(context, name, wanted, format, language, now, cast(BinaryIO, stream), by=by)
        unsent.pop_all()  # from here on it is closed when it has been sent
    stream.seek(0)
    title = "-".join(filter(None, (name, code, str(sitting or ""), user))) + f".{format}"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(title, safe='')}"}
    return StreamingResponse(_pieces(stream), media_type=_TYPES[format], headers=headers)


def _allowed(session: Session, visitor: Visitor, course: str, sitting: int | None, now: datetime) -> str | None:
    """The code of the course that is asked for. Raises Unknown where it, or all courses, are not theirs to see."""
    if sitting is not None:
        found = one(session, visitor, sitting, now).course
        return found.code
    if course:
        found = arrange.course(session, course)
        visitor.must_see(found)
        return found.code
    visitor.must_see(Course(teacher_id=None))
    return None


def _start(text: str, zone: str) -> datetime | None:
    return calendars.day_begins(text, zone) if text else None


def _end(text: str, zone: str) -> datetime | None:
    return calendars.day_ends(text, zone) if text else None


def _pieces(stream: tempfile.SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(_PIECE):
            yield piece
