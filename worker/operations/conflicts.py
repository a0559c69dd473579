"""Clashes in the timetable: one teacher, one room or one course twice at the same time. Shown, never mended unasked."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from worker.domain.text import match_key
from worker.domain.timetable import known_zone
from worker.store.tables import Course, Occurrence

Kind = Literal["teacher", "room", "course"]
#: Between several people or rooms in one cell: FET writes `+`, Golestan `،`.
_APART = re.compile(r"\s*[+،;]\s*")
_BATCH = 5000


@dataclass(slots=True)
class Clash:
    """Two courses that want the same at the same time: how often up to the horizon, and the first time."""

    kind: Kind
    name: str  #: of the teacher, the room or the course
    courses: tuple[str, str]
    starts_at: datetime  #: when both are on for the first time, in the zone of the one that starts later
    times: int = 0
    occurrences: list[int] = field(default_factory=list)  #: the first two

    def __str__(self) -> str:
        twice = f"{self.courses[0]} twice" if self.kind == "course" else f"{self.courses[0]} and {self.courses[1]}"
        often = f", {self.times} times" if self.times > 1 else ""
        return f"{self.kind} {self.name!r}: {twice} at {self.starts_at.isoformat()}{often}"


class _Held(NamedTuple):
    id: int
    starts_at: datetime
    ends_at: datetime
    code: str
    timezone: str
    wants: tuple[tuple[Kind, str, str], ...]  #: kind, key, name as written


def find(session: Session, since: datetime, until: datetime) -> list[Clash]:
    """All clashes among what is on between two instants, in order of time. Cancelled sittings clash with nothing."""
    found: dict[tuple[Kind, str, tuple[str, str]], Clash] = {}
    for kind, key, name, first, second in _overlaps(_held(session, since, until)):
        codes = (first.code, second.code) if first.code <= second.code else (second.code, first.code)
        clash = found.get((kind, key, codes))
        if clash is None:
            clash = found[kind, key, codes] = Clash(
                kind, name, codes, second.starts_at.astimezone(known_zone(second.timezone))
            )
            clash.occurrences = [first.id, second.id]
        clash.times += 1
    return list(found.values())


def _overlaps(rows: Iterable[_Held]) -> Iterator[tuple[Kind, str, str, _Held, _Held]]:
    """One pass over sittings in order of their start, remembering of each teacher, room and course who is on."""
    on: dict[tuple[Kind, str], list[_Held]] = {}
    for row in rows:
        for kind, key, name in row.wants:
            others = on.get((kind, key))
            if others is None:
                on[kind, key] = [row]
                continue
            others[:] = [other for other in others if other.ends_at > row.starts_at]
            for other in others:
                if kind == "course" or other.code != row.code:
                    yield kind, key, name, other, row
            others.append(row)


def _held(session: Session, since: datetime, until: datetime) -> Iterator[_Held]:
    courses = _wants(session)
    columns = (Occurrence.id, Occurrence.starts_at, Occurrence.closes_at, Occurrence.course_id)
    wanted = select(*columns).where(Occurrence.starts_at < until, Occurrence.ends_at > since)
    wanted = wanted.where(Occurrence.cancelled_at.is_(None)).order_by(Occurrence.starts_at, Occurrence.id)
    for id, start, end, course in session.execute(wanted.execution_options(yield_per=_BATCH)):
        yield _Held(id, start, end, *courses[course])


def _wants(session: Session) -> dict[int, tuple[str, str, tuple[tuple[Kind, str, str], ...]]]:
    columns = (Course.id, Course.code, Course.timezone, Course.teacher_id, Course.teacher_name, Course.room)
    return {id: (code, zone, _of_course(code, *rest)) for id, code, zone, *rest in session.execute(select(*columns))}


def _of_course(
    code: str, teacher_id: str | None, teacher_name: str | None, room: str | None
) -> tuple[tuple[Kind, str, str], ...]:
    found: list[tuple[Kind, str, str]] = [("course", code, code)]
    if teacher_id:  # a number is one person, and two people may bear one name
        found.append(("teacher", f"#{match_key(teacher_id)}", teacher_name or teacher_id))
    else:
        found += [("teacher", match_key(name), name) for name in _apart(teacher_name)]
    return (*found, *(("room", match_key(name), name) for name in _apart(room)))


def _apart(cell: str | None) -> Sequence[str]:
    return [name for name in _APART.split(cell or "") if match_key(name)]
