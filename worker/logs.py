"""Logs: one event a line, with ids; secrets, passwords, checksums and signed URLs are redacted here."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from worker import bbb
from worker.settings import Settings

_log = structlog.get_logger("meetingz")

#: Our own credentials: the ticket in the address of the join page, and the token of a program.
_OURS = re.compile(r"((?:/|%2F)join(?:/|%2F)|\bmtz_)[\w=~.-]+", re.IGNORECASE)


def event(name: str, *, level: str = "info", **facts: object) -> None:
    """Log ``name`` (``poll.closed``, ``provision.opened`` ...) and the ids it concerns; None is left out."""
    getattr(_log, level)(name, **{key: value for key, value in facts.items() if value is not None})


def configure(settings: Settings, level: str | None = None) -> None:
    """Send ours and every library's lines to stderr, in the format and from the level of the settings."""
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if settings.log_format == "json" else _for_people()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redacted,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redacted, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level or settings.log_level, force=True)
    # urllib3 writes whole request lines, and those are signed.
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    # Kombu warns that the in-memory broker has no host.
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)
    for chatty in ("celery.app.trace", "celery.worker.strategy", "celery.beat", "alembic", "kombu"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))


def _for_people() -> Any:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _redacted(_logger: object, _name: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in facts.items():
        facts[key] = _clean(value)
    return facts


def _clean(value: Any) -> Any:
    """Also within lists and mappings; what is neither text nor a number is told as clean text."""
    if isinstance(value, str):
        return _told(value)
    if value is None or isinstance(value, bool | int | float | logging.LogRecord):
        return value
    if isinstance(value, Mapping):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each) for each in value]
    return _told(str(value))


def _told(text: str) -> str:
    return _OURS.sub(r"\1***", bbb.redact(text))
