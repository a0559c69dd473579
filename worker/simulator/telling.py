"""The end callback: what a server tells unasked when a meeting has ended (protocol section 8)."""

import heapq
import queue
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

from worker.simulator.meeting import Meeting
from worker.simulator.pace import Pace

#: When each try comes, seconds of an unhurried server since the end.
LADDER = (0.0, 30.0, 60.0, 120.0, 300.0)
_PATIENCE = 5.0


def end_callback(meeting: Meeting) -> str | None:
    """The whole address, where create asked for one; recorded or not is said in it."""
    address = meeting.metadata.get("endcallbackurl")
    if not address:
        return None
    said = {"meetingID": meeting.meeting_id, "recordingmarks": str(meeting.recorded > 0).lower()}
    return f"{address}{'&' if '?' in address else '?'}{urlencode(said)}"


class Teller:
    """Calls the addresses that a world leaves in its queue, in a thread of its own, until somebody answers."""

    def __init__(self, callbacks: "queue.SimpleQueue[str]", pace: Pace) -> None:
        self._callbacks, self._pace = callbacks, pace
        self._waiting: list[tuple[float, int, str, float]] = []  # due, tries so far, address, when it ended
        self._stopping = threading.Event()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._thread = threading.Thread(target=self._run, name="simulator-callbacks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Whoever was not told yet will not be; may be called twice."""
        self._stopping.set()
        self._callbacks.put("")
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            due = self._waiting[0][0] if self._waiting else None
            try:
                address = self._callbacks.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
            except queue.Empty:
                self._try(*heapq.heappop(self._waiting)[1:])
                continue
            if address:
                self._try(0, address, time.monotonic())

    def _try(self, tries: int, address: str, since: float) -> None:
        if self._is_heard(address) or tries + 1 == len(LADDER):
            return
        due = since + self._pace.seconds(LADDER[tries + 1])
        heapq.heappush(self._waiting, (due, tries + 1, address, since))

    def _is_heard(self, address: str) -> bool:
        try:
            with self._opener.open(address, timeout=_PATIENCE):
                return True
        except (OSError, ValueError, urllib.error.URLError):
            return False
