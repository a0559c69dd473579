"""Requests, replies, refusals, and XML text."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

XML = "text/xml;charset=utf-8"
HTML = "text/html;charset=utf-8"
JSON = "application/json;charset=utf-8"
FORM = "application/x-www-form-urlencoded"

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


@dataclass(frozen=True)
class Request:
    """One API call as it came over the wire; `raw_query` is untouched."""

    call: str
    raw_query: str = ""
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""
    accept: str = "*/*"
    origin: str = "http://127.0.0.1"
    base: str = "http://127.0.0.1/bigbluebutton/"

    @cached_property
    def body_params(self) -> list[tuple[str, str]]:
        if not self.content_type.startswith(FORM):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """All parameters, decoded, in the order in which they came."""
        return parse_qsl(self.raw_query, keep_blank_values=True, errors="replace") + self.body_params

    @cached_property
    def params(self) -> dict[str, str]:
        """The first value of each parameter."""
        return dict(reversed(self.pairs))

    def text(self, name: str) -> str:
        """A parameter without the spaces around it; empty where it is missing."""
        return self.params.get(name, "").strip()

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def whole(self, name: str) -> int:
        """A whole number; junk is 0, silently."""
        try:
            return int(self.text(name))
        except ValueError:
            return 0


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    body: bytes
    status: int = 200
    content_type: str = XML
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The server understood and says no. `labeled` is false for the shapes that lack a messageKey."""

    def __init__(self, key: str, message: str = "", *, labeled: bool = True, as_xml: bool = False) -> None:
        super().__init__(key)
        self.key = key
        self.message = message or f"The request was refused: {key}."
        self.labeled = labeled
        self.as_xml = as_xml


class Crashed(Exception):
    """The server fell over: an HTML page, not an answer."""


def escape(text: str) -> str:
    return text.translate(_ESCAPES)


def tag(name: str, value: object = "") -> str:
    """An element with text; booleans are written true and false."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    return f"<{name}>{escape(str(value))}</{name}>"


def tags(**values: object) -> str:
    return "".join(tag(name, value) for name, value in values.items())


def success(inner: str = "", key: str | None = None, message: str = "") -> Reply:
    note = "" if key is None else tags(messageKey=key, message=message)
    # Lone surrogates cannot come from a percent-encoded query, yet a crowd's names may hold anything.
    return Reply(f"<response><returncode>SUCCESS</returncode>{inner}{note}</response>".encode("utf-8", "replace"))


def failure(refused: Refused, shape: str = "F1") -> Reply:
    if refused.labeled:
        inner = tags(messageKey=refused.key, message=refused.message)
    elif shape == "F2":
        inner = f"<errors><error key='{escape(refused.key)}' message='{escape(refused.message)}'/></errors>"
    else:
        inner = f"<errors><error>{tags(key=refused.key, message=refused.message)}</error></errors>"
    return Reply(f"<response><returncode>FAILED</returncode>{inner}</response>".encode())


def json_reply(returncode: str, **fields: object) -> Reply:
    answer = {"response": {"returncode": returncode, **fields}}
    return Reply(json.dumps(answer, ensure_ascii=False).encode(), content_type=JSON)


def json_failure(refused: Refused) -> Reply:
    return json_reply("FAILED", messageKey=refused.key, message=refused.message)


def page(status: int, title: str) -> Reply:
    text = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Reply(text.encode(), status, HTML)
