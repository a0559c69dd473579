"""Text from the wire to plain values. Lenient, for versions and locales differ; never raises (protocol section 3)."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 2**63 - 1
_SEPARATORS: Final = re.compile("[,'’_\\s\u060c\u066c\u00a0\u202f\u200e\u200f\u061c]")
_GROUPED: Final = re.compile(r"-?\d{1,3}(?:\.\d{3})+")


def integer(text: str | None) -> int:
    """A whole number, 0 if there is none: `1202`, `1,202`, `1.202`, `۱٬۲۰۲` (E52). Fractions are cut off.

    Numbers beyond 64 bits and words (`null`, the dates of version 0.7) give 0 as well.
    """
    if not text:
        return 0
    try:
        number = int(text)
    except ValueError:
        number = _grouped(text)
    return number if -_LARGEST <= number <= _LARGEST else 0


def _grouped(text: str) -> int:
    text = _SEPARATORS.sub("", text).replace("\u066b", ".")
    text = text.replace(".", "") if _GROUPED.fullmatch(text) else text.partition(".")[0]
    try:
        return int(text)
    except ValueError:
        return 0


def boolean(text: str | None) -> bool:
    """True for `true` in any case; everything else, and nothing, is false."""
    return text == "true" or (text is not None and text.strip().lower() == "true")


def word(text: str | None) -> str:
    """An identifier or keyword: without the white space of a pretty-printed answer."""
    return text.strip() if text else ""


def instant(value: object) -> datetime | None:
    """A time of `getSessions` as an aware UTC time; None if it cannot be read (protocol section 9).

    `2023-11-14 12:30:05` without a zone is UTC. Seconds or milliseconds since 1970 are read too.
    """
    text = _latin(str(value).strip()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    try:
        if re.fullmatch(r"\d{9,14}", text):
            return _EPOCH + timedelta(milliseconds=int(text) * (1 if len(text) > 11 else 1000))
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _latin(text: str) -> str:
    return "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
