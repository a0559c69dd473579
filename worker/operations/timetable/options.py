"""What a course's options say of ``create``: texts as they were typed -> typed parameters, checked as they come in."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from worker import bbb
from worker.errors import InputError

#: What options may not set, since the timetable decides it.
_OURS = frozenset({"meetingid", "name", "attendeepw", "moderatorpw", "duration", "record", "checksum"})
_WORDS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}

#: Name on the wire, in lower case -> the field of CreateParams.
_FIELDS: dict[str, Field[Any]] = {
    name.lower(): each for each in fields(bbb.CreateParams) for name in each.metadata.get("wire", ())
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Options, sorted: fields of CreateParams, labels, and what is newer than we are."""

    fields: dict[str, Any]
    meta: dict[str, str]
    extra: dict[str, str]


def check(options: Mapping[str, object], where: str) -> None:
    """Refuse options that a server would refuse, or that would break our own promises.

    Raises InputError, one line that begins with ``where``.
    """
    identity: dict[str, Any] = {"meeting_id": "mtz-check", "name": "check", "attendee_pw": "apw", "moderator_pw": "mpw"}
    try:
        chosen = read(options)
        bbb.CreateParams(**identity, **chosen.fields, meta=chosen.meta, extra=chosen.extra, record=True)
    except (InputError, bbb.UnsafeRequest) as error:
        raise InputError(f"{where}: {error}") from None


def merged(*given: Mapping[str, object]) -> Chosen:
    """All of these; what comes later goes before: the course's before the installation's."""
    found = Chosen({}, {}, {})
    for chosen in map(read, given):
        found.fields.update(chosen.fields)
        found.meta.update(chosen.meta)
        found.extra.update(chosen.extra)
    return found


def read(options: Mapping[str, object]) -> Chosen:
    """Options with their types. Raises InputError for a value that is not of its parameter's type."""
    chosen = Chosen({}, {}, {})
    for key, value in options.items():
        text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        if key.lower() in _OURS:
            raise InputError(f"the option {key!r} is decided by the timetable; leave it out")
        if key.startswith("meta_"):
            chosen.meta[key.removeprefix("meta_")] = text
        elif (field := _FIELDS.get(key.lower())) is not None:
            chosen.fields[field.name] = _typed(key, text.strip(), str(field.type))
        else:
            chosen.extra[key] = text
    return chosen


def _typed(key: str, text: str, kind: str) -> str | int | bool | tuple[str, ...]:
    if kind.startswith("bool"):
        if text.lower() not in _WORDS:
            raise InputError(f"the option {key}={text} is neither true nor false")
        return _WORDS[text.lower()]
    if kind.startswith("int"):
        if not (text.isascii() and text.isdecimal()):
            raise InputError(f"the option {key}={text} is not a whole number")
        return int(text)
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text
