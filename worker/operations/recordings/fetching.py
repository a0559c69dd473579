"""Fetching one file: resumed where it was cut, never mixed from two versions, believed only when it is whole.

Resumed is only what the server names by a strong ETag, or by a date that has stood for a minute (RFC 9110, 8.8 and
13.1.5), with ``If-Range``; every part of the answer is checked against the question. No compression is asked for, and
none is taken. Before a file is believed whole, its last byte is asked for once more: a server that told a wrong length
tells another one then. A web page is not a file; the one film or sound that it plays is.
"""

import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import lxml.etree
import lxml.html
import urllib3

from worker.clock import Clock
from worker.domain.reach import Forbidden, Reach
from worker.operations.recordings import safe_http
from worker.operations.recordings.part import NoRoom, Note, Part, is_full
from worker.operations.recordings.safe_http import Answer

_CHUNK = 64 * 1024
#: Free space is looked at again after so many bytes of a file whose length nobody told.
_LOOK = 16 * 2**20
_PAGE = 256 * 1024
_MEDIA = re.compile(r"\.(mp4|m4v|webm|ogg|ogv|mp3|m4a|pdf)(\?|$)", re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_HEADERS = {"User-Agent": "meetingz-worker", "Accept": "*/*", "Accept-Encoding": "identity"}


class Trouble(Exception):
    """It could not be fetched; ``final``: nor will it be."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class NoFile(Exception):
    """What is there is a page for people, not a file."""


class _Changed(Exception):
    """What we have is of another version: begin again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes."""

    connect_timeout: float
    read_timeout: float
    most_bytes: int
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class Job:
    """What to fetch, from where, into what. ``progress`` is told the bytes had and the bytes in all."""

    url: str
    reach: Reach
    part: Part
    limits: Limits
    progress: Callable[[int, int | None], None]


def fetch(job: Job, clock: Clock, until: datetime | None = None) -> Note | None:
    """Fetch until it is whole, or ``until``. Returns its note; None: time is up, go on later.

    Raises Trouble, NoRoom, NoFile, Forbidden. What was fetched stays for the next time.
    """
    try:
        return _fetch(job, clock, until, job.url)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if is_full(error):
            raise NoRoom(_described(error)) from None
        text = str(error) if type(error) is OSError else _described(error)
    raise Trouble(text)


def _described(error: Exception) -> str:
    """Without the library's words, which quote addresses."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer within the time limit"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "the certificate was not accepted"
    return "the connection was refused or broken"


def _fetch(job: Job, clock: Clock, until: datetime | None, url: str, *, again: bool = False) -> Note | None:
    note, had = _had(job)
    source = note.source if note is not None else url
    try:
        if note is not None and had == note.total:
            return _confirmed(job, note)
        with _asked(job, source, note, had) as answer:
            film = _taken(job, answer, source, note, had)
            if film is None:
                grown = _grown(job, answer, clock, until)
        if film is None:
            return grown and _confirmed(job, grown)
    except _Changed as changed:
        job.part.drop()
        if again:
            raise Trouble(str(changed)) from None
        return _fetch(job, clock, until, job.url, again=True)
    if source != job.url:
        raise NoFile("a page within a page")
    return _fetch(job, clock, until, film, again=again)


def _had(job: Job) -> tuple[Note | None, int]:
    """What is there to go on with: of this address, and whole or of a version that can be named."""
    note, had = job.part.note(), job.part.size
    if note is not None and had and note.url == job.url and (note.validator is not None or had == note.total):
        return note, had
    job.part.drop()
    return None, 0


def _asked(job: Job, url: str, note: Note | None, had: int) -> AbstractContextManager[Answer]:
    headers = dict(_HEADERS)
    if note is not None:
        headers["Range"] = f"bytes={had}-"
    if note is not None and note.validator is not None:
        headers["If-Range"] = note.validator
    limits = job.limits
    return safe_http.opened(
        url, job.reach, headers, connect_timeout=limits.connect_timeout, read_timeout=limits.read_timeout
    )


# What the answer says ------------------------------------------------------------------------------------------------


def _taken(job: Job, answer: Answer, source: str, note: Note | None, had: int) -> str | None:
    """Check an answer against its question, and note what it is. Returns the film's address where it is a page."""
    if answer.status == 416 or (answer.status == 206 and not had):
        raise _Changed("the server answers with another part than was asked for")
    if answer.status not in (200, 206):
        if had and source != job.url:
            raise _Changed("the page plays another film now")
        raise Trouble(f"HTTP {answer.status}", final=answer.status in (401, 403))
    if answer.header("Content-Encoding").lower() not in ("", "identity"):
        raise Trouble("the server compresses what it was asked not to")
    kind = answer.header("Content-Type").lower()
    if answer.status == 206:
        _resume(job, answer, note, had)
    elif kind.startswith(("text/html", "application/xhtml")):
        return _film_on(answer)
    else:
        _begin(job, answer, source, kind)
    return None


def _begin(job: Job, answer: Answer, source: str, kind: str) -> None:
    total = _length(answer)
    if total is None and not answer.raw.chunked:
        raise Trouble("the server does not say where the file ends")
    _check_room(job, total or 0, total or 0)
    path = answer.target.path.partition("?")[0][-200:]
    job.part.begin(Note(job.url, source, _validator(answer), total, kind[:100], path))


def _resume(job: Job, answer: Answer, note: Note | None, had: int) -> None:
    match = _RANGE.fullmatch(answer.header("Content-Range"))
    if note is None or match is None:
        raise _Changed("the server does not say which part it sends")
    first, last, total = (int(each) for each in match.groups())
    fits = first == had and last == total - 1 and total == (note.total or total)
    length = _length(answer)
    if not fits or length not in (None, total - had) or _validator(answer) != note.validator:
        raise _Changed("the server answers with another part or version than was asked for")
    _check_room(job, total, total - had)
    if note.total is None:
        job.part.rewrite(replace(note, total=total))


def _length(answer: Answer) -> int | None:
    text = answer.header("Content-Length")
    if answer.raw.chunked or not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise Trouble("the server gives a length that is no number")
    return int(text)


def _validator(answer: Answer) -> str | None:
    """A strong ETag, or a date that has stood for a minute; else this version cannot be told from another."""
    tag = answer.header("ETag")
    if tag.startswith('"') and tag.endswith('"') and len(tag) > 2:
        return tag
    try:
        changed, sent = (parsedate_to_datetime(answer.header(each)) for each in ("Last-Modified", "Date"))
        return answer.header("Last-Modified") if sent - changed >= timedelta(minutes=1) else None
    except (ValueError, TypeError):
        return None


def _check_room(job: Job, total: int, more: int) -> None:
    if total > job.limits.most_bytes:
        raise Trouble(f"{total} bytes are more than download_limit_bytes", final=True)
    job.part.path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(job.part.path.parent).free - more < job.limits.reserve_bytes:
        raise NoRoom("less would be left than download_reserve_bytes")


def _film_on(answer: Answer) -> str:
    """The one film, sound or document that a page plays. Raises NoFile."""
    body = b""
    while len(body) < _PAGE and (piece := answer.raw.read1(_CHUNK)):
        body += piece
    try:
        root = lxml.html.document_fromstring(body) if body.strip() else None
    except (lxml.etree.LxmlError, ValueError):
        root = None
    tags = () if root is None else root.iter("video", "audio", "source")
    found = next((source for tag in tags if _MEDIA.search(source := tag.get("src", ""))), None)
    if found is None:
        raise NoFile("it is played in the browser; keep its link")
    return urljoin(answer.url, found)


# The bytes -----------------------------------------------------------------------------------------------------------


def _grown(job: Job, answer: Answer, clock: Clock, until: datetime | None) -> Note | None:
    """Take bytes until the end, or until time is up."""
    note, size, looked = job.part.note(), job.part.size, job.part.size
    assert note is not None
    with job.part.growing() as growth:
        while piece := answer.raw.read1(_CHUNK, decode_content=False):
            size += len(piece)
            if size > (job.limits.most_bytes if note.total is None else note.total):
                raise _too_much(job, note)
            growth.write(piece)
            job.progress(size, note.total)
            if size - looked >= _LOOK and note.total is None:
                looked = size
                _check_room(job, size, _LOOK)
            # What could not be gone on with is better fetched to its end.
            if until is not None and note.validator and clock() >= until and size != note.total:
                return None
    return _whole(job, note, size)


def _confirmed(job: Job, note: Note) -> Note:
    """Ask for the last byte: it must be ours, and the last of as many. Where ranges are not known, the length tells."""
    assert note.total is not None
    with _asked(job, note.source, note, note.total - 1) as answer:
        _check_end(job, answer, note)
    return note


def _check_end(job: Job, answer: Answer, note: Note) -> None:
    assert note.total is not None
    if answer.status == 200:
        if _length(answer) not in (None, note.total) or _validator(answer) != note.validator:
            raise _Changed("the server told another length or version than before")
        return
    if answer.status != 206:
        raise _Changed("the server does not show the end of the file again")
    match = _RANGE.fullmatch(answer.header("Content-Range"))
    end = tuple(int(each) for each in match.groups()) if match else ()
    if end != (note.total - 1, note.total - 1, note.total) or _validator(answer) != note.validator:
        raise _Changed("the server told another length or version than before")
    if answer.raw.read1(_CHUNK, decode_content=False) != job.part.last_byte():
        raise _Changed("the file ends otherwise than before")


def _too_much(job: Job, note: Note) -> Trouble:
    job.part.drop()
    if note.total is None:
        return Trouble("it does not end within download_limit_bytes", final=True)
    return Trouble("the server sends more than it said")


def _whole(job: Job, note: Note, size: int) -> Note:
    """The end has come. A length that was told must have been reached."""
    if note.total is not None and size != note.total:
        raise Trouble(f"the connection ended after {size} of {note.total} bytes")
    if size == 0:
        job.part.drop()
        raise Trouble("the file is empty")
    whole = replace(note, total=size)
    job.part.rewrite(whole)
    return whole


__all__ = ["Forbidden", "Job", "Limits", "NoFile", "Trouble", "fetch"]
