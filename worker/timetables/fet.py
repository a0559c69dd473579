"""Activities of the timetabling program FET: one row a period, the rows of one activity make one sitting."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from worker.domain.calendars import InvalidDate, parse_clock, parse_weekday
from worker.domain.text import match_key
from worker.timetables.cells import LONGEST, Row, rows_under
from worker.timetables.columns import Header
from worker.timetables.csvfile import Line, read_lines
from worker.timetables.defaults import Defaults, Periods
from worker.timetables.slots import weekly_slot
from worker.timetables.values import BadFile, CourseDraft, SlotDraft, TimetableDraft

_NEEDED = ("activityid", "day", "hour", "subject")
_LONGEST_BREAK = timedelta(minutes=30)
Bell = tuple[timedelta, timedelta]


def is_fet(line: Line) -> bool:
    """Whether a header is FET's."""
    return {"activityid", "day", "hour"} <= {match_key(cell) for cell in line.cells}


def read_fet(lines: list[Line], file: str, defaults: Defaults) -> TimetableDraft:
    """One course for each activity; FET's file does not say which activities belong together."""
    header = _header(lines, file)
    rows = list(rows_under(header, lines[1:], file))
    if not rows:
        raise BadFile(file, "holds no activity", "export the timetable from FET once more")
    bells = _bells(rows, defaults.periods)
    activities: dict[str, list[Row]] = {}
    for row in rows:
        activities.setdefault(row.needed("activityid"), []).append(row)
    return TimetableDraft(tuple(_course(code, its, bells, defaults) for code, its in activities.items()))


def _header(lines: list[Line], file: str) -> Header:
    names = tuple(match_key(cell) for cell in lines[0].cells) if lines else ()
    for name in _NEEDED:
        if name not in names:
            remedy = 'export "activities" as CSV from FET, with a header'
            raise BadFile(file, f"column {name} is missing", remedy, row=1, column=name)
    return Header(names, dict(zip(names, lines[0].cells, strict=True)))


def _course(code: str, rows: list[Row], bells: Mapping[str, Bell], defaults: Defaults) -> CourseDraft:
    first = rows[0]
    students, subject = first.text("studentssets"), first.needed("subject")
    return CourseDraft(
        code=f"FET-{code}"[:64],
        title=(f"{subject} · {students}" if students else subject)[:LONGEST],
        timezone=defaults.timezone,
        teacher_name=first.text("teachers") or None,
        room=first.text("room") or None,
        slots=tuple(_slots(rows, bells, defaults)),
        said=frozenset({"title", "timezone", "teacher_name", "room"}),
    )


def _slots(rows: list[Row], bells: Mapping[str, Bell], defaults: Defaults) -> Iterable[SlotDraft]:
    order = {bell: place for place, bell in enumerate(sorted(set(bells.values())))}
    held = sorted({(_weekday(row), bells[_label(row)]): row for row in rows}.items(), key=lambda item: item[0])
    runs: list[tuple[int, Bell, Bell, Row]] = []
    for (day, bell), row in held:
        if runs and runs[-1][0] == day and _follows(runs[-1][2], bell, order):
            runs[-1] = (day, runs[-1][1], bell, runs[-1][3])
        else:
            runs.append((day, bell, bell, row))
    return [weekly_slot(row, [day], first[0], last[1], "all", defaults) for day, first, last, row in runs]


def _follows(before: Bell, bell: Bell, order: Mapping[Bell, int]) -> bool:
    return order[bell] == order[before] + 1 and bell[0] - before[1] <= _LONGEST_BREAK


def _weekday(row: Row) -> int:
    found = parse_weekday(row.needed("day"))
    if found is None:
        raise row.bad("day", f"{row.text('day')!r} is not a day of the week", "write it in English or Persian")
    return found


def _label(row: Row) -> str:
    return match_key(row.needed("hour")).rstrip(".")


def _bells(rows: list[Row], periods: Periods) -> dict[str, Bell]:
    """When each period begins and ends: from the bell schedule, or from labels that are times themselves."""
    if periods is not None:
        known = read_periods(periods)
        for row in rows:
            if _label(row) not in known:
                remedy = f"add it to the bell schedule, which has {', '.join(known)}"
                raise row.bad("hour", f"period {row.text('hour')!r} has no times", remedy)
        return known
    clocks = {_label(row): _clock(row) for row in rows}
    return _between(clocks)


def _clock(row: Row) -> timedelta:
    try:
        return parse_clock(row.needed("hour"))
    except InvalidDate as error:
        remedy = "pass --periods with a CSV file period,start,end that says when each period begins and ends"
        raise row.bad("hour", f"{row.text('hour')!r} is the name of a period, not a time", remedy) from error


def _between(clocks: Mapping[str, timedelta]) -> dict[str, Bell]:
    """A period lasts until the next one begins, but no longer than most do: what is longer holds a break."""
    times = sorted(set(clocks.values()))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    usual = Counter(gaps).most_common(1)[0][0] if gaps else timedelta(hours=1)
    ends = {time: time + min(gap, usual) for time, gap in zip(times, [*gaps, usual], strict=True)}
    return {label: (time, ends[time]) for label, time in clocks.items()}


def read_periods(periods: Mapping[str, tuple[str, str]] | str | Path) -> dict[str, Bell]:
    """A bell schedule: a mapping, or a CSV file `period,start,end`."""
    if isinstance(periods, Mapping):
        return {_key(name): _bell(name, *times) for name, times in periods.items()}
    path = Path(periods)
    found: dict[str, Bell] = {}
    for line in read_lines(path)[1:]:
        if len(line.cells) != 3:
            raise BadFile(path.name, f"has {len(line.cells)} cells", "write period,start,end", row=line.number)
        name, start, end = line.cells
        found[_key(name)] = _bell(name, start, end, path.name, line.number)
    return found


def _key(name: str) -> str:
    return match_key(name).rstrip(".")


def _bell(name: str, start: str, end: str, file: str = "periods", row: int | None = None) -> Bell:
    try:
        bell = parse_clock(start), parse_clock(end)
    except InvalidDate as error:
        raise BadFile(file, str(error), "", row=row) from error
    if bell[0] >= bell[1]:
        raise BadFile(file, f"period {name!r} ends at {end}, before it begins", "exchange the two", row=row)
    return bell
