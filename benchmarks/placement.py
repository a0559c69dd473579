"""A simulated day: classes of unequal size on ten servers of unequal weight, with a crowd of them at eight o'clock.

    python -m benchmarks.placement [--full] [--seed N]      writes docs/placement.md

The day      the real provision, poll, end and watch against ten simulated servers on a clock turned by hand. In the
             morning two servers die, one of them ten minutes before the crowd, and one is drained. Counted: rooms open
             five minutes before their class, rooms open at the start, rooms moved, alarms.
The rules    the same timetable placed by four rules, people coming from five minutes before to ten minutes after the
             start. Counted: people a unit of weight on the fullest server, against the mean.

Without --full a fifth of it. Sizes are drawn, not measured anywhere: what is compared is the rules.
"""

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from urllib.parse import urlsplit

import structlog

from benchmarks.harness import table
from worker import bbb
from worker.domain import lifecycle, placement
from worker.domain.placement import Candidate, Demand
from worker.operations import context
from worker.operations.attendance import poll
from worker.operations.context import Context
from worker.operations.installation import alarms, servers
from worker.operations.meetings import end, provision
from worker.settings import Settings
from worker.simulator import World
from worker.simulator.api import answer
from worker.simulator.wire import Request
from worker.store import migrate
from worker.store.tables import Course, Event, Meeting, Occurrence, Server
from worker.store.upsert import insert_new

DAY = datetime(2026, 3, 7, tzinfo=UTC)
LEAD, MINUTE, TICK = timedelta(minutes=15), timedelta(minutes=1), timedelta(seconds=30)
WEIGHTS = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0)
CROWD = DAY + timedelta(hours=8)
#: Server by number, and when.
DIES = {2: CROWD - timedelta(minutes=10), 7: CROWD + timedelta(minutes=90)}
DRAINED = {5: CROWD + timedelta(minutes=40)}
#: Failures of three polls, half a minute apart, before a server is known to be down.
NOTICED = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One class of the day; ``people`` really come, ``expected`` are on its roster."""

    number: int
    starts_at: datetime
    ends_at: datetime
    expected: int
    people: int

    def inside(self, now: datetime) -> int:
        """People who are in at a time: they come from five minutes before to ten minutes after the start."""
        if not self.starts_at - 5 * MINUTE <= now < self.ends_at:
            return 0
        return round(self.people * min(1.0, (now - self.starts_at + 5 * MINUTE) / (15 * MINUTE)))


def timetable(courses: int, seed: int) -> list[Lesson]:
    """A tenth of them begins at eight, the others on quarters of an hour from half past seven to half past four."""
    dice = random.Random(seed)
    quarters = [DAY + timedelta(hours=7.5) + quarter * 15 * MINUTE for quarter in range(37)]
    quarters.remove(CROWD)
    found = []
    for number in range(courses):
        start = CROWD if number < courses // 10 else dice.choice(quarters)
        expected = min(200, max(3, round(dice.lognormvariate(3.1, 0.8))))
        people = max(1, round(expected * dice.uniform(0.6, 1.0)))
        found.append(Lesson(number, start, start + dice.choice((45, 60, 90)) * MINUTE, expected, people))
    return found


# The rules ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What any rule may know when it places a room: the servers, and the rooms that are open, with people in them."""

    now: datetime
    servers: Sequence[Candidate]
    open: Sequence[Demand]


Rule = Callable[[Known, Mapping[int, Demand]], dict[int, int]]


def ours(known: Known, wanted: Mapping[int, Demand]) -> dict[int, int]:
    """By the seats that will be taken while the class lasts."""
    return placement.spread(known.servers, known.open, wanted, {})


def least_meetings(known: Known, wanted: Mapping[int, Demand]) -> dict[int, int]:
    """By the number of open meetings a unit of weight."""
    count = Counter(each.server_id for each in known.open)
    return _one_by_one(known, wanted, count, lambda each: 1)


def scalelite(known: Known, wanted: Mapping[int, Demand]) -> dict[int, int]:
    """By people; a meeting younger than 15 minutes counts as 15 at least (Scalelite 1.6, its default)."""
    load: Counter[int] = Counter()
    for each in known.open:
        young = known.now < each.starts_at - LEAD + 15 * MINUTE
        load[each.server_id] += max(each.people, 15) if young else each.people
    return _one_by_one(known, wanted, load, lambda each: 15)


def at_random(known: Known, wanted: Mapping[int, Demand]) -> dict[int, int]:
    """By lot, weighted; the same lot for the same class."""
    ids, weights = [each.server_id for each in known.servers], [each.weight for each in known.servers]
    return {key: random.Random(key).choices(ids, weights)[0] for key in wanted}


def _one_by_one(
    known: Known, wanted: Mapping[int, Demand], load: Counter[int], adds: Callable[[Demand], int]
) -> dict[int, int]:
    chosen = {}
    for key, each in wanted.items():
        best = min(known.servers, key=lambda server: (load[server.server_id] / server.weight, server.server_id))
        chosen[key] = best.server_id
        load[best.server_id] += adds(each)
    return chosen


RULES: dict[str, Rule] = {
    "ours": ours,
    "least meetings": least_meetings,
    "Scalelite's": scalelite,
    "random": at_random,
}


def placed_by(rule: Rule, lessons: Sequence[Lesson]) -> dict[datetime, float]:
    """The day under one rule: fullest server against the mean, by weight, at each minute with anybody in class."""
    where: dict[int, int] = {}
    found = {}
    waiting = sorted(lessons, key=lambda each: (each.starts_at, each.number))
    for tick in range(7 * 120, 19 * 120):
        now = DAY + tick * TICK
        lessons = [each for each in waiting if each.starts_at - LEAD <= now < each.ends_at]
        _abandon(where, lessons, now)
        due = [each for each in lessons if each.number not in where and _opens(each) <= now]
        if due:
            wanted = {each.number: Demand(each.starts_at, each.ends_at, each.expected) for each in due}
            where |= rule(_known(lessons, where, now), wanted)
        if tick % 2 == 0 and any(each.inside(now) for each in lessons if each.number in where):
            found[now] = _imbalance(lessons, where, now)
    return found


def _opens(each: Lesson) -> datetime:
    return lifecycle.opening_at(each.starts_at - LEAD, each.starts_at, timedelta(seconds=120), each.number + 1)


def _able(now: datetime, *, noticed: timedelta = NOTICED) -> list[Candidate]:
    gone = {number for number, at in DIES.items() if now >= at + noticed}
    gone |= {number for number, at in DRAINED.items() if now >= at}
    return [Candidate(number, weight, None, 0, 0) for number, weight in enumerate(WEIGHTS) if number not in gone]


def _abandon(where: dict[int, int], lessons: Sequence[Lesson], now: datetime) -> None:
    """A class that nobody has joined leaves a server that is known to be dead, under every rule alike."""
    for each in lessons:
        dead = DIES.get(where.get(each.number, -1))
        if dead is not None and now >= dead + NOTICED and not each.inside(dead):
            where.pop(each.number)


def _known(lessons: Sequence[Lesson], where: Mapping[int, int], now: datetime) -> Known:
    open_ = [
        Demand(each.starts_at, each.ends_at, 0 if late else each.expected, each.inside(now), where[each.number])
        for each in lessons
        if each.number in where and now < each.ends_at
        for late in [now >= each.starts_at + 20 * MINUTE]
    ]
    return Known(now, _able(now), open_)


def _imbalance(lessons: Sequence[Lesson], where: Mapping[int, int], now: datetime) -> float:
    """Servers that are alive and not drained: a drained one is to be uneven."""
    people: Counter[int] = Counter()
    for each in lessons:
        if each.number in where:
            people[where[each.number]] += each.inside(now)
    able = _able(now, noticed=timedelta(0))
    total, weight = sum(people[each.server_id] for each in able), sum(each.weight for each in able)
    return max(people[each.server_id] / each.weight for each in able) / (total / weight) if total else 1.0


# The day -----------------------------------------------------------------------------------------------------------


class Wire:
    """A world without a socket: an address in, bytes out; dead from a time on."""

    def __init__(self, world: World, dead: Callable[[], bool]) -> None:
        self._world, self._dead = world, dead

    def get(self, url: str) -> bytes:
        if self._dead():
            raise bbb.Unreachable("no connection within the time limit")
        parts = urlsplit(url)
        return answer(self._world, Request(parts.path.rpartition("/api/")[2], parts.query)).body

    get_often = get


class Day:
    """One installation, ten servers and a clock."""

    def __init__(self, folder: Path, lessons: Sequence[Lesson]) -> None:
        self.now = DAY + timedelta(hours=7)
        self.lessons = lessons
        made = context.make(Settings(data_dir=folder, timezone="UTC", secret_key="a key for one benchmark"))
        migrate.upgrade(made.database)
        self.worlds = [World("s", profile="E", clock=lambda: self.now.timestamp()) for _ in WEIGHTS]
        self.context: Context = replace(made, connect=self._connect)
        for number, weight in enumerate(WEIGHTS):
            servers.add(self.context, f"s{number}", f"http://s{number}.invalid/", "s", self.now, weight=weight)
        self._enter()
        self.punctual: dict[int, bool] = {}
        self.open_at_start: dict[int, bool] = {}
        self.waited: dict[int, timedelta] = {}

    def _connect(self, server: Server) -> bbb.Client:
        number = int(server.name[1:])
        client = bbb.Client(bbb.Endpoint(server.api_url, "s"))
        client._transport = Wire(self.worlds[number], lambda: self.is_dead(number))  # type: ignore[assignment]
        return client

    def is_dead(self, number: int) -> bool:
        return number in DIES and self.now >= DIES[number]

    def _enter(self) -> None:
        with self.context.database.write() as session:
            rows = [{"id": each.number + 1, "code": f"c{each.number}", "title": "Class"} for each in self.lessons]
            more = {"timezone": "UTC", "options": {}}
            sizes = [{"expected": each.expected} for each in self.lessons]
            insert_new(session, Course, [row | more | size for row, size in zip(rows, sizes, strict=True)])
            insert_new(session, Occurrence, [self._occurrence(each) for each in self.lessons])

    def _occurrence(self, each: Lesson) -> dict[str, object]:
        times = {"starts_at": each.starts_at, "ends_at": each.ends_at, "closes_at": each.ends_at}
        planned = {"original_start": each.starts_at, "opens_at": each.starts_at - LEAD, "planned_at": DAY}
        return {"id": each.number + 1, "course_id": each.number + 1, **times, **planned}

    def play(self, until: datetime) -> None:
        """Tick by tick: people, then the loops."""
        while self.now < until:
            if any(self.now <= at < self.now + TICK for at in DRAINED.values()):
                for number in DRAINED:
                    servers.drain(self.context, f"s{number}", self.now)
            self._people()
            provision.sweep(self.context, lambda: self.now)
            poll.sweep(self.context, lambda: self.now)
            end.sweep(self.context, lambda: self.now)
            self._look()
            self.now += TICK

    def _people(self) -> None:
        """One teacher a class: enough to make it a class that is never moved."""
        rooms = {meeting.meeting_id: world for world in self.worlds for meeting in world.meetings()}
        by_number = {int(meeting_id.rpartition("-")[2]) - 1: meeting_id for meeting_id in rooms}
        for each in self.lessons:
            if (room := by_number.get(each.number)) is None:
                continue
            if each.starts_at <= self.now < each.ends_at:
                rooms[room].join(room, "t", "Teacher", "MODERATOR")
            elif self.now >= each.ends_at:
                rooms[room].leave(room, "t")

    def _look(self) -> None:
        """Is a room really there, on a server that lives, five minutes before, and at the start?"""
        there = self._really_open()
        for each in self.lessons:
            for before, found in ((5 * MINUTE, self.punctual), (timedelta(0), self.open_at_start)):
                if each.number not in found and self.now >= each.starts_at - before:
                    found[each.number] = each.number + 1 in there
            waits = not self.open_at_start.get(each.number, True) and each.number not in self.waited
            if waits and each.number + 1 in there:
                self.waited[each.number] = self.now - each.starts_at

    def _really_open(self) -> set[int]:
        with self.context.database.read() as session:
            names = dict(session.query(Server.id, Server.name).all())
            live = session.query(Meeting).filter(Meeting.state == "open").all()
        dead = {server for server, name in names.items() if self.is_dead(int(name[1:]))}
        return {each.occurrence_id for each in live if each.server_id not in dead}

    def _dead_by_the_start(self) -> int:
        """Open in time, and closed by the death of the server within the five minutes before the start."""
        return sum(self.punctual[each] and not open_ for each, open_ in self.open_at_start.items())

    def result(self) -> dict[str, object]:
        with self.context.database.read() as session:
            told = Counter(kind for (kind,) in session.query(Event.kind))
            again = (
                told["opened"]
                - session.query(Meeting.occurrence_id).filter(Meeting.opened_at.is_not(None)).distinct().count()
            )
            kinds = Counter(each.kind for each in alarms.every(session, 10_000))
        return {
            "classes that began": len(self.open_at_start),
            "open five minutes before": sum(self.punctual[each] for each in self.open_at_start),
            "open at the start": sum(self.open_at_start.values()),
            "open five minutes before, their server dead by the start": self._dead_by_the_start(),
            "the longest of these waits, from the start": f"{max(self.waited.values(), default=timedelta(0))}",
            "late for any other reason": sum(not open_ for open_ in self.open_at_start.values())
            - self._dead_by_the_start(),
            "moved to another server": told["abandoned"],
            "opened again, moved ones included": again,
            "alarms": ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "none",
        }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--full", action="store_true", help="2,000 courses, until noon")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--out", type=Path, default=Path("docs/placement.md"))
    given = asked.parse_args()
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    lessons = timetable(2000 if given.full else 400, given.seed)
    rules = {name: placed_by(rule, lessons) for name, rule in RULES.items()}
    with tempfile.TemporaryDirectory() as folder:
        day = Day(Path(folder), lessons)
        day.play(DAY + timedelta(hours=12 if given.full else 10.25))
        found = day.result()
        day.context.database.dispose()
    text = written(found, rules, lessons, given.seed)
    given.out.write_text(text, encoding="utf-8")
    print(text)


def written(
    found: dict[str, object], rules: dict[str, dict[datetime, float]], lessons: Sequence[Lesson], seed: int
) -> str:
    return "\n".join(
        (
            "# Placement, measured",
            "",
            f"Written by `python -m benchmarks.placement`: {len(lessons)} drawn classes (seed {seed}), "
            f"{sum(each.starts_at == CROWD for each in lessons)} of them at eight o'clock, ten servers with weights "
            f"{', '.join(f'{weight:g}' for weight in WEIGHTS)}.",
            "One server dies at 7:50, one at 9:30; one is drained at 8:40.",
            "",
            "## The day, by the loops themselves",
            "",
            table(("counted", ""), [(name, str(value)) for name, value in found.items()]),
            "",
            "## The rules",
            "",
            "People a unit of weight on the fullest server, against the mean of all: 1 is perfectly even. A class that",
            "nobody has joined leaves a dead server under every rule alike.",
            "",
            table(("rule", "8:00 to 8:15, mean", "8:15", "all day, mean", "all day, worst"), _rows(rules)),
            "",
            f"In the first quarter of an hour the best other is {_factor(rules):.1f} times as far from 1 as ours.",
            "",
        )
    )


def _rows(rules: dict[str, dict[datetime, float]]) -> list[tuple[str, ...]]:
    return [
        (name, *(f"{figure:.2f}" for figure in (_quarter(day), day[CROWD + 15 * MINUTE], *_whole(day))))
        for name, day in rules.items()
    ]


def _whole(day: dict[datetime, float]) -> tuple[float, float]:
    """From eight to half past four, when there are enough people for evenness to mean something."""
    busy = [figure for at, figure in day.items() if CROWD <= at <= CROWD + timedelta(hours=8.5)]
    return mean(busy), max(busy)


def _quarter(day: dict[datetime, float]) -> float:
    return mean(figure for at, figure in day.items() if CROWD <= at <= CROWD + 15 * MINUTE)


def _factor(rules: dict[str, dict[datetime, float]]) -> float:
    others = min(_quarter(day) for name, day in rules.items() if name != "ours")
    return (others - 1) / max(_quarter(rules["ours"]) - 1, 0.001)


if __name__ == "__main__":
    main()
