"""The network between the program and one server: it carries, is silent, or refuses."""

import asyncio
import contextlib
import threading


class Network:
    """A TCP proxy in a thread of its own. ``port`` is where the program finds the server."""

    def __init__(self, host, port):
        self._there = (host, port)
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._carries = self._do(self._event())
        self._refuses = False
        self._server = self._do(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def _do(self, what):
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _event(self):
        event = asyncio.Event()
        event.set()
        return event

    async def _connected(self, reader, writer):
        if self._refuses:
            writer.transport.abort()
            return
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._there)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, their_writer}
        await asyncio.gather(self._pipe(reader, their_writer), self._pipe(their_reader, writer))
        self._writers -= {writer, their_writer}

    async def _pipe(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._carries.wait()  # what was sent meanwhile arrives late
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()

    async def _set(self, carries, refuses):
        self._refuses = refuses
        (self._carries.set if carries else self._carries.clear)()
        if refuses:
            for writer in self._writers:
                writer.transport.abort()

    def carry(self):
        self._do(self._set(True, False))

    def fall_silent(self):
        """Everything is taken, nothing arrives."""
        self._do(self._set(False, False))

    def refuse(self):
        """Every connection is reset, old and new."""
        self._do(self._set(True, True))

    def close(self):
        self._do(self._set(True, True))
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _shut(self):
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
