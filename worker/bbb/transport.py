"""HTTP and nothing else: one signed address in, the bytes of one answer out, or an `Error` in our own words (E13, E16).

No retries, no redirects, no cookies, no proxies from the environment: the next tick is the retry.
"""

import logging
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter

from worker.bbb.envelope import refusal_in
from worker.bbb.errors import Error, Garbled, NotFound, Unreachable, UnsafeRequest, Unsupported
from worker.bbb.redact import redact

#: The server chooses its format by `Accept`: asked for JSON it answers with nothing (E10).
HEADERS: Final = {"User-Agent": "meetingz-worker", "Accept": "*/*", "Accept-Encoding": "gzip"}

_CHUNK: Final = 64 * 1024


class _Redacted(logging.Filter):
    """urllib3 logs whole addresses at DEBUG level: passwords and checksums are taken out before a handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_Redacted())


class Transport:
    """One pool of connections, safe to share between threads; not across a fork. Times in seconds, sizes in bytes.

    `total_timeout` is looked at whenever bytes arrive: a server that sends nothing is bounded by `read_timeout`.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        total_timeout: float = 30.0,
        max_reply_bytes: int = 64 * 2**20,
        pool_size: int = 10,
        verify: bool | str = True,
    ) -> None:
        self._timeout = (connect_timeout, read_timeout)
        self._poll_timeout = urllib3.Timeout(connect_timeout, read_timeout)
        self._total = total_timeout
        self._max_bytes = max_reply_bytes
        self._verify = verify
        self._session = _session(pool_size)
        self._pools: dict[str, urllib3.connectionpool.ConnectionPool] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises `Unreachable`, `Garbled`, `UnsafeRequest` or a `Refused`."""
        return self._exchange("GET", url)

    def get_often(self, url: str) -> bytes:
        """`get` for polls: straight to the pool of connections below `requests`, at a third of the cost, else alike."""
        return self._answered(lambda: self._read(url))

    def post(self, url: str, data: bytes, content_type: str) -> bytes:
        """`get`, with a body. All parameters stay in `url`: the only form that every version signs alike."""
        return self._exchange("POST", url, data, content_type)

    def _exchange(self, method: str, url: str, data: bytes | None = None, content_type: str = "") -> bytes:
        return self._answered(lambda: self._send(_prepared(method, url, data, content_type)))

    def _answered(self, send: Callable[[], tuple[int, bytes]]) -> bytes:
        """Errors are raised outside the handler: a `requests` exception carries the signed address, even as context."""
        try:
            status, body = send()
        except Error:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            trouble = _described(error)
        else:
            return _accepted(status, body)
        raise trouble

    def _read(self, url: str) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._total
        scheme, _, rest = url.partition("://")
        host, slash, target = rest.partition("/")
        response = self._pool(f"{scheme}://{host}").urlopen(
            "GET",
            slash + target,
            headers=HEADERS,
            timeout=self._poll_timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=True,
        )
        try:
            body = self._body(response, deadline)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return response.status, body

    def _pool(self, root: str) -> Any:
        """The connections to one server, as `requests` would make and trust them. A racing thread makes one more."""
        pool = self._pools.get(root)
        if pool is None:
            adapter = self._session.get_adapter(root)
            assert isinstance(adapter, HTTPAdapter)
            request = requests.Request("GET", root).prepare()
            pool = self._pools[root] = adapter.get_connection_with_tls_context(request, self._verify, proxies={})
        return pool

    def _send(self, request: requests.PreparedRequest) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._total
        with self._session.send(
            request, stream=True, timeout=self._timeout, allow_redirects=False, verify=self._verify, proxies={}
        ) as response:
            return response.status_code, self._body(response.raw, deadline)

    def _body(self, raw: Any, deadline: float) -> bytes:
        """Decoded bytes as they come, so that neither a slow nor an endless answer can hold a thread."""
        chunks, size = [], 0
        while chunk := raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_bytes:
                raise Garbled(f"an answer of more than {self._max_bytes} bytes")
            if time.monotonic() > deadline:
                raise Unreachable(f"the answer was not complete after {self._total:g} s")
        return b"".join(chunks)


def _session(pool_size: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0))
    return session


def _prepared(method: str, url: str, data: bytes | None, content_type: str) -> requests.PreparedRequest:
    """The address is set last, by hand: `requests` would rewrite some of its bytes after they were hashed (E7)."""
    headers = HEADERS | ({"Content-Type": content_type} if content_type else {})
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_headers(headers)
    request.prepare_cookies({})
    request.prepare_body(data, None)
    request.prepare_hooks({})
    request.url = url
    return request


def _accepted(status: int, body: bytes) -> bytes:
    """`body` of a 200 answer. Anything else is infrastructure: never "gone", whatever it says (protocol section 1)."""
    if status == 200:
        return body
    refused = refusal_in(body)
    if refused and not isinstance(refused, NotFound):
        raise refused
    raise _for_status(status)


def _for_status(status: int) -> Error:
    if 300 <= status < 400:
        return Garbled(f"a redirect (HTTP {status}): the base address may be wrong, or http for https")
    if status in (404, 405, 501):
        return Unsupported(f"http{status}", "the server does not know this call, or the base address is wrong")
    if status in (414, 431):
        return UnsafeRequest(f"the server finds the address too long (HTTP {status})")
    if status >= 500 or status in (408, 425, 429):
        return Unreachable(f"HTTP {status}")
    return Garbled(f"HTTP {status}")


def _described(error: Exception) -> Error:
    """What happened, in our own words: the library's words quote the address."""
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return Unreachable("the certificate was not accepted, or the server does not speak TLS")
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        name = isinstance(error, urllib3.exceptions.NameResolutionError)
        return Unreachable("the host name cannot be resolved" if name else "the connection was refused or broken")
    if isinstance(error, requests.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError):
        return Unreachable("no connection within the time limit")
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return Unreachable("no answer within the time limit")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return Garbled("an answer whose compression is broken")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return UnsafeRequest("the base address cannot be used")
    if "NameResolutionError" in repr(error):
        return Unreachable("the host name cannot be resolved")
    return Unreachable("the connection was refused or broken")
