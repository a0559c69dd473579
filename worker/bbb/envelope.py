"""From bytes to a checked answer: is it one whole `<response>`, and does it say SUCCESS? (protocol section 3)

The six shapes of failure (F1 to F6) become one tree of errors here and nowhere else. The parser is fed bytes, always as
UTF-8 (E11), without entities, network or document types (E15).
"""

import json
import re
import threading
from typing import Any, Final

from lxml import etree

from worker.bbb.errors import Error, Garbled, Refused, refusal
from worker.bbb.signing import ILLEGAL
from worker.bbb.values import word

Element = etree._Element

#: All that may stand before the root. A document type has no place here, so no entity can be declared (E12, E15).
_PROLOGUE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s[^<>]*\?>)?\s*")
_REFERENCE: Final = re.compile(r"&#(?:[xX]([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_local = threading.local()


def answer(body: bytes) -> Element:
    """The root of a SUCCESS answer. Raises `Refused` and below if it says FAILED, `Garbled` if it is none."""
    if body[:64].lstrip().startswith(b"{"):
        json_answer(body)
        raise Garbled("JSON where XML was asked for")
    root = document(body, b"response")
    check(root)
    return root


def document(body: bytes, tag: bytes) -> Element:
    """The root element of a whole document whose root is `tag`; `Garbled` otherwise (E13)."""
    prologue = _PROLOGUE.match(body)
    start = prologue.end() if prologue else 0
    if not body.startswith(b"<" + tag, start):
        raise Garbled(_impression(body))
    root = _parsed(body[start:] if start else body)
    if root.tag != tag.decode():
        raise Garbled("XML, but not of BigBlueButton")
    return root


def check(root: Element) -> None:
    """Raise what the answer refuses, in any of its shapes (F1, F2, F3)."""
    returncode = word(root.findtext("returncode")).upper()
    if returncode == "SUCCESS":
        return
    if returncode not in ("FAILED", "FAILURE", "ERROR"):
        raise Garbled("an answer without SUCCESS or FAILED")
    raise _failure(root)


def message_key(root: Element) -> str:
    """The `messageKey` of an answer, often empty."""
    return word(root.findtext("messageKey"))


def text_map(element: Element | None) -> dict[str, str]:
    """Child elements as name to text; empty for no element (E50). Keys arrive lower-cased (E25)."""
    return {} if element is None else {child.tag: child.text or "" for child in element}


def json_answer(body: bytes) -> dict[str, Any]:
    """The inside of a JSON SUCCESS answer, `{"response": {...}}` (F5). Raises like `answer`."""
    inside = _json_inside(body)
    if inside.get("returncode") == "SUCCESS":
        return inside
    if inside.get("returncode") != "FAILED":
        raise Garbled("an answer without SUCCESS or FAILED")
    raise refusal(str(inside.get("messageKey") or ""), str(inside.get("message") or ""))


def refusal_in(body: bytes) -> Refused | None:
    """The refusal that `body` holds, if it holds one; None for anything else, good answers too."""
    try:
        answer(body)
    except Refused as refused:
        return refused
    except Error:
        return None
    return None


def _failure(root: Element) -> Refused:
    error = root.find("errors/error")
    if error is None:
        return refusal(message_key(root), word(root.findtext("message")))
    key = error.get("key") or word(error.findtext("key"))
    return refusal(key, error.get("message") or word(error.findtext("message")))


def _json_inside(body: bytes) -> dict[str, Any]:
    try:
        inside = json.loads(body)["response"]
    except (ValueError, KeyError, TypeError, RecursionError):
        inside = None
    if not isinstance(inside, dict):
        raise Garbled("JSON, but not of BigBlueButton" if body else _impression(body))
    return inside


def _parsed(body: bytes) -> Element:
    root = _attempt(body)
    if root is None:
        repaired = _repaired(body)
        root = None if repaired == body else _attempt(repaired)
    if root is None:
        raise Garbled(f"XML that is cut off or broken, {len(body)} bytes")
    return root


def _attempt(body: bytes) -> Element | None:
    try:
        return etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parser() -> etree.XMLParser:
    """One parser a thread: sharing one would make threads wait for each other."""
    parser: etree.XMLParser | None = getattr(_local, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )
        _local.parser = parser
    return parser


def _repaired(body: bytes) -> bytes:
    """`body` without characters that XML cannot carry, which older servers let through in names (E59)."""
    text = ILLEGAL.sub("", body.decode("utf-8", "replace"))
    return _REFERENCE.sub(_legal_reference, text).encode()


def _legal_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    return "" if number > 0x10FFFF or ILLEGAL.fullmatch(chr(number)) else found[0]


def _impression(body: bytes) -> str:
    """What came instead of an answer, in words and without quoting it: it may hold anything."""
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "an empty answer"
    if start.startswith((b"<html", b"<!doctype html")):
        return f"a web page instead of an answer, {len(body)} bytes"
    if b"<!doctype" in start:
        return "XML with a document type, which is refused"
    return f"not a BigBlueButton answer, {len(body)} bytes"
