"""By what courses are found, in any spelling: their codes, and the teachers and rooms they have in common.

Kept beside the courses and indexed, so that bringing in one course asks about that course, not about the school.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session, aliased

from worker.domain.text import match_key
from worker.store.bulk import insert_many
from worker.store.tables import Course, CourseKey
from worker.store.upsert import in_batches

#: Between several people or rooms in one cell: FET writes `+`, Golestan `،`.
_APART = re.compile(r"\s*[+،;]\s*")
_BATCH = 500


def wanted(
    teacher_id: str | None, teacher_name: str | None, room: str | None
) -> Iterator[tuple[Literal["teacher", "room"], str, str]]:
    """What a course needs for itself while it is on: kind, key, and the name as it was written."""
    if teacher_id:  # a number is one person, and two people may bear one name
        yield "teacher", f"#{match_key(teacher_id)}", teacher_name or teacher_id
    else:
        yield from (("teacher", match_key(name), name) for name in _apart(teacher_name))
    yield from (("room", match_key(name), name) for name in _apart(room))


def _apart(cell: str | None) -> Sequence[str]:
    return [name for name in _APART.split(cell or "") if match_key(name)]


def write(session: Session, courses: Sequence[Course]) -> None:
    """Of courses that are new, or whose teacher or room has changed."""
    for batch in in_batches(courses, _BATCH):
        session.execute(delete(CourseKey).where(CourseKey.course_id.in_([course.id for course in batch])))
        rows = [(kind, key, course.id) for course in batch for kind, key in sorted(set(_keys(course)))]
        insert_many(session, CourseKey, ("kind", "key", "course_id"), rows)


def _keys(course: Course) -> Iterator[tuple[str, str]]:
    yield "code", _cut(match_key(course.code))
    for kind, key, _ in wanted(course.teacher_id, course.teacher_name, course.room):
        yield kind, _cut(key)


def _cut(key: str) -> str:
    return key[: CourseKey.LONGEST]


def alike(session: Session, codes: Iterable[str]) -> dict[int, str]:
    """Number and code of every course whose code is one of these, in whatever spelling."""
    exact = sorted(set(codes))
    meant = {match_key(code) for code in exact}
    named, found = select(Course.id, Course.code), dict[int, str]()
    for batch in in_batches(exact, _BATCH):
        found |= dict(session.execute(named.where(Course.code.in_(batch))).all())
    for batch in in_batches(sorted({_cut(key) for key in meant}), _BATCH):
        near = named.join(CourseKey, CourseKey.course_id == Course.id)
        rows = session.execute(near.where(CourseKey.kind == "code", CourseKey.key.in_(batch)))
        found |= {id: code for id, code in rows if match_key(code) in meant}
    return found


def sharing(session: Session, course_ids: Collection[int]) -> set[int]:
    """These courses, and all that have a teacher or a room with them in common."""
    found = set(course_ids)
    for batch in in_batches(sorted(course_ids), _BATCH):
        found.update(session.scalars(_sharing(batch)))
    return found


def _sharing(course_ids: Sequence[int]) -> Select[int]:
    mine, theirs = aliased(CourseKey), aliased(CourseKey)
    same = (mine.kind == theirs.kind) & (mine.key == theirs.key)
    return select(theirs.course_id).join(mine, same).where(mine.course_id.in_(course_ids), mine.kind != "code")


def codes(session: Session, course_ids: Collection[int]) -> set[str]:
    """The codes of these courses."""
    found: set[str] = set()
    for batch in in_batches(sorted(course_ids), _BATCH):
        found.update(session.scalars(select(Course.code).where(Course.id.in_(batch))))
    return found
