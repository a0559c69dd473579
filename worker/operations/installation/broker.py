"""broker: does it answer, and how many bells wait in it? Only a look from outside; Celery has its own connection."""

import redis

from worker import bbb
from worker.settings import Settings

#: Celery's own name for the one queue that we use.
_QUEUE = "celery"
_SCHEMES = ("redis://", "rediss://", "unix://", "redis+socket://")
#: A broker that is slower than this is as good as gone, seconds.
_PATIENCE = 3


class Unreachable(Exception):
    """It does not answer; one line, without its password."""


def length(settings: Settings) -> int | None:
    """Bells that wait; None where there is no Redis to ask. Raises Unreachable."""
    url = settings.broker_url.get_secret_value()
    if not url.startswith(_SCHEMES):
        return None
    try:
        # Celery writes a socket's address with a scheme of its own.
        plain = url.replace("redis+socket://", "unix://", 1)
        with redis.Redis.from_url(plain, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE) as client:
            return int(client.llen(_QUEUE))
    except (redis.RedisError, OSError, ValueError) as error:
        raise Unreachable(bbb.redact(" ".join(str(error).split()))[:200] or type(error).__name__) from None


def waiting(settings: Settings) -> int | None:
    """The same, and None where it does not answer."""
    try:
        return length(settings)
    except Unreachable:
        return None
