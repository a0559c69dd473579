"""One row of a table, read cell by cell. Every complaint names the file, the row and the column."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from worker.domain.calendars import InvalidDate, parse_date
from worker.domain.text import ascii_digits, match_key
from worker.timetables.columns import Header
from worker.timetables.csvfile import Line
from worker.timetables.values import BadFile

LONGEST = 255
LONGEST_KEY = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_GUARDED = re.compile(r"'+[=+\-@]")
_GUARD = re.compile(r"'*[=+\-@]")


def guard(text: str) -> str:
    """Text that no spreadsheet takes for a formula. `unguard` undoes it."""
    return f"'{text}" if _GUARD.match(text) else text


def unguard(text: str) -> str:
    """Text as it was before `guard`."""
    return text[1:] if _GUARDED.match(text) else text


def spellings(**words: Iterable[str]) -> dict[str, str]:
    """Each way to write a word -> the word."""
    return {match_key(spelling): word for word, more in words.items() for spelling in (word, *more)}


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row under our names of the columns."""

    file: str
    number: int
    cells: Mapping[str, str]
    shown: Mapping[str, str]

    def bad(self, column: str, problem: str, remedy: str) -> BadFile:
        """The complaint about one cell."""
        return BadFile(self.file, problem, remedy, row=self.number, column=self.shown.get(column, column))

    def text(self, column: str, longest: int = LONGEST) -> str:
        """The cell without surrounding space; empty where there is none."""
        return self._checked(column, unguard(self.cells.get(column, "").strip()), longest)

    def lines(self, column: str, longest: int) -> str:
        """The cell with its line breaks read as spaces."""
        return self._checked(column, " ".join(self.cells.get(column, "").split()), longest)

    def _checked(self, column: str, value: str, longest: int) -> str:
        if _CONTROL.search(value):
            raise self.bad(column, f"{value[:40]!r} holds a control character", "type the text again")
        if len(value) > longest:
            raise self.bad(column, f"is {len(value)} characters long", f"write at most {longest}")
        return value

    def needed(self, column: str, longest: int = LONGEST) -> str:
        """The same, and never empty."""
        value = self.text(column, longest)
        if not value:
            raise self.bad(column, "is empty", "fill it in")
        return value

    def number_in(self, column: str, low: float, high: float) -> float | None:
        """A number, in any digits; None where the cell is empty."""
        value = self.text(column)
        if not value:
            return None
        plain = ascii_digits(value).replace("٫", ".")
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", plain, re.ASCII):
            raise self.bad(column, f"{value!r} is not a number", f"write a number from {low:g} to {high:g}")
        if not low <= float(plain) <= high:
            raise self.bad(column, f"{value} is out of range", f"write a number from {low:g} to {high:g}")
        return float(plain)

    def whole_in(self, column: str, low: int, high: int) -> int | None:
        """A whole number."""
        value = self.number_in(column, low, high)
        if value is not None and value != int(value):
            raise self.bad(column, f"{value:g} is not a whole number", f"write one from {low} to {high}")
        return None if value is None else int(value)

    def day(self, column: str) -> date | None:
        """A date, Gregorian or Jalali."""
        value = self.text(column)
        try:
            return parse_date(value) if value else None
        except InvalidDate as error:
            problem, _, remedy = str(error).partition("; ")
            raise self.bad(column, problem, remedy) from error

    def choice(self, column: str, words: Mapping[str, str], default: str) -> str:
        """One of a few words, in any of their `spellings`."""
        value = self.text(column)
        if not value:
            return default
        found = words.get(match_key(value))
        if found is None:
            raise self.bad(column, f"{value!r} is not known", f"write {', '.join(dict.fromkeys(words.values()))}")
        return found


def rows_under(header: Header, lines: Iterable[Line], file: str) -> Iterator[Row]:
    """The rows below the header; a row of another width is an error."""
    width = len(header.names)
    for line in lines:
        cells = list(line.cells)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            remedy = "look for a missing or unquoted comma"
            raise BadFile(file, f"has {len(cells)} cells where the header has {width}", remedy, row=line.number)
        yield Row(file, line.number, dict(zip(header.names, cells, strict=True)), header.shown)
