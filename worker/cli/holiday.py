"""``meetingz holiday``: days without classes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import door

if TYPE_CHECKING:
    from worker.domain.holidays import Holiday as Day
    from worker.operations.timetable.holidays import Entered
    from worker.store.tables import Holiday

app = typer.Typer(name="holiday", help="Days without classes: holidays and breaks of the term.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ID", parser=door.whole, help="The holiday's number.")]


@app.command()
def add(
    day: Annotated[str, typer.Argument(metavar="D", help="The day, or the first: 2026-11-24 or 1405/09/03.")],
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What people are told.")],
    until: Annotated[str | None, typer.Option(metavar="D", help="The last day, included.")] = None,
    as_json: door.Json = False,
) -> None:
    """A holiday, or a break with --until. Classes planned on these days are cancelled, and those planned later."""
    from worker.domain.calendars import parse_date
    from worker.domain.holidays import Holiday as Day
    from worker.operations.timetable import holidays

    entered = Day(parse_date(day), title, until=None if until is None else parse_date(until))
    number, cancelled = holidays.add(door.context(), entered, door.now())
    if as_json:
        door.as_json({"id": number, "cancelled": cancelled})
        return
    door.say(f"added holiday {number}: {title}; {cancelled} occurrences cancelled")


@app.command(name="import")
def import_(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="CSV, XLSX, ODS (date,title,until) or ICS with all-day events."),
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="Public holidays of a country, such as IR.")
    ] = None,
    year: Annotated[str | None, typer.Option(metavar="Y", help="With --country: 1405 or 2026.")] = None,
    as_json: door.Json = False,
) -> None:
    """A list of holidays. Estimated days of a country cancel nothing until `holiday confirm ID`."""
    from worker.operations.timetable import holidays
    from worker.timetables import read_holidays

    if (file is None) == (country is None) or (country is None) != (year is None):
        raise typer.BadParameter("give a FILE, or --country and --year")
    context = door.context()
    if file is not None:
        days, source = read_holidays(file, timezone=context.settings.timezone), file.name
    else:
        assert country is not None
        assert year is not None
        days, source = _public(country, year, context.settings.language), country.upper()
    _show(holidays.bring(context, days, door.now(), source=source), as_json)


def _public(country: str, year: str, language: str) -> tuple["Day", ...]:
    from worker.domain.calendars import parse_year
    from worker.domain.holidays import UnknownCountry, suggested_holidays

    first, last = parse_year(year)
    try:
        days = suggested_holidays(country, {first.year, last.year}, language)
    except UnknownCountry as error:
        raise typer.BadParameter(str(error), param_hint="--country") from error
    return tuple(each for each in days if first <= each.day <= last)


def _show(entered: "Entered", as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        door.as_json(asdict(entered))
        return
    counts = (("new", entered.new), ("changed", entered.changed), ("unchanged", entered.unchanged))
    told = ", ".join(f"{len(ids)} {word}" for word, ids in counts)
    for each in entered.withdrawn:
        door.say(f"withdrawn, its source no longer gives it: {each}")
    for each in entered.kept:
        door.say(f"stays, though this list has another last day: {each}")
    become = f"{entered.cancelled} occurrences cancelled"
    if entered.restored:
        become += f", {entered.restored} take place after all"
    door.say(f"holidays: {told}; {become}. `meetingz holiday list` shows the estimated")


@app.command(name="list")
def list_(as_json: door.Json = False) -> None:
    """All holidays, with what they cancel. An estimated one cancels nothing until it is confirmed."""
    from worker.operations.timetable import holidays

    context = door.context()
    with context.database.read() as session:
        found = holidays.listed(session)
    if as_json:
        door.as_json([_facts(row, count) for row, count in found])
        return
    cells = [_cells(row, count, context.settings.language) for row, count in found]
    headings = ("id", "first day", "last day", "title", "source", "state", "cancels")
    door.table(headings, cells, empty="no holiday yet: `meetingz holiday import --country IR --year 1405`")


def _facts(row: "Holiday", count: int) -> dict[str, Any]:
    days = {"first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat()}
    rest = {"source": row.source, "estimated": row.estimated, "observed": row.observed, "cancels": count}
    return {"id": row.id, **days, "title": row.title, **rest}


def _cells(row: "Holiday", count: int, language: str) -> tuple[object, ...]:
    from worker.domain.calendars import format_date

    state = "observed" if row.observed else "estimated"
    days = (format_date(row.first_day, language), format_date(row.last_day, language))
    return row.id, *days, row.title, row.source, state, count


@app.command()
def remove(number: Id) -> None:
    """Take it back: what it cancelled and still lies ahead takes place after all."""
    from worker.operations.timetable import holidays

    back = holidays.remove(door.context(), number, door.now())
    door.say(f"removed holiday {number}; {back} occurrences take place after all")


@app.command()
def confirm(number: Id) -> None:
    """An estimated day is right: it cancels classes from now on."""
    from worker.operations.timetable import holidays

    cancelled = holidays.confirm(door.context(), number, door.now())
    door.say(f"confirmed holiday {number}; {cancelled} occurrences cancelled")
