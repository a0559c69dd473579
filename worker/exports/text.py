"""Names are written by strangers: make them harmless to look at and harmless to open."""

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Pictures for the ASCII controls (␀, ␉, ␍ ...). What has none becomes U+FFFD: C1 controls, line separators, lone
# surrogates, noncharacters and the two overrides that turn a name around. Embeddings and isolates are dropped: they
# only frame, and a stray closing one would break out of the frame we put around the name.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\N{SYMBOL FOR DELETE}"}
_UNPICTURED = (*range(0x80, 0xA0), 0x2028, 0x2029, 0x202D, 0x202E, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
_FRAMES = (0x202A, 0x202B, 0x202C, *range(0x2066, 0x206A))
_HARMLESS = _PICTURES | dict.fromkeys(_UNPICTURED, REPLACEMENT) | dict.fromkeys(_FRAMES, None)
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
_STRAIGHT_FORMULA_STARTS = frozenset("\t\r\n")
# A spreadsheet that splits at semicolons sees a new cell here.
_SECOND_CELL = re.compile(r"(;)(?=[^\w;]*?[=+\-@\u2212\uff1d\uff0b\uff0d\uff20])")


def harmless(text: str) -> str:
    """The text with control characters as visible symbols and without the power to reorder what stands around it."""
    return text.translate(_HARMLESS) if _HARMFUL.search(text) else text


def whole(text: str) -> str:
    """The text as it is, but for halves of surrogate pairs, which no encoding can carry."""
    return re.sub("[\ud800-\udfff]", REPLACEMENT, text)


def guarded(text: str) -> str:
    """Harmless text that no spreadsheet takes for a formula: an apostrophe in front where it could be one."""
    shown = harmless(text)
    if _starts_formula(text):
        shown = "'" + shown
    return _SECOND_CELL.sub(r"\1'", shown) if ";" in shown else shown


def _starts_formula(text: str) -> bool:
    if not text or text[0].isalnum():
        return False
    if text[0] in _STRAIGHT_FORMULA_STARTS:
        return True
    return unicodedata.normalize("NFKC", _first_ink(text))[:1] in _FORMULA_STARTS


def _first_ink(text: str) -> str:
    """The first character that is neither a space nor invisible."""
    return next((sign for sign in text if unicodedata.category(sign)[0] not in "ZC"), " ")


def clipped(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, as Excel counts; what is missing is said at the end."""
    units = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    if units <= limit:
        return text
    room = limit - len(" … [+999999999]")
    kept = text.encode("utf-16-le")[: room * 2].decode("utf-16-le", errors="ignore")
    return f"{kept} … [+{len(text) - len(kept)}]"
