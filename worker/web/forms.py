"""What people write into forms: texts, numbers in any digits, files. What is wrong with one is said in one line."""

from typing import NamedTuple
from urllib.parse import unquote

from starlette.datastructures import FormData, UploadFile

from worker.errors import InputError

#: Never shown again.
_SECRETS = ("secret", "password", "old", "new")
#: What people write themselves, in the order of the forms, and the phrase above it. Anything else a form has is sent
#: along unseen.
_LABELS = {
    "name": "name", "url": "address", "secret": "secret", "checksum": "checksum", "capacity": "capacity_hint",
    "weight": "weight", "role": "role", "teacher_id": "teacher_id", "old": "old_password", "new": "new_password",
    "password": "new_password", "first": "first_day", "until": "last_day", "title": "title", "start": "new_start",
    "minutes": "minutes", "status": "status", "reason": "reason",
}  # fmt: skip


class Field(NamedTuple):
    """A field of a form that was sent: its text, and the phrase above it; ``label`` None: it is not for the eye."""

    name: str
    text: str
    label: str | None
    is_secret: bool


def written(form: FormData) -> list[Field]:
    """What a form had in it, to be mended and sent again; nothing where it had a file, or nothing to write."""
    fields = [
        Field(name, "" if name in _SECRETS else text, _LABELS.get(name), name in _SECRETS)
        for name, text in form.items()
        if isinstance(text, str) and name != "csrf"
    ]
    known = sorted((each for each in fields if each.label), key=lambda each: list(_LABELS).index(each.name))
    has_file = len(fields) + ("csrf" in form) < len(form)
    return [] if has_file or not known else [*known, *(each for each in fields if not each.label)]


def typed(form: FormData, name: str, *, most: int = 500) -> str:
    """A line of text. Raises InputError where it is empty or too long."""
    text = left_open(form, name)
    if not 0 < len(text) <= most:
        raise InputError(f"{name}: write 1 to {most} characters")
    return text


def key(form: FormData, name: str) -> str:
    """What says which row is meant. Pages send it along unseen and percent-encoded: as it is, not as it is shown.

    Raises InputError where there is none.
    """
    given = form.get(name)
    if not isinstance(given, str) or not given:
        raise InputError(f"{name}: this says of whom the form is, and may not be left out")
    return unquote(given)


def left_open(form: FormData, name: str) -> str:
    """A line of text that may be left empty."""
    given = form.get(name)
    return given.strip() if isinstance(given, str) else ""


def secret(form: FormData, name: str) -> str:
    """A password or a secret, as it was written: spaces at its ends may belong to it."""
    given = form.get(name)
    return given if isinstance(given, str) else ""


def whole(form: FormData, name: str) -> int:
    """A whole number. Raises InputError."""
    text = typed(form, name, most=10)
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name}: {text!r} is not a whole number") from None


def decimal(form: FormData, name: str) -> float:
    """A number, with a fraction or without one. Raises InputError."""
    text = typed(form, name, most=20)
    try:
        return float(text.replace("٫", "."))
    except ValueError:
        raise InputError(f"{name}: {text!r} is not a number") from None


def file(form: FormData, name: str) -> tuple[str, UploadFile] | None:
    """A file with its name, as somebody called it; None where none was chosen."""
    given = form.get(name)
    return (given.filename, given) if isinstance(given, UploadFile) and given.filename else None
