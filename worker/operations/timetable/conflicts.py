"""Clashes in the timetable: one teacher, one room or one course twice at the same time. Shown, never mended unasked."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from worker.domain.timetable import known_zone
from worker.operations.timetable import course_keys
from worker.store.tables import Course, Occurrence
from worker.store.upsert import in_batches

Kind = Literal["teacher", "room", "course"]
_BATCH = 5000
#: Of more courses than this all are looked at in one walk.
_FEW = 5000


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


_WANTED = (Course.id, Course.code, Course.timezone, Course.teacher_id, Course.teacher_name, Course.room)
#: Code, zone, and what a course needs: kind, key, name as written.
_Wants = tuple[str, str, tuple[tuple[Kind, str, str], ...]]


class _Held(NamedTuple):
    id: int
    starts_at: datetime
    ends_at: datetime
    code: str
    timezone: str
    wants: tuple[tuple[Kind, str, str], ...]  #: kind, key, name as written


def find(session: Session, since: datetime, until: datetime, among: Collection[int] | None = None) -> list[Clash]:
    """All clashes among what is on between two instants, in order of time. Cancelled sittings clash with nothing.

    ``among`` are the courses whose clashes are wanted, all if None: then only they are read, and those that share a
    teacher or a room with them.
    """
    near = None if among is None or len(among) > _FEW else course_keys.sharing(session, among)
    near = None if near is None or len(near) > _FEW else near
    found = _pairs(_held(session, since, until, near))
    return found if among is None else _of(session, found, among)


def _of(session: Session, found: list[Clash], among: Collection[int]) -> list[Clash]:
    codes = course_keys.codes(session, among)
    return [clash for clash in found if codes & set(clash.courses)]


def _pairs(rows: Iterable[_Held]) -> list[Clash]:
    found: dict[tuple[Kind, str, tuple[str, str]], Clash] = {}
    for kind, key, name, first, second in _overlaps(rows):
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


def _held(session: Session, since: datetime, until: datetime, near: Collection[int] | None) -> Iterable[_Held]:
    columns = (Occurrence.id, Occurrence.starts_at, Occurrence.closes_at, Occurrence.course_id)
    wanted = select(*columns).where(Occurrence.starts_at < until, Occurrence.ends_at > since)
    wanted = wanted.where(Occurrence.cancelled_at.is_(None))
    if near is None:
        return _walk(session, wanted.order_by(Occurrence.starts_at, Occurrence.id), _wants(session, select(*_WANTED)))
    found: list[_Held] = []
    for batch in in_batches(sorted(near), _BATCH // 10):
        wants = _wants(session, select(*_WANTED).where(Course.id.in_(batch)))
        found += _walk(session, wanted.where(Occurrence.course_id.in_(batch)), wants)
    return sorted(found, key=lambda each: (each.starts_at, each.id))


def _walk(session: Session, wanted: Select[*tuple[Any, ...]], wants: Mapping[int, _Wants]) -> Iterator[_Held]:
    for id, start, end, course in session.execute(wanted.execution_options(yield_per=_BATCH)):
        yield _Held(id, start, end, *wants[course])


def _wants(session: Session, wanted: Select[*tuple[Any, ...]]) -> dict[int, _Wants]:
    return {id: (code, zone, _of_course(code, *rest)) for id, code, zone, *rest in session.execute(wanted)}


def _of_course(
    code: str, teacher_id: str | None, teacher_name: str | None, room: str | None
) -> tuple[tuple[Kind, str, str], ...]:
    return ("course", code, code), *course_keys.wanted(teacher_id, teacher_name, room)
