"""The times in a cell of Golestan: `سه شنبه 11:00-12:00 ف مکان: مواد24`, read whole or not at all.

Days and times may be several, and the word for odd or even weeks may stand before, between or after them. What is left
of a cell once its times are taken out must hold nothing that looks like one: a day lost is a class that nobody opens.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from worker.timetables.slots import Weeks

_AND = r"\s*(?:[،,;/+]|(?<!\w)و(?!\w)|\s)\s*"
_DAY = r"(?<![\w:])(?:(?:(?:یک|دو|سه|چهار|پنج|\d+)[\s\u200c]*)?شنبه|جمعه)"
_WEEKS = r"[(\[]?\s*(?:هفته[\s\u200c]*(?:های|ها|ی)?\s*)?[(\[]?\s*(?<!\w)(?:فرد|زوج|ف|ز)(?!\w)\s*[)\]]?"
_CLOCK = r"\d{1,2}:\d{2}"
_RANGE = rf"(?:ساعت\s*:?\s*)?{_CLOCK}\s*(?:-|تا|–)\s*{_CLOCK}(?:\s*{_WEEKS})?"
_TIME = re.compile(
    rf"(?:(?P<before>{_WEEKS})\s*)?(?P<days>{_DAY}(?:{_AND}{_DAY})*)\s*(?:(?P<between>{_WEEKS})\s*)?"
    rf"(?P<times>{_RANGE}(?:{_AND}{_RANGE})*)"
)
_ONE_DAY, _ONE_TIME = re.compile(_DAY), re.compile(rf"({_CLOCK})\D+?({_CLOCK})((?:\s*{_WEEKS})?)")
_ROOM = re.compile(r"مکان\s*:\s*(?P<room>[^\n]+)")
_LEFT = re.compile(r"شنبه|جمعه|\d:\d\d|(?<!\w)(?:فرد|زوج)(?!\w)")
_LEFT_IN_ROOM = re.compile(r"شنبه|\d:\d\d")
#: A number before a day, with a room before it: `مکان: کلاس 5 شنبه` may be the room 5, or Thursday.
_AFTER_ROOM = re.compile(r"مکان\s*:[^،,;]*$")
_NUMBERED = {"1": "یک", "2": "دو", "3": "سه", "4": "چهار", "5": "پنج"}


class Time(NamedTuple):
    """One class a week, or every second week, as the cell writes it."""

    day: str
    start: str
    end: str
    weeks: Weeks


class Unclear(ValueError):
    """Text that cannot be read in one way only. The message says `problem; remedy`."""


def times_and_rooms(part: str) -> tuple[list[Time], list[str]]:
    """What one lecture or practical says, with Persian letters and Latin digits. Raises Unclear."""
    times = [time for found in _TIME.finditer(part) for time in _times(part, found)]
    left = _TIME.sub("\n", part)
    _check_left(left)
    return times, [" ".join(found["room"].split()).strip(" ،,;") for found in _ROOM.finditer(left)]


def _check_left(left: str) -> None:
    rooms = [found[0] for found in _ROOM.finditer(left)]
    plain = _ROOM.sub("\n", left).split("\n")
    for text in [
        *(each for each in plain if _LEFT.search(each)),
        *(each for each in rooms if _LEFT_IN_ROOM.search(each)),
    ]:
        raise Unclear(f"{text.strip(' ،,;')[:60]!r} holds no day and time; write it as «شنبه 08:00-10:00»")


def _times(part: str, found: re.Match[str]) -> Iterator[Time]:
    days, ranges = _ONE_DAY.findall(found["days"]), _ONE_TIME.findall(found["times"])
    _check(part, found, days, [weeks.strip() for _, _, weeks in ranges])
    shared = (found["before"] or "") + (found["between"] or "")
    for day in days:
        for start, end, own in ranges:
            yield Time(_plain(day), start, end, _weeks(own or shared))


def _check(part: str, found: re.Match[str], days: list[str], own: list[str]) -> None:
    """Refuse what people might read in two ways."""
    what = found[0].strip()[:60]
    if len(days) > 1 and len(own) > 1:
        raise Unclear(f"{what!r} does not say which time is on which day; write each day with its time")
    marks = [mark for mark in (found["before"], found["between"], max(own)) if mark]
    if len(marks) > 1 or (any(own) and not all(own)):
        raise Unclear(f"{what!r} does not say which time is in odd or even weeks; write ف or ز after each time")
    if days[0][0].isdigit() and _AFTER_ROOM.search(part[: found.start("days")]):
        raise Unclear(f"{what!r} may begin with the number of a room; write the day as a word")


def _plain(day: str) -> str:
    """`3 شنبه` as a word; a number that is no day stays, for the reader of days to refuse."""
    number = re.match(r"\d+", day)
    return day if number is None else _NUMBERED.get(number[0], number[0]) + day[number.end() :]


def _weeks(text: str) -> Weeks:
    found = re.search(r"(?<!\w)[فز]", text)
    return "all" if found is None else "odd" if found[0] == "ف" else "even"
