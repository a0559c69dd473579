"""What the caller says about a file, for all that the file leaves unsaid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

Periods = Mapping[str, tuple[str, str]] | str | Path | None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where the file is silent. `periods` is a bell schedule, `column_map` renames columns."""

    timezone: str
    from_date: date | None = None
    until_date: date | None = None
    column_map: Mapping[str, str] = field(default_factory=dict)
    periods: Periods = None
