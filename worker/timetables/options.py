"""Parameters of `create` in one cell: `welcome=Hello;maxParticipants=30`, with `\\;` for a semicolon in a value."""

import re
from collections.abc import Mapping

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
#: What the worker says itself at each `create`.
_OURS = {"meetingid": "code", "name": "title", "record": "record", "duration": "minutes", "checksum": "code"}


def parse_options(text: str) -> dict[str, str]:
    """The pairs of a cell. ValueError says `problem; remedy`."""
    found: dict[str, str] = {}
    for pair in re.findall(r"(?:\\.|[^;\\])+", text):
        key, mark, value = (part.strip() for part in pair.partition("="))
        _check_key(pair, key, mark, found)
        found[key] = re.sub(r"\\(.)", r"\1", value)
    return found


def _check_key(pair: str, key: str, mark: str, found: Mapping[str, str]) -> None:
    if not mark or not _KEY.fullmatch(key):
        raise ValueError(f"{pair!r} is not a parameter; write key=value;key=value")
    if key in found:
        raise ValueError(f"{key} is given twice; keep one")
    if key.lower() in _OURS:
        raise ValueError(f"{key} is set by the worker; use the column {_OURS[key.lower()]}")
    if key.lower().startswith("meta_mtz-"):
        raise ValueError(f"{key} is a label of the worker; choose another name")


def write_options(options: Mapping[str, str]) -> str:
    """The cell that `parse_options` reads back."""
    return ";".join(f"{key}=" + re.sub(r"([;\\])", r"\\\1", value) for key, value in options.items())
