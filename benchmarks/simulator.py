"""How many getMeetingInfo answers of 30 attendees one simulated server gives a second, so that it is never the limit.

The server has one processor core to itself, the client another. The client is sockets and nothing else: it sends ready
requests over a few kept connections and counts the bytes that come back.
"""

import os
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.crowded import SECRET, Crowded, crowded
from benchmarks.harness import table
from worker import bbb

_SECONDS = 4.0
_CONNECTIONS = 8
_AT_LEAST = 2000


def rate(server: Crowded) -> float:
    """Answers a second over all connections."""
    url = bbb.Endpoint(server.base_url, SECRET).url("getMeetingInfo", [("meetingID", "m0")])
    where = urlsplit(url)
    request = f"GET {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    counts = [0] * _CONNECTIONS
    until = time.perf_counter() + _SECONDS

    def ask(number: int) -> None:
        with socket.create_connection((where.hostname or "", where.port or 80)) as link:
            while time.perf_counter() < until:
                link.sendall(request)
                _whole_answer(link)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / _SECONDS


def _whole_answer(link: socket.socket) -> None:
    data = link.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    missing = length - len(body)
    while missing > 0:
        missing -= len(link.recv(65536))


def main() -> str:
    """The table."""
    cores = sorted(os.sched_getaffinity(0))
    with crowded(50) as server:
        if len(cores) > 1:
            for thread in Path(f"/proc/{server.process_id}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {cores[0]})
            os.sched_setaffinity(0, {cores[1]})
        found = rate(server)
    rows = [(f"{found:,.0f}", f"{_AT_LEAST:,}", "yes" if found >= _AT_LEAST else "NO")]
    head = "## The simulated server: getMeetingInfo of 30 attendees, answers a second of one process on one core\n\n"
    return head + table(("measured", "at least", "kept"), rows)


if __name__ == "__main__":
    sys.stdout.write(main())
