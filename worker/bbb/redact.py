"""Hide what must not be read: checksums, passwords, tokens, secrets (E16). Used for every text that leaves the program.

A join address is a credential as well: without its password and checksum it opens nothing.
"""

import re
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

#: How such names end. Nothing is matched before the ending, so that the time stays linear in the text.
_NAME = r"(?:checksum|passw(?:or)?d|secret|token|signed_parameters|pw)"
_QUOTED = re.compile(rf"""(?i)({_NAME}["']?\s?[=:]\s?)(["'])(?:\\.|(?!\2).)*(?:\2|$)""", re.DOTALL)
_PLAIN = re.compile(rf"""(?i)({_NAME}["']?(?:=|%3D|:\s?))(?!["'])(?:(?!%26)[^&\s"'<>,;)\]}}])+""")
_ELEMENT = re.compile(rf"(?i)({_NAME}>)[^<\s][^<]*")
_USERINFO = re.compile(r"(://)[^/\s@\"'<>]{1,500}@")


def redact(text: str, *secrets: str) -> str:
    """`text` with credentials replaced by `***`: named ones by their names, and each of `secrets` wherever it stands.

    Names are `checksum`, and any that end in password, secret, token or pw, as in an address (also one nested in
    another), XML, JSON, `name=value` and the user part of a URL. Secrets are found in clear and percent-encoded.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(form, HIDDEN)
    text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
    text = _QUOTED.sub(rf"\1\2{HIDDEN}\2", text)
    text = _PLAIN.sub(rf"\1{HIDDEN}", text)
    return _ELEMENT.sub(rf"\1{HIDDEN}", text)
