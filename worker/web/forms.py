"""What people write into forms: texts, numbers in any digits, files. What is wrong with one is said in one line."""

from starlette.datastructures import FormData, UploadFile

from worker.errors import InputError


def typed(form: FormData, name: str, *, most: int = 500) -> str:
    """A line of text. Raises InputError where it is empty or too long."""
    text = left_open(form, name)
    if not 0 < len(text) <= most:
        raise InputError(f"{name}: write 1 to {most} characters")
    return text


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
