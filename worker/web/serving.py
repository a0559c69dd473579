"""The page on a socket: in the foreground, or beside worker and beat in one process."""

import ipaddress
import threading
from types import TracebackType
from typing import Self

import uvicorn

from worker import clock as clocks
from worker import logs
from worker.clock import Clock
from worker.errors import SettingsError
from worker.operations.context import Context
from worker.web.app import application

_STOPPING = 10


def _server(context: Context, host: str | None, port: int | None, clock: Clock = clocks.now) -> uvicorn.Server:
    settings = context.settings
    config = uvicorn.Config(
        application(context, clock),
        host=settings.web_host if host is None else host,
        port=settings.web_port if port is None else port,
        # Addresses hold join links, and those are credentials: they are not logged.
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        # Whose word is taken for who asks, and whether over HTTPS: guesses are counted by address, cookies are secure.
        forwarded_allow_ips=_networks(settings.web_proxies),
        lifespan="off",
        # Longer than pages wait between two looks: a connection closed just as one begins would be an error.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_STOPPING,
    )
    return uvicorn.Server(config)


def _networks(given: str) -> list[str]:
    """Addresses and networks. Raises SettingsError; names and ``*`` are none: whoever is believed can be anybody."""
    try:
        return [str(ipaddress.ip_network(each.strip())) for each in given.split(",") if each.strip()]
    except ValueError as error:
        raise SettingsError(
            f"MEETINGZ_WEB_PROXIES: {error}; write addresses or networks, as 127.0.0.1,10.0.0.0/8"
        ) from None


def run(context: Context, host: str | None = None, port: int | None = None) -> None:
    """Serve until somebody interrupts."""
    with Beside(context, host, port) as page:
        page.wait()


class Beside:
    """The page in a thread of its own. Use as a context manager."""

    def __init__(
        self, context: Context, host: str | None = None, port: int | None = None, *, clock: Clock = clocks.now
    ) -> None:
        self._server = _server(context, host, port, clock)
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens; the port is the real one, also where 0 was asked for."""
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def wait(self) -> None:
        """Until it ends by itself, or somebody interrupts."""
        while self._thread.is_alive():
            self._thread.join(timeout=1)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(timeout=0.01)
        if not self._server.started:
            raise OSError(f"cannot listen on {self._server.config.host} port {self._server.config.port}")
        logs.event("web", url=self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=2 * _STOPPING)
