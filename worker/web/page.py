"""Pages: a template, the reader's language, and dates, numbers and states as that reader writes them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from persiantools.digits import en_to_fa

from worker.domain.calendars import weekday_name
from worker.exports import Language, people
from worker.exports.text import harmless
from worker.exports.words import value
from worker.web import session, speech
from worker.web.forms import Field

LANGUAGES: dict[str, Language] = {"en": "en", "fa": "fa"}
LANGUAGE_COOKIE = "language"
STATIC = Path(__file__).parent / "static"


def language_of(request: Request) -> Language:
    """The reader's language: as chosen on this page, or before, or as the settings say."""
    context = session.context_of(request)
    asked = request.query_params.get("lang", "")
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return LANGUAGES.get(asked) or LANGUAGES.get(chosen) or LANGUAGES[context.settings.language]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one reader's language writes things. ``zone`` is where no course gives another."""

    language: Language
    zone: str

    def say(self, key: str, **facts: object) -> str:
        """A phrase; the facts in it come in the reader's digits where they are numbers."""
        shown = {name: self.number(fact) if isinstance(fact, int | float) else fact for name, fact in facts.items()}
        return speech.phrase(key, self.language).format(**shown)

    def value(self, word: str | None) -> str:
        """A state, role or status, with a capital; one without a translation is spelled out."""
        if word is None:
            return ""
        text = speech.known(word, self.language) or value(word, self.language).replace("_", " ")
        return text[:1].upper() + text[1:]

    def number(self, given: float | None) -> str:
        return "–" if given is None else people.number(given, self.language)

    def percent(self, given: float | None) -> str:
        return "–" if given is None else people.percent(given, self.language)

    def span(self, seconds: float | None) -> str:
        """A length of time, as hours, minutes and seconds."""
        return "–" if seconds is None else people.duration(seconds, self.language)

    def day(self, given: date | datetime, zone: str | None = None) -> str:
        """Jalali for Persian readers, ISO 8601 for others."""
        return people.day(self._local(given, zone), self.language)

    def weekday(self, given: date | datetime, zone: str | None = None) -> str:
        return weekday_name(self._local(given, zone), self.language)

    def clock(self, given: datetime | None, zone: str | None = None) -> str:
        """The time of day."""
        if given is None:
            return "–"
        text = f"{self._local(given, zone):%H:%M}"
        return en_to_fa(text) if self.language == "fa" else text

    def moment(self, given: datetime | None, zone: str | None = None) -> str:
        """Weekday, date and time."""
        if given is None:
            return "–"
        return f"{self.weekday(given, zone)} {self.day(given, zone)} {self.clock(given, zone)}"

    def ago(self, span: timedelta) -> str:
        """How long ago, in one unit."""
        seconds = max(0, int(span.total_seconds()))
        for unit, length in (("days_ago", 86400), ("hours_ago", 3600), ("minutes_ago", 60)):
            if seconds >= 2 * length:
                return self.say(unit, count=seconds // length)
        return self.say("seconds_ago", count=seconds)

    def field(self, given: datetime, zone: str) -> str:
        """A date and time to begin with in an input that takes both calendars."""
        local = given.astimezone(ZoneInfo(zone))
        return f"{people.day(local, self.language)} {self.clock(given, zone)}"

    def _local(self, given: date | datetime, zone: str | None) -> Any:
        return given.astimezone(ZoneInfo(zone or self.zone)) if isinstance(given, datetime) else given


def reader_of(request: Request) -> Reader:
    """How the one who asks reads."""
    return Reader(language_of(request), session.context_of(request).settings.timezone)


def render(request: Request, name: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A whole page, or a fragment where the template is one."""
    reader = reader_of(request)
    response = HTMLResponse(fragment(name, reader, request=request, visitor=_visitor(request), **facts), status)
    if (asked := request.query_params.get("lang")) in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, asked or "", max_age=366 * 86400, httponly=True, samesite="lax")
    return response


def trouble(request: Request, status: int, what: str, fields: Sequence[Field] = ()) -> HTMLResponse:
    """What went wrong, in one line, and what was written, to be mended and sent again."""
    return render(request, "trouble", status=status, what=what, fields=fields)


def fragment(name: str, reader: Reader, **facts: Any) -> str:
    """The text of a template."""
    return _environment().get_template(f"{name}.html.jinja").render(r=reader, t=reader.say, **facts)


def _visitor(request: Request) -> session.Visitor | None:
    return getattr(request.state, "visitor", None)


def redirect(path: str, **query: str) -> RedirectResponse:
    """See this page next; ``done`` names the phrase that says what was done."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("worker.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        undefined=StrictUndefined,
        # Names come from strangers: no control character and no override of direction reaches a page.
        finalize=lambda given: harmless(given) if type(given) is str else given,
    )
    made.globals["asset"] = _asset
    made.globals["with_language"] = _with_language
    made.globals["known_phrase"] = speech.PHRASES.__contains__
    return made


@cache
def _asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it for ever."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _with_language(request: Request, language: str) -> str:
    """This very page in another language."""
    kept: Iterable[tuple[str, str]] = request.query_params.multi_items()
    return "?" + urlencode([(key, text) for key, text in kept if key not in ("lang", "done")] + [("lang", language)])
