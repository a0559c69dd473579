"""The stage: one simulated server, one database, a clock turned by hand, classes with their people."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker import bbb
from worker.domain.spans import Span
from worker.operations import context as contexts
from worker.operations.attendance import fold, poll
from worker.operations.context import Context
from worker.operations.installation import servers
from worker.operations.meetings import end, provision
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator import PROFILES, Director, Person, Script, World, crowd, serve
from worker.store import migrate
from worker.store.tables import Course, Participant, Server

SECRET = "a secret of the benchmark"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = 30
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Era:
    """A kind of server: how long it still lists somebody who left, from and to, in seconds (protocol section 5)."""

    profile: str
    shortest: float
    longest: float
    period: float  #: seconds between polls

    @property
    def latency(self) -> float:
        """What an operator would enter as ``leave_latency_seconds``."""
        return (self.shortest + self.longest) / 2

    @property
    def promise(self) -> float:
        """The largest error of one person that is promised: a period and the latency."""
        return self.period + self.longest


#: A coming or going is known to within the period and the latency where the period is no longer than both latencies
#: together: a server that forgets faster has to be asked more often.
ERAS = {"D": Era("D", 70, 95, 30), "B": Era("B", 5, 15, 10)}


@dataclass(frozen=True)
class Size:
    """How much is played."""

    occurrences: int = 200
    minutes: int = 45
    seed: int = 1


class Clock:
    """The true time, and what the worker's wall clock shows of it."""

    def __init__(self, start: datetime) -> None:
        self.true, self.ahead = start, timedelta(0)

    def __call__(self) -> datetime:
        return self.true + self.ahead

    def timestamp(self) -> float:
        return self.true.timestamp()


@dataclass
class Play:
    """One scenario on the stage."""

    context: Context
    world: World
    director: Director
    clock: Clock
    size: Size
    era: Era
    server_id: int
    client: bbb.Client  #: another program with the same secret
    dice: random.Random
    rooms: dict[int, str] = field(default_factory=dict)  #: by occurrence
    rosters: dict[int, list[Person]] = field(default_factory=dict)
    dark: list[Span] = field(default_factory=list)  #: when nobody could look for longer than the tolerance; true time
    dark_by_wall: list[Span] = field(default_factory=list)  #: the same by the worker's clock
    looked: tuple[datetime, datetime] = (START, START)  #: the last poll that was answered, by both clocks
    done: set[str] = field(default_factory=set)  #: what happens only once

    @property
    def window(self) -> Span:
        return Span(START, START + timedelta(minutes=self.size.minutes))

    def share(self) -> float:
        """How far the class has come: 0 at its start, 1 at its end."""
        return (self.clock.true - START) / _SECOND / self.window.seconds

    def once(self, what: str, since: float) -> bool:
        """Whether all classes have come so far, for the first time it is asked."""
        if self.share() < since or what in self.done:
            return False
        self.done.add(what)
        return True

    def strikes(self, what: str, since: float) -> Iterator[str]:
        """The rooms of the classes that have come so far just now, each at a moment of its own within a period."""
        past = (self.share() - since) * self.window.seconds
        for occurrence, room in self.rooms.items() if 0 <= past <= self.era.period else ():
            moment = random.Random(f"{self.size.seed}/{what}/{occurrence}").uniform(0, self.era.period - 1)
            if past >= moment and (name := f"{what} {room}") not in self.done:
                self.done.add(name)
                yield room

    def look(self) -> None:
        """One poll. What lies between two that were answered, further apart than the tolerance, nobody saw."""
        if not poll.sweep(self.context, self.clock):
            return
        true, wall = self.looked
        if (self.clock.true - true) / _SECOND > self.context.settings.tolerance_seconds:
            self.dark.append(Span(true, self.clock.true))
            self.dark_by_wall.append(Span(wall, self.clock()))
        self.looked = (self.clock.true, self.clock())


@dataclass(frozen=True)
class Scenario:
    """A kind of trouble: scripts of people, what happens in each second, and at each poll."""

    name: str
    scripts: Callable[[list[Script], random.Random, float], list[Script]] = lambda scripts, dice, length: scripts
    second: Callable[[Play], None] = lambda play: None
    tick: Callable[[Play], bool] = lambda play: True  #: False: nobody polls this time
    after: Callable[[Play], None] = lambda play: None  #: when all is over
    lost_polls: int = 0  #: how many in a row the trouble takes: each edge of a stay is unsure by as many periods more
    slack: float = 0.0  #: seconds by which the trouble itself moves a time
    why: str = ""  #: why what is promised of a class without trouble cannot be kept


@contextmanager
def stage(scenario: Scenario, era: Era, size: Size) -> Iterator[Play]:
    """All rooms open, everybody waiting for their cue."""
    clock = Clock(START - timedelta(minutes=10))
    world = World(SECRET, profile=PROFILES[era.profile], clock=clock.timestamp, seed=size.seed)
    with tempfile.TemporaryDirectory() as folder, serve(world) as running:
        context = contexts.make(settings(Path(folder), era.period))
        migrate.upgrade(context.database)
        number = servers.add(context, "simulated", running.base_url, SECRET, clock())
        with context.database.write() as session:
            session.get_one(Server, number).leave_latency_seconds = era.latency
        client = bbb.Client(bbb.Endpoint(running.base_url, SECRET))
        play = Play(context, world, Director(world), clock, size, era, number, client, random.Random(size.seed))
        _cast(play, scenario)
        yield play
        client.close()
        context.database.dispose()


def settings(folder: Path, period: float) -> Settings:
    """Rooms open four minutes ahead, all at once; the tolerance is three periods, as it is by default."""
    return Settings(
        data_dir=folder,
        secret_key="a key for the benchmark only",
        timezone="UTC",
        poll_period_seconds=period,
        tolerance_seconds=3 * period,
        lead_seconds=240,
        spread_seconds=0,
        read_timeout_seconds=10,
    )


def _cast(play: Play, scenario: Scenario) -> None:
    """Courses, rosters, rooms and scripts."""
    scripts = {}
    for number in range(play.size.occurrences):
        own = crowd(play.size.seed * 1000 + number, PEOPLE, length=play.window.seconds, prefix=f"c{number}-")
        _enrol(play, f"c{number}", own)
        made = arrange.add(play.context, f"c{number}", play.window.start, play.window.end, play.clock())
        play.rosters[made] = [script.person for script in own]
        scripts[made] = scenario.scripts(own, play.dice, play.window.seconds)
    play.clock.true = START - timedelta(seconds=230)
    provision.sweep(play.context, play.clock)
    token = {meeting.metadata["mtz-occurrence"]: meeting.meeting_id for meeting in play.world.meetings()}
    for occurrence, own in scripts.items():
        play.rooms[occurrence] = token[str(occurrence)]
        play.director.cast(play.rooms[occurrence], own, START.timestamp())


def _enrol(play: Play, code: str, scripts: list[Script]) -> None:
    with play.context.database.write() as session:
        course = Course(code=code, title=f"Course {code}", timezone="UTC", options={})
        session.add(course)
        session.flush()
        for person, _ in scripts:
            role = "moderator" if person.role == "MODERATOR" else "viewer"
            row = {"user_id": person.user_id, "full_name": person.full_name, "role": role}
            session.add(Participant(course_id=course.id, **row))


def perform(play: Play, scenario: Scenario) -> None:
    """Second by second, to a quarter of an hour after the end, polls at their period."""
    stop, next_poll = play.window.end + timedelta(minutes=15), play.clock.true
    play.looked = (play.clock.true, play.clock())
    while play.clock.true < stop:
        play.director.step()
        scenario.second(play)
        if play.clock.true >= next_poll:
            next_poll += timedelta(seconds=play.era.period)
            if scenario.tick(play):
                play.look()
            if play.clock.true >= play.window.end:
                end.sweep(play.context, play.clock)
        play.clock.true += _SECOND
    fold.settle(play.context, play.rooms, play.clock)
    scenario.after(play)
