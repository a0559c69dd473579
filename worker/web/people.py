"""People: who is enrolled where, and one learner's term."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from worker import exports
from worker.errors import Unknown
from worker.operations.context import Context
from worker.operations.reports import report
from worker.store.search import holds
from worker.store.tables import Course, Participant
from worker.web import page
from worker.web.session import Anyone, Now, Surroundings, Visitor

router = APIRouter()

Wanted = TypeVar("Wanted", bound=Select[Any, *tuple[Any, ...]])
_PAGE = 200
#: Classes of one term, at most: what one page can show.
_TERM = 1000


@router.get("/people")
def listing(request: Request, visitor: Anyone, context: Surroundings, search: str = "", skip: int = 0) -> Response:
    """Everybody who is enrolled, with how many courses."""
    columns = (Participant.user_id, func.min(Participant.full_name), func.count())
    wanted = _theirs(select(*columns).join(Course, Participant.course_id == Course.id), visitor)
    if search:
        by = (Participant.full_name, Participant.user_id)
        wanted = wanted.where(or_(*(holds(column, search) for column in by)))
    wanted = wanted.group_by(Participant.user_id).order_by(func.min(Participant.full_name), Participant.user_id)
    with context.database.read() as session:
        found = session.execute(wanted.offset(max(0, min(skip, 10**6))).limit(_PAGE + 1)).all()
    more = len(found) > _PAGE
    return page.render(request, "people", found=found[:_PAGE], search=search, skip=skip, size=_PAGE, more=more)


def _theirs(wanted: Wanted, visitor: Visitor) -> Wanted:
    return wanted if visitor.only_teacher is None else wanted.where(Course.teacher_id == visitor.only_teacher)


@dataclass(frozen=True, slots=True)
class Taken:
    """One class of somebody's term."""

    judged: report.Judged
    person: report.Person


@router.get("/people/one")
def one(request: Request, visitor: Anyone, context: Surroundings, now: Now, user: str) -> Response:
    """One learner's term: every class, and how it went."""
    with context.database.read() as session:
        places = _places(session, visitor, user)
    if not places:
        raise Unknown("not found")
    classes = [each for _, course in places for each in _classes(context, course, user, now)]
    classes.sort(key=lambda each: each.judged.occurrence.starts_at, reverse=True)
    return page.render(
        request,
        "person",
        user=user,
        full_name=places[0][0].full_name,
        places=places,
        classes=classes[:_TERM],
        counts=Counter(each.person.status for each in classes),
        formats=exports.offered(),
    )


def _places(session: Session, visitor: Visitor, user: str) -> list[tuple[Participant, Course]]:
    wanted = select(Participant, Course).join(Course, Participant.course_id == Course.id)
    wanted = _theirs(wanted.where(Participant.user_id == user), visitor)
    return [(participant, course) for participant, course in session.execute(wanted.order_by(Course.title))]


def _classes(context: Context, course: Course, user: str, now: datetime) -> list[Taken]:
    wanted = report.Wanted(course.code, user_id=user)
    return [
        Taken(judged, person)
        for judged in report.judge(context, wanted, now)
        for person in judged.people
        if person.user_id == user
    ]
