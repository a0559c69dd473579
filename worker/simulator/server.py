"""A world behind a real socket: beside a test, or alone in the foreground."""

import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from worker.simulator.app import App
from worker.simulator.telling import Teller
from worker.simulator.world import World

START_WITHIN = 10.0


class Running:
    """A served world; a context manager that stops it."""

    def __init__(self, world: World, host: str, port: int) -> None:
        self.world = world
        self._app = App(world)
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.origin = f"http://{shown}:{self.port}"
        self.base_url = f"{self.origin}/{world.profile.path}/"
        self._server = uvicorn.Server(_config(self._app))
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._teller = Teller(world.callbacks, world.pace)
        self._start()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def _start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + START_WITHIN
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the simulator did not start")
            time.sleep(0.002)

    def stop(self) -> None:
        """Close every connection and end the thread; may be called twice."""
        self._app.control.director.stop()
        self._teller.stop()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def serve(world: World, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serve a world in a thread of its own; port 0 takes a free one."""
    return Running(world, host, port)


def run(world: World, host: str = "127.0.0.1", port: int = 8090) -> None:
    """Serve a world in the foreground until SIGINT or SIGTERM."""
    app = App(world)
    with _listening(host, port) as listener:
        teller = Teller(world.callbacks, world.pace)
        try:
            uvicorn.Server(_config(app)).run(sockets=[listener])
        except KeyboardInterrupt:
            pass  # uvicorn raises it again after an orderly end
        finally:
            app.control.director.stop()
            teller.stop()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=1024)
    # Accepted sockets inherit it. asyncio by itself sets it only where the protocol is given by number,
    # which create_server does not. Without it head and body of each reply lie 40 ms apart.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
