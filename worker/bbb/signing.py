"""Addresses and their checksums: what is hashed is byte for byte what is sent (protocol sections 1 and 2)."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from worker.bbb.errors import UnsafeRequest

Params = Mapping[str, str] | Iterable[tuple[str, str]]

ALGORITHMS: Final = ("sha1", "sha256", "sha384", "sha512")

#: Bytes. nginx and Tomcat refuse request heads above 8 KiB; a Persian letter takes six bytes, an emoji twelve (E9).
MAX_URL: Final = 7500

#: What XML 1.0 cannot carry. A name with one of these breaks the whole list of meetings on older servers (E59).
ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server: where it is and how to sign for it.

    `base_url` is accepted with or without a trailing slash and `api/`, and its path is never replaced (E91):
    `https://host/bigbluebutton/`, `https://api.meetingz.ir/<key>/`. Raises `UnsafeRequest` if it cannot be used.
    """

    base_url: str
    secret: str = field(repr=False)
    checksum: str = "sha1"

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", normal_base(self.base_url))
        object.__setattr__(self, "secret", self.secret.strip())
        if not self.secret:
            raise UnsafeRequest("the shared secret is empty")
        if self.checksum not in ALGORITHMS:
            raise UnsafeRequest(f"checksum must be one of {', '.join(ALGORITHMS)}")

    def url(self, call: str, params: Params = ()) -> str:
        """The signed address of `call`. A credential: never log it. Raises `UnsafeRequest` above `MAX_URL` bytes."""
        if not re.fullmatch("[A-Za-z]+", call):
            raise UnsafeRequest("the name of a call has letters only")
        pairs = _pairs(params)
        query = query_string(pairs)
        signature = checksum(call, query, self.secret, self.checksum)
        url = f"{self.base_url}api/{call}?{query}{'&' if query else ''}checksum={signature}"
        _refuse_too_long(url, pairs)
        return url


def checksum(call: str, query: str, secret: str, algorithm: str = "sha1") -> str:
    """Lower-case hex digest of call name, query string without checksum, and secret, as UTF-8 (E1)."""
    return hashlib.new(algorithm, f"{call}{query}{secret}".encode(), usedforsecurity=False).hexdigest()


def query_string(params: Params) -> str:
    """`params` percent-encoded in the given order, without characters that XML cannot carry (E7, E59)."""
    pairs = _pairs(params)
    if any(name == "checksum" for name, _ in pairs):
        raise UnsafeRequest("checksum is not a parameter to be set")
    return urlencode([(ILLEGAL.sub("", name), ILLEGAL.sub("", value)) for name, value in pairs])


def normal_base(url: str) -> str:
    """`url` with one trailing slash and without `api/` (E91). Raises `UnsafeRequest`; never quotes the address."""
    url = url.strip()
    trouble = _trouble(url)
    if trouble:
        raise UnsafeRequest(f"the base address {trouble}")
    url = url.rstrip("/")
    return url.removesuffix("/api").rstrip("/") + "/"


def _trouble(url: str) -> str:
    """Why `url` cannot be a base address; empty if it can."""
    if not url.isascii() or re.search(r"[\s\x00-\x1f]", url):
        return "has characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must begin with https:// or http:// and a host"
    if "@" in parts.netloc:
        return "must not hold a user name"
    return "must not have a query or fragment" if "?" in url or "#" in url else ""


def _pairs(params: Params) -> list[tuple[str, str]]:
    return list(params.items() if isinstance(params, Mapping) else params)


def _refuse_too_long(url: str, pairs: list[tuple[str, str]]) -> None:
    if len(url) > MAX_URL:
        name, _ = max(pairs, key=lambda pair: len(urlencode([pair])), default=("", ""))
        raise UnsafeRequest(f"the address has {len(url)} bytes, more than {MAX_URL}; longest parameter: {name}")
