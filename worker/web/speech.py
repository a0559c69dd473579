"""The words of the pages; each line is a key, English, Persian."""

from pathlib import Path

from worker.exports import Language


def _read(name: str) -> dict[str, dict[Language, str]]:
    text = (Path(__file__).parent / "words" / f"{name}.txt").read_text(encoding="utf-8")
    parted = (line.split(" | ") for line in text.splitlines() if line and not line.startswith("#"))
    return {key: {"en": english, "fa": persian} for key, english, persian in parted}


PHRASES = _read("phrases")
VALUES = _read("values")


def phrase(key: str, language: Language) -> str:
    """A phrase. A key that is not there is a bug."""
    return PHRASES[key][language]


def known(word: str, language: Language) -> str | None:
    """A state, kind of event or role in the reader's language; None where we have no word for it."""
    found = VALUES.get(word)
    return found[language] if found else None
