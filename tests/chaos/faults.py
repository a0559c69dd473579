"""What can break. Each kind takes what it needs, breaks it for a while, and answers when all of it is whole again."""

import contextlib
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.chaos.measures import HARD_LIMIT, NOTICE

#: What a server can do to its answers (see docs/simulator.md); each strikes a few times.
SPOILT = ("garbage", "http_500", "html_502", "html_200", "empty", "truncate", "cut", "two_documents", "checksum_error")
SPOILT += ("redirect", "drop", "no_charset", "declared")
#: A process that has not come up after this long is reported, not waited for, seconds.
PATIENCE = 60


class Done(NamedTuple):
    kind: str
    what: str
    began: float
    ended: float


class Kind(NamedTuple):
    name: str
    weight: float
    strike: Callable
    slow: bool = False  #: takes long: not more than one in a wave


class Busy(Exception):
    """What it would break is broken already."""


class Ground(NamedTuple):
    """All that can be broken."""

    keeper: object
    database: object
    broker: object
    schools: tuple
    locks: dict
    disk: object
    clocks: object


@contextlib.contextmanager
def alone(*locks):
    """Nothing else breaks these meanwhile."""
    with contextlib.ExitStack() as held:
        for lock in locks:
            if not lock.acquire(blocking=False):
                raise Busy
            held.callback(lock.release)
        yield


def until_whole(keeper):
    """Every process runs, and has shown that it works. The names of those that have not within the time."""
    deadline = time.monotonic() + PATIENCE
    while waited_for := [each.name for each in keeper.all if not each.ready]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return waited_for


def _kill(ground, random, places):
    place = random.choice(places)
    with alone(place.lock):
        place.signal(signal.SIGKILL)
        place.process.wait(10)
        return place.name


def worker_killed(ground, random):
    return _kill(ground, random, ground.keeper.workers)


def beat_killed(ground, random):
    return _kill(ground, random, ground.keeper.beats)


def page_killed(ground, random):
    return _kill(ground, random, [ground.keeper.page])


def everything_killed(ground, random):
    """A power cut: both workers, both beats and the page, and nothing for a while."""
    places = ground.keeper.all
    with alone(*(each.lock for each in places)):
        for each in places:
            each.held = True
            each.signal(signal.SIGKILL)
        for each in places:
            each.process.wait(10)
        time.sleep(random.uniform(1, 4))
        for each in places:
            each.held = False
        return "workers, beats and the page"


def workers_away(ground, random):
    """Beats ring, and nobody hears."""
    places = ground.keeper.workers
    with alone(*(each.lock for each in places)):
        for each in places:
            each.held = True
            each.signal(signal.SIGKILL)
            each.process.wait(10)
        time.sleep(random.uniform(8, 12))
        for each in places:
            each.held = False
        return "both workers"


def child_killed(ground, random):
    """One child of a worker's pool, in whatever it is doing."""
    import psutil

    place = random.choice(ground.keeper.workers)
    with alone(place.lock):
        try:
            children = psutil.Process(place.process.pid).children()
        except psutil.NoSuchProcess:
            raise Busy from None
        if not children:
            raise Busy
        with contextlib.suppress(psutil.NoSuchProcess):
            random.choice(children).kill()
        return place.name


def worker_stopped(ground, random):
    """Stopped for longer than any task may run, then woken in the middle of it."""
    place = random.choice(ground.keeper.workers)
    with alone(place.lock):
        place.signal(signal.SIGSTOP)
        try:
            time.sleep(HARD_LIMIT + random.uniform(1, 3))
        finally:
            place.signal(signal.SIGCONT)
        return place.name


def broker_restarted(ground, random):
    with alone(ground.locks["broker"]):
        ground.broker.restart(random.choice((0, 0.5, 2)))
        return "empty"


def database_restarted(ground, random):
    with alone(ground.locks["database"]):
        ground.database.restart()
        return "at once"


def database_cut(ground, random):
    with alone(ground.locks["database"]):
        ground.database.cut()
        return "all connections"


def _school(ground, random):
    school = random.choice(ground.schools)
    return school, alone(ground.locks[school.name])


def server_refuses(ground, random):
    school, lock = _school(ground, random)
    with lock:
        school.network.refuse()
        time.sleep(random.uniform(1, 5))
        school.network.carry()
        return school.name


def server_silent(ground, random):
    school, lock = _school(ground, random)
    with lock:
        school.network.fall_silent()
        time.sleep(random.uniform(1, 5))
        school.network.carry()
        return school.name


def server_frozen(ground, random):
    school, lock = _school(ground, random)
    with lock:
        school.freeze(random.uniform(1, 4))
        return school.name


def web_restarted(ground, random):
    """Its meetings are forgotten with people inside; it is over when they have noticed."""
    school, lock = _school(ground, random)
    with lock:
        school.forget()
        time.sleep(NOTICE + 1)
        return school.name


def answers_spoilt(ground, random):
    school, kind = random.choice(ground.schools), random.choice(SPOILT)
    if school.frozen:
        raise Busy
    school.do("fault", kind=kind, count=random.randint(1, 4))
    return f"{school.name}: {kind}"


def answers_slow(ground, random):
    school = random.choice(ground.schools)
    if school.frozen:
        raise Busy
    seconds = random.uniform(0.5, 4)
    school.do("fault", kind=random.choice(("latency", "slow_body")), count=random.randint(1, 3), seconds=seconds)
    time.sleep(seconds)
    return f"{school.name}: {seconds:.1f} s"


def answer_lost(ground, random):
    """Done, but no answer: of the calls that change something."""
    school, call = random.choice(ground.schools), random.choice(("create", "create", "end"))
    if school.frozen:
        raise Busy
    school.do("fault", kind=random.choice(("drop_after", "cut", "truncate")), call=call, count=random.randint(1, 2))
    return f"{school.name}: {call}"


def one_lie(ground, random):
    """notFound about a meeting that lives, once."""
    school = random.choice(ground.schools)
    if school.frozen:
        raise Busy
    school.do("fault", kind="not_found_blip", call="getMeetingInfo", count=1)
    return school.name


def disk_full(ground, random):
    """No room in the archive, in the middle of a file or before it. The whole of it is one lock."""
    with alone(ground.locks["disk"]):
        seconds, pages = random.uniform(4, 9), random.choice((0, 3, 3, 4, 4))
        if ground.disk.is_mounted and random.random() < 0.7:
            ground.disk.fill(pages)
            try:
                time.sleep(seconds)
            finally:
                ground.disk.empty()
            return f"no space, but for {pages} pages"
        workers = ground.keeper.workers
        with contextlib.ExitStack() as lifted:
            for place in workers:
                lifted.callback(lambda place=place: ground.disk.lift(place.pids))
                ground.disk.limit(place.pids)
            time.sleep(seconds)
        return "files may not grow"


def clock_set(ground, random):
    """The wall clock of one process, and of its children, forward or back, and right again some seconds later."""
    place = random.choice(ground.keeper.loops)
    with alone(place.clock):
        step = random.choice((-1, 1)) * random.choice((1.5, 5, 20, 90, 3600))
        ground.clocks.set(place.name, step)
        try:
            time.sleep(random.uniform(3, 8))
        finally:
            ground.clocks.set(place.name, 0)
        return f"{place.name}: {step:+g} s"


KINDS = (
    Kind("a worker killed (its whole group)", 3, worker_killed),
    Kind("a beat killed", 2, beat_killed),
    Kind("the page killed", 1, page_killed),
    Kind("one child of a worker killed", 2, child_killed),
    Kind("everything killed, away for a while", 1, everything_killed, slow=True),
    Kind("both workers away while the beats ring", 1, workers_away, slow=True),
    Kind("a worker stopped past its time limits, then woken", 2, worker_stopped, slow=True),
    Kind("Valkey killed, started again empty", 2, broker_restarted),
    Kind("PostgreSQL restarted at once", 1.5, database_restarted),
    Kind("every connection to PostgreSQL cut", 2, database_cut),
    Kind("the network to a server resets everything", 3, server_refuses),
    Kind("the network to a server is silent", 3, server_silent),
    Kind("a server frozen", 2, server_frozen),
    Kind("a server's web restarted, people inside", 1.5, web_restarted),
    Kind("answers spoilt (rubbish, 5xx, HTML, cut, empty ...)", 6, answers_spoilt),
    Kind("answers slow", 3, answers_slow),
    Kind("done, but the answer lost", 4, answer_lost),
    Kind("notFound once about a meeting that lives", 2, one_lie),
    Kind("the disk of the archive full", 3, disk_full),
    Kind("the wall clock of one process set, up to an hour", 4, clock_set),
)
