"""A media server that lies, cuts and sends us elsewhere: raw sockets, so that nothing mends what it does."""

import hashlib
import random
import re
import socket
import socketserver
import struct
import threading
import time

CHUNK = 16 * 1024


def content(name, size, version=1):
    """What a file holds in one of its versions."""
    return hashlib.shake_128(f"{name}/{version}".encode()).digest(size)


class Media:
    """Files by name, each with a list of acts: one is played at each request, and then it behaves."""

    def __init__(self, secure=None):
        self.files = {}
        self.acts = {}
        self.versions = {}
        self.asked = []  # (name, first byte asked for, bytes sent)
        self.pace = 0.0  # seconds between pieces
        self.sent = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    if secure is not None:
                        self.connection = secure.wrap_socket(self.connection, server_side=True)
                    outer._serve(self)
                except OSError:
                    pass  # the client would not speak with us
                finally:
                    self.connection.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def add(self, name, size, acts=()):
        self.files[name], self.acts[name], self.versions[name] = size, list(acts), 1
        return f"{self.url}/files/{name}.mp4"

    def truths(self, name):
        """Every version that there ever was, as digests."""
        versions = range(1, self.versions[name] + 1)
        return {hashlib.sha256(content(name, self.files[name], each)).hexdigest() for each in versions}

    def _serve(self, handler):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = handler.connection.recv(65536)
            if not piece:
                return
            head += piece
        path = head.split(b" ")[1].decode()
        name = path.rpartition("/")[2].removesuffix(".mp4")
        match = re.search(rb"(?i)\r\nrange: bytes=(\d+)-", head)
        unless = re.search(rb"(?i)\r\nif-range: ([^\r]+)", head)
        act = self.acts[name].pop(0) if self.acts.get(name) else Act("honest")
        if act.kind == "change":
            self.versions[name] += 1
        reply = Reply(self, name, int(match[1]) if match else None, unless and unless[1].decode(), act)
        try:
            reply.send(handler.connection)
        except OSError:
            pass  # the client has had enough
        finally:
            self.asked.append((name, reply.first, reply.sent))


class Act:
    """One way to answer; ``at`` is a share of the body."""

    def __init__(self, kind, at=0.5):
        self.kind, self.at = kind, at

    def __repr__(self):
        return f"{self.kind}@{self.at:.3f}"


class Reply:
    def __init__(self, media, name, first, unless, act):
        self.media, self.name, self.act = media, name, act
        self.body = content(name, media.files[name], media.versions[name])
        self.tag = f'"{name}-{media.versions[name]}"'
        lies = act.kind in ("ignores_if_range",)
        ranged = first is not None and (unless in (None, self.tag) or lies) and act.kind != "no_ranges"
        self.first, self.ranged, self.sent = (first or 0) if ranged else 0, ranged, 0

    def send(self, connection):
        kind = self.act.kind
        if kind in REDIRECTS:
            return self._raw(connection, f"HTTP/1.1 302 Found\r\nLocation: {REDIRECTS[kind]}\r\n" + EMPTY)
        if kind == "http_503":
            return self._raw(connection, "HTTP/1.1 503 Busy\r\n" + EMPTY)
        if kind == "page":
            text = "<html><body>Log in</body></html>"
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(text)}\r\n"
            return self._raw(connection, head + "Connection: close\r\n\r\n" + text)
        if kind == "drop":
            return None
        if self.ranged and self.first >= len(self.body):
            return self._raw(connection, f"HTTP/1.1 416 No\r\nContent-Range: bytes */{len(self.body)}\r\n" + EMPTY)
        return self._file(connection, kind)

    def _file(self, connection, kind):
        piece = self.body[self.first :]
        length, shift = len(piece), 7 if kind == "wrong_range" and self.ranged else 0
        head = ["HTTP/1.1 206 Partial Content" if self.ranged else "HTTP/1.1 200 OK", "Content-Type: video/mp4"]
        if kind != "no_etag":
            head.append(f"ETag: {self.tag}")
        if self.ranged:
            end = len(self.body) - 1
            head.append(f"Content-Range: bytes {self.first - shift}-{end}/{len(self.body)}")
        if kind == "longer":
            length += 1000
        if kind == "shorter":
            length = max(1, length - 1000)
        if kind == "gzip_lie":
            head.append("Content-Encoding: gzip")
        if kind in ("endless", "chunked", "chunked_cut"):
            head.append("Transfer-Encoding: chunked")
        elif kind != "no_length":
            head.append(f"Content-Length: {length}")
        self._raw(connection, "\r\n".join([*head, "Connection: close", "", ""]))
        if kind in ("endless", "chunked", "chunked_cut"):
            return self._chunks(connection, piece, kind)
        cut = kind in ("cut", "reset", "no_length")
        self._pieces(connection, piece[: int(len(piece) * self.act.at)] if cut else piece)
        if kind == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        return None

    def _pieces(self, connection, data):
        for start in range(0, len(data), CHUNK):
            connection.sendall(data[start : start + CHUNK])
            self.sent += len(data[start : start + CHUNK])
            self.media.sent += len(data[start : start + CHUNK])
            if self.media.pace:
                time.sleep(self.media.pace)

    def _chunks(self, connection, data, kind):
        if kind == "endless":
            while True:
                connection.sendall(b"4000\r\n" + b"\0" * 0x4000 + b"\r\n")
        data = data[: int(len(data) * self.act.at)] if kind == "chunked_cut" else data
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if kind == "chunked":
            connection.sendall(b"0\r\n\r\n")

    def _raw(self, connection, text):
        connection.sendall(text.encode())


EMPTY = "Content-Length: 0\r\nConnection: close\r\n\r\n"
REDIRECTS = {
    "to_metadata": "http://169.254.169.254/latest/meta-data/",
    "to_file": "file:///etc/passwd",
    "to_other_port": "http://127.0.0.1:6379/",
    "to_itself": "/files/again.mp4",
}
CUTS = ("cut", "cut", "cut", "reset", "drop", "http_503")
LIES = ("longer", "shorter", "change", "wrong_range", "ignores_if_range", "no_ranges", "no_etag", "gzip_lie")
LIES += ("endless", "chunked", "chunked_cut", "no_length", "to_metadata", "to_file", "to_other_port")


def script(seed):
    """What a seeded file's server does: some only cut, some also lie."""
    chance = random.Random(seed)
    kinds = CUTS if chance.random() < 0.4 else CUTS + LIES
    return [Act(chance.choice(kinds), chance.random()) for _ in range(chance.randint(1, 8))]
