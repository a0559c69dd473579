"""Files that are brought: a timetable, looked at, then confirmed, and kept for an hour until then; and rosters."""

import re
import secrets
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from worker.domain import calendars
from worker.errors import InputError, Unknown
from worker.operations import story
from worker.operations.context import Context
from worker.operations.timetable.import_roster import import_roster
from worker.operations.timetable.import_timetable import Changes, import_timetable
from worker.timetables import BadFile, TimetableDraft, read_roster, read_timetable
from worker.web import page
from worker.web.forms import file, left_open
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
    name, path = _brought(request, context, form, now)
    try:
        changes = _import(context, path, form, now, dry_run=True)
    except (BadFile, InputError) as error:
        path.unlink(missing_ok=True)
        raise _named(error, path, name) from None
    return page.render(
        request,
        "import",
        changes=changes,
        key=path.name,
        file=name,
        since=left_open(form, "since"),
        until=left_open(form, "until"),
    )


@router.post("/import/confirm")
def confirm(request: Request, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Do what was shown."""
    key = str(form.get("key", ""))
    path = _folder(context) / key
    if not _KEY.fullmatch(key) or not path.is_file():
        raise Unknown("no such preview")
    try:
        with story.acting(visitor.name):
            _import(context, path, form, now, dry_run=False)
    except (BadFile, InputError) as error:
        raise _named(error, path, left_open(form, "file") or "timetable") from None
    path.unlink(missing_ok=True)
    return page.redirect("/courses", done="imported")


@router.post("/import/roster")
def roster(request: Request, visitor: Admin, form: Form, context: Surroundings, now: Now) -> Response:
    """Rosters become what the file says of their courses, all of it or nothing."""
    name, path = _brought(request, context, form, now)
    try:
        with story.acting(visitor.name):
            import_roster(context, read_roster(path, course=left_open(form, "course") or None), now)
    except (BadFile, InputError) as error:
        raise _named(error, path, name) from None
    finally:
        path.unlink(missing_ok=True)
    return page.redirect("/people", done="roster")


def _named(error: Exception, path: Path, name: str) -> InputError:
    """The error, with the file's own name in place of ours."""
    text = str(error).replace(str(path), name).replace(path.name, name)
    return InputError(text if text.startswith(name) else f"{name}, {text}")


def _import(context: Context, path: Path, form: FormData, now: datetime, *, dry_run: bool) -> Changes:
    return import_timetable(context, _draft(context, path, form), now, dry_run=dry_run)


def _draft(context: Context, path: Path, form: FormData) -> TimetableDraft:
    since, until = _day(form, "since"), _day(form, "until")
    return read_timetable(path, timezone=context.settings.timezone, from_date=since, until_date=until)


def _day(form: FormData, name: str) -> date | None:
    text = left_open(form, name)
    return calendars.parse_date(text) if text else None


def _brought(request: Request, context: Context, form: FormData, now: datetime) -> tuple[str, Path]:
    """The file's name, and where it is kept: a stranger's name never becomes a path."""
    given = file(form, "file")
    if given is None:
        raise InputError(page.reader_of(request).say("no_file"))
    folder = _folder(context)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _tidy(folder, now)
    name, upload = given
    suffix = Path(name).suffix.lower()
    path = folder / (secrets.token_urlsafe(12) + (suffix if suffix in _SUFFIXES else ".csv"))
    path.write_bytes(upload.file.read())
    return name, path


def _tidy(folder: Path, now: datetime) -> None:
    for old in folder.iterdir():
        with suppress(FileNotFoundError):  # somebody else brings a file at this moment, and was faster
            if now.timestamp() - old.stat().st_mtime > _HOUR:
                old.unlink()


def _folder(context: Context) -> Path:
    return context.settings.data_dir / "uploads"
