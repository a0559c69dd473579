"""Opening an address that a server named: the host, each redirect and the very address connected to are checked."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from worker.domain import reach
from worker.domain.reach import Forbidden, Reach, Target

_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)


class _Guarded:
    """A connection that resolves the name itself, and connects only to what may be connected to.

    Between a check of the name and its use the answer could change; here the address checked is the address used.
    """

    reach: Reach

    def _new_conn(self) -> socket.socket:
        host, port, timeout = self._dns_host, self.port, self.timeout  # type: ignore[attr-defined]
        own = set(_resolved(self.reach.own.host, self.reach.own.port, quiet=True))
        found = _resolved(host, port)
        allowed = [address for address in found if reach.is_permitted(address, own)]
        if not allowed:
            raise Forbidden("it leads into a private or local net")
        return _connected(allowed, port, timeout)


class _Plain(_Guarded, HTTPConnection):
    def __init__(self, *given: Any, reach: Reach, **named: Any) -> None:
        self.reach = reach
        super().__init__(*given, **named)


class _Secure(_Guarded, HTTPSConnection):
    def __init__(self, *given: Any, reach: Reach, **named: Any) -> None:
        self.reach = reach
        super().__init__(*given, **named)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


def _resolved(host: str, port: int, *, quiet: bool = False) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if quiet:
            return []
        raise OSError("the host name cannot be resolved") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connected(addresses: list[str], port: int, timeout: Any) -> socket.socket:
    last: OSError | None = None
    for address in addresses:
        try:
            made = socket.create_connection((address, port), timeout)
        except OSError as error:
            last = error
        else:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
    raise last or OSError("no address")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is no redirect; its body is still to be read."""

    url: str
    target: Target
    raw: urllib3.BaseHTTPResponse

    @property
    def status(self) -> int:
        return self.raw.status

    def header(self, name: str) -> str:
        """A header's value, "" where it is missing."""
        return str(self.raw.headers.get(name, "")).strip()


@contextmanager
def opened(
    url: str, allowed: Reach, headers: Mapping[str, str], *, connect_timeout: float, read_timeout: float
) -> Iterator[Answer]:
    """The answer at this address, after redirects. Raises Forbidden, or what urllib3 raises."""
    timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
    before: Target | None = None
    for _ in range(_HOPS + 1):
        target = allowed.check(url, after=before)
        with _pool(target, allowed, timeout) as pool:
            raw = pool.urlopen(
                "GET", target.path, headers=dict(headers), redirect=False, retries=False, preload_content=False
            )
            if raw.status not in _REDIRECTS or not raw.headers.get("Location"):
                try:
                    yield Answer(url, target, raw)
                finally:
                    raw.close()
                return
            url, before = urljoin(url, raw.headers["Location"]), target
            raw.close()
    raise Forbidden(f"more than {_HOPS} redirects")


def _pool(target: Target, allowed: Reach, timeout: urllib3.Timeout) -> HTTPConnectionPool:
    named: dict[str, Any] = {"timeout": timeout, "maxsize": 1, "reach": allowed}
    if target.scheme == "http":
        return _PlainPool(target.host, target.port, **named)
    certificates = certifi.where()
    return _SecurePool(target.host, target.port, cert_reqs="CERT_REQUIRED", ca_certs=certificates, **named)
