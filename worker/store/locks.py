"""How a row is held until the end of a transaction, so that nobody else changes it."""

from typing import Any

#: FOR NO KEY UPDATE: rows that merely refer to it, such as events, are still written meanwhile; with FOR UPDATE their
#: writers would wait, and could hold what we want next. SQLite has one writer, and nothing to hold.
HELD: dict[str, Any] = {"key_share": True}
