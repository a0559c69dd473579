"""``meetingz course``: what is taught."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.store.tables import Course, Slot

app = typer.Typer(name="course", help="Courses: list, show, archive.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The course's code.")]


@app.command(name="list")
def list_(as_json: door.Json = False) -> None:
    """Every course."""
    from sqlalchemy import select

    from worker.store.tables import Course

    with door.context().database.read() as session:
        rows = session.scalars(select(Course).order_by(Course.code)).all()
    if as_json:
        door.as_json([_facts(row) for row in rows])
        return
    cells = [(r.code, r.title, r.teacher_name, r.timezone, r.record, "archived" if r.archived_at else "") for r in rows]
    headings = ("code", "title", "teacher", "time zone", "record", "")
    door.table(headings, cells, empty="no course yet: `meetingz timetable import FILE`")


def _facts(row: "Course") -> dict[str, Any]:
    keys = ("code", "title", "teacher_id", "teacher_name", "room", "timezone", "lead_seconds", "grace_seconds")
    rest = ("record", "end_policy", "expected", "options", "archived_at")
    return {key: getattr(row, key) for key in keys + rest}


@app.command()
def show(code: Code, as_json: door.Json = False) -> None:
    """One course with its slots and its next sittings."""
    from sqlalchemy import select

    from worker.operations.timetable import arrange, sittings
    from worker.store.tables import Slot

    with door.context().database.read() as session:
        course = arrange.course(session, code)
        slots = session.scalars(select(Slot).where(Slot.course_id == course.id, Slot.retired_at.is_(None))).all()
        ahead = sittings.find(session, door.now(), course=code, since=door.now())[:10]
    zone = course.timezone
    if as_json:
        starts = [door.iso(each.occurrence.starts_at, zone) for each in ahead]
        door.as_json(_facts(course) | {"slots": [_slot(each) for each in slots], "next": starts})
        return
    door.say(
        f"{course.code}  {course.title}  ({zone}; teacher {course.teacher_name or course.teacher_id or 'not named'})"
    )
    cells = [(s.cron, s.minutes, s.valid_from, s.valid_until, s.every_weeks) for s in slots]
    door.table(("cron", "minutes", "from", "until", "every n weeks"), cells, empty="it has no slots")
    coming = [(each.occurrence.id, door.clock_time(each.occurrence.starts_at, zone), each.state) for each in ahead]
    door.table(("occurrence", "next", "state"), coming, empty="nothing lies ahead")


def _slot(row: "Slot") -> dict[str, Any]:
    dates = {"from": row.valid_from, "until": row.valid_until, "anchor": row.anchor}
    texts = {key: value and value.isoformat() for key, value in dates.items()}
    return {"cron": row.cron, "minutes": row.minutes, "every_weeks": row.every_weeks, **texts}


@app.command()
def archive(code: Code) -> None:
    """Take a course out of the timetable; what was, stays."""
    from worker.operations.timetable import arrange

    arrange.archive(door.context(), code, door.now())
    door.say(f"archived {code}")


@app.command(name="set")
def set_(
    code: Code,
    present: Annotated[float | None, typer.Option("--present-percent", metavar="P", help="Present from here.")] = None,
    partial: Annotated[float | None, typer.Option("--partial-percent", metavar="P", help="Partial from here.")] = None,
    late: Annotated[float | None, typer.Option("--late-seconds", metavar="S", help="Late after so long.")] = None,
    early: Annotated[
        float | None, typer.Option("--left-early-seconds", metavar="S", help="Left early by more.")
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="First back to the settings' thresholds.")] = False,
    server: Annotated[str | None, typer.Option("--server", metavar="NAME", help="Its server, or `any`.")] = None,
    end_policy: Annotated[str | None, typer.Option("--end-policy", metavar="P", help="end, spare or never.")] = None,
) -> None:
    """Thresholds of its own for one course, used at once, for past sittings as well; its server; how it ends."""
    from worker.operations.attendance import thresholds
    from worker.operations.timetable import course_rules

    if server is not None or end_policy is not None:
        course_rules.put(door.context(), code, door.now(), server=server, end_policy=end_policy)
    changes: dict[str, float | None] = dict.fromkeys(thresholds.NAMES) if defaults else {}
    given = zip(thresholds.NAMES, (present, partial, late, early), strict=True)
    changes |= {name: value for name, value in given if value is not None}
    if not changes and server is None and end_policy is None:
        raise typer.BadParameter("give a threshold, --defaults, --server or --end-policy")
    if changes:
        thresholds.put(door.context(), code, changes, door.now())
    door.say(f"changed {code}")
