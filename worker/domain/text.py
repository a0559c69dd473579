"""Text as people type it in Persian, Arabic and Latin letters. What is stored and shown is never rewritten."""

import unicodedata

_DIGITS = {ord(digit): str(value) for digits in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for value, digit in enumerate(digits)}
_LETTERS = {ord("ي"): "ی", ord("ى"): "ی", ord("ك"): "ک"}
_UNSEEN: dict[int, str] = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u0640\ufeff"), ""
)
#: Letter by letter, what ``match_key`` takes another for, or leaves out; spaces among it.
LOOK_ALIKE: dict[int, str] = _DIGITS | _LETTERS | dict.fromkeys((*_UNSEEN, ord(" "), 0xA0), "")


def ascii_digits(text: str) -> str:
    """The same text with Persian and Arabic digits written 0 to 9."""
    return text.translate(_DIGITS)


def match_key(name: str) -> str:
    """What two spellings of one name have in common. For matching only, never to be stored or shown."""
    plain = unicodedata.normalize("NFC", name).translate(_LETTERS).translate(_UNSEEN)
    # Once more at the end: what is left out may have stood between a letter and its accent.
    return unicodedata.normalize("NFC", "".join(ascii_digits(plain).casefold().split()))
