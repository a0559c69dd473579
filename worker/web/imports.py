"""A timetable from a file: brought, looked at, then confirmed. Until then it lies in the data folder, for an hour."""

import re
import secrets
from datetime import date, datetime
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, UploadFile

from worker.domain import calendars
from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.import_timetable import Changes, import_timetable
from worker.timetables import BadFile, TimetableDraft, read_timetable
from worker.web import page
from worker.web.session import Admin, Form, Now, Surroundings

router = APIRouter()

_HOUR = 3600
_SUFFIXES = frozenset({".csv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".ics", ".fet", ".xml", ".html", ".htm"})
_KEY = re.compile(r"[A-Za-z0-9_-]{16}\.[a-z]{3,4}")


@router.get("/import")
def ask(request: Request, visitor: Admin) -> Response:
    """The form."""
    return page.render(request, "import", changes=None, key=None, file=None, since="", until="")


@router.post("/import")
def preview(request: Request, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """What the file would change. Nothing is changed."""
    given = form.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        raise InputError(page.reader_of(request).say("no_file"))
    path = _keep(context, given, now)
    try:
        changes = _import(context, path, form, now, dry_run=True)
    except BadFile as error:
        path.unlink(missing_ok=True)
        raise InputError(str(error).replace(str(path), given.filename)) from None
    return page.render(
        request,
        "import",
        changes=changes,
        key=path.name,
        file=given.filename,
        since=str(form.get("since", "")),
        until=str(form.get("until", "")),
    )


@router.post("/import/confirm")
def confirm(request: Request, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Do what was shown."""
    key = str(form.get("key", ""))
    path = _folder(context) / key
    if not _KEY.fullmatch(key) or not path.is_file():
        raise Unknown("no such preview")
    with story.acting(visitor.name):
        _import(context, path, form, now, dry_run=False)
    path.unlink(missing_ok=True)
    return page.redirect("/courses", done="imported")


def _import(context: Context, path: Path, form: FormData, now: datetime, *, dry_run: bool) -> Changes:
    return import_timetable(context, _draft(context, path, form), now, dry_run=dry_run)


def _draft(context: Context, path: Path, form: FormData) -> TimetableDraft:
    since, until = _day(form, "since"), _day(form, "until")
    return read_timetable(path, timezone=context.settings.timezone, from_date=since, until_date=until)


def _day(form: FormData, name: str) -> date | None:
    text = str(form.get(name, "")).strip()
    return calendars.parse_date(text) if text else None


def _keep(context: Context, given: UploadFile, now: datetime) -> Path:
    """The file in our folder, under a name of ours: a stranger's name never becomes a path."""
    folder = _folder(context)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        if now.timestamp() - old.stat().st_mtime > _HOUR:
            old.unlink(missing_ok=True)
    suffix = Path(cast(str, given.filename)).suffix.lower()
    path = folder / (secrets.token_urlsafe(12) + (suffix if suffix in _SUFFIXES else ".csv"))
    path.write_bytes(given.file.read())
    return path


def _folder(context: Context) -> Path:
    return context.settings.data_dir / "uploads"
