"""Batches of a report read ahead: the database works on the next while this one is written."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from worker.operations.context import Context

#: What PostgreSQL makes at once: each takes a connection, a processor of its machine, and a batch of memory here.
_AT_ONCE = 2
Batch = TypeVar("Batch")
Read = TypeVar("Read")


def read(context: Context, batches: Iterable[Batch], of: Callable[[Batch], Read]) -> Iterator[Read]:
    """What ``of`` makes of each batch, in their order. On SQLite one after another: it reads in this very process."""
    if context.database.is_sqlite:
        yield from map(of, batches)
        return
    waiting: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, "report") as threads:
        for batch in batches:
            waiting.append(threads.submit(of, batch))
            if len(waiting) == _AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
