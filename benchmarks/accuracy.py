"""How exact is attendance? Measured against a simulated server that knows who was really there.

    python -m benchmarks.accuracy             measures, and writes the table into docs/accuracy.md
    python -m benchmarks.accuracy --quick     a small form, printed only

Every row of the table plays classes of 30 people with one kind of trouble, by a clock turned by hand, through the same
operations and the same HTTP as in production. The error of a person is the seconds credited less the seconds truly
spent in the planned window, outside of the times when nobody could look. The truth is the simulator's ledger; the times
of trouble are the benchmark's own: nothing that the program says about itself is believed.
"""

import argparse
import random
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from worker import bbb, logs
from worker.domain.spans import Span, clip, merge, minus
from worker.operations import arrange, end, fold, poll, provision, report, servers
from worker.operations import context as contexts
from worker.operations.context import Context
from worker.operations.report import Wanted
from worker.settings import Settings
from worker.simulator import PROFILES, Act, Director, Fault, Person, Script, World, crowd, serve
from worker.simulator.meeting import Meeting
from worker.store import migrate
from worker.store.tables import Course, Participant, Server

SECRET = "a secret of the benchmark"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = 30


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


#: A coming or going is known to within the period and the latency where the period is no longer than both latencies
#: together: a server that forgets faster has to be asked more often.
ERAS = {"B": Era("B", 5, 15, 10), "D": Era("D", 70, 95, 30)}


@dataclass(frozen=True)
class Size:
    """How much is played."""

    occurrences: int = 20
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
    period: float
    client: bbb.Client  #: another program with the same secret
    occurrences: list[int] = field(default_factory=list)
    rooms: dict[int, str] = field(default_factory=dict)
    rosters: dict[int, list[Person]] = field(default_factory=dict)
    dark: list[Span] = field(default_factory=list)  #: when nobody could look for longer than the tolerance
    looked: datetime = START
    done: set[str] = field(default_factory=set)  #: what happens only once

    @property
    def window(self) -> Span:
        return Span(START, START + timedelta(minutes=self.size.minutes))

    def share(self) -> float:
        """How far the class has come: 0 at its start, 1 at its end."""
        return (self.clock.true - START).total_seconds() / self.window.seconds

    def once(self, what: str, since: float) -> bool:
        """Whether the class has come so far, for the first time it is asked."""
        if self.share() < since or what in self.done:
            return False
        self.done.add(what)
        return True

    def look(self) -> None:
        """One poll. What lies between two that were answered, further apart than the tolerance, nobody saw."""
        if not poll.sweep(self.context, self.clock):
            return
        if (self.clock.true - self.looked).total_seconds() > self.context.settings.tolerance_seconds:
            self.dark.append(Span(self.looked, self.clock.true))
        self.looked = self.clock.true


@dataclass(frozen=True)
class Scenario:
    """A kind of trouble: scripts of people, and what happens between two polls."""

    name: str
    scripts: Callable[[list[Script], random.Random, float], list[Script]] = lambda scripts, dice, length: scripts
    tick: Callable[[Play], bool] = lambda play: True  #: False: nobody polls this time
    lost_polls: int = 0  #: how many in a row the trouble takes: each edge of a stay is unsure by as many periods more
    slack: float = 0.0  #: seconds by which the trouble itself moves a time, at each piece of a stay that was watched


def _rejoining(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """Every second one drops out for less time than the server needs to notice, and stands there twice for a while."""
    found = []
    for number, script in enumerate(scripts):
        acts = list(script.acts)
        if number % 2 and len(acts) == 2 and acts[1].at - acts[0].at > 0.4 * length:
            gone = acts[0].at + 0.2 * length
            acts[1:1] = [Act(gone, "leave"), Act(gone + dice.uniform(1, 8), "join")]
        found.append(Script(script.person, acts))
    return found


def _strangers(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """All of one name; beside them people without an id, a telephone, and two recorders."""
    same = [Script(Person(person.user_id, "زهرا محمدی", person.role), acts) for person, acts in scripts]
    others = [f"w_{dice.randrange(36**4):012d}" for _ in range(3)] + ["v_0912", "recorder", "bbb-recorder-2"]
    return same + [Script(Person(one, one, "VIEWER"), [Act(0, "join"), Act(length, "leave")]) for one in others]


def _two_runs(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """The room is ended in the middle, and whoever was in it comes into the next run."""
    again = 0.5 * length + 90
    found = []
    for person, acts in scripts:
        devices = {act.device for act in acts if act.kind == "join" and act.at < 0.45 * length}
        inside = {act.device for act in acts if act.kind == "leave" and act.device in devices and act.at > again + 60}
        found.append(Script(person, sorted([*acts, *(Act(again, "join", device) for device in inside)])))
    return found


def _let_in_late(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    """Every third one waits at the door for some minutes at first."""
    found = []
    for number, script in enumerate(scripts):
        (first, *others), late = script.acts, dice.uniform(60, 240)
        waits = number % 3 == 0 and bool(others) and first.at + late < others[0].at
        found.append(
            Script(script.person, [Act(first.at + late, "join", first.device), *others] if waits else script.acts)
        )
    return found


def _all_of_them(scripts: list[Script], dice: random.Random, length: float) -> list[Script]:
    return _strangers(_rejoining(_let_in_late(scripts, dice, length), dice, length), dice, length)


def _end_in_the_middle(play: Play) -> bool:
    if play.once("ended", 0.5):
        for room in play.rooms.values():
            play.world.end_from_inside(room)
    elif "ended" in play.done and "opened" not in play.done and play.share() > 0.5:
        _open_again(play)
    return True


def _open_again(play: Play) -> None:
    from worker.errors import Conflict

    try:
        for occurrence in play.occurrences:
            arrange.reopen(play.context, occurrence, play.clock())
    except Conflict:
        return
    if all(outcome == "opened" for outcome in provision.sweep(play.context, play.clock)):
        play.done |= {"opened"} if len(play.world.meetings()) == len(play.rooms) else set()


def _outage(play: Play) -> bool:
    """The server answers nothing for a fifth of the class."""
    play.world.faults.clear()
    if 0.4 <= play.share() < 0.6:
        play.world.faults.add(Fault("http_500"))
    return True


def _crashed(play: Play) -> bool:
    """The poller is dead for a fifth of the class."""
    return not 0.4 <= play.share() < 0.6


def _doubled(play: Play) -> bool:
    """Two beats, two workers: every poll is made twice."""
    play.look()
    return True


def _flaky(play: Play) -> bool:
    """One poll in five fails, never for longer than the tolerance allows."""
    count = int(play.clock.true.timestamp() // play.period)
    play.world.faults.clear()
    if count % 5 == 0:
        play.world.faults.add(Fault("html_502"))
    return True


def _blip(play: Play) -> bool:
    """Twice the server knows no meeting for one poll."""
    ledger = play.world._ledger
    tick = round(play.share() * play.window.seconds / play.period)
    if tick in (20, 50):
        kept, ledger.live = ledger.live, {}
        poll.sweep(play.context, play.clock)
        ledger.live = kept
        return False
    return True


def _stepping(play: Play) -> bool:
    """The wall clock is set forward, and later back, by 20 s."""
    play.clock.ahead = timedelta(seconds=20 if 0.3 <= play.share() < 0.7 else 0)
    return True


def _breaking_out(play: Play) -> bool:
    """From a third of the class on, half of those who are in sit in two groups as well, until they are called back."""
    if play.once("groups", 0.3):
        for room in play.rooms.values():
            _make_groups(play, room)
    if play.once("called back", 0.6):
        for meeting in play.world.meetings():
            if meeting.is_breakout:
                play.world.end_from_inside(meeting.meeting_id)
    return True


def _make_groups(play: Play, room: str) -> None:
    for group in (1, 2):
        extra = {"isBreakout": "true", "parentMeetingID": room, "sequence": str(group), "freeJoin": "false"}
        _create(play, f"{room}-{group}", extra=extra)
    meeting = play.world.meeting(room)
    for number, person in enumerate(meeting.connected[::2] if meeting else ()):
        group = 1 + number % 2
        play.world.join(f"{room}-{group}", f"{person.id}-{group}", person.full_name, person.role)


def _create(
    play: Play, meeting_id: str, *, meta: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None
) -> None:
    params = bbb.CreateParams(
        meeting_id=meeting_id,
        name="Made by somebody else",
        attendee_pw="their viewers",
        moderator_pw="their moderators",
        meta=meta or {},
        extra=extra or {},
    )
    play.client.create(params)


def _knocking(play: Play) -> bool:
    """At every poll one who is not in asks at the door of each room, over HTTP, and is told to wait."""
    for occurrence, room in play.rooms.items():
        meeting = play.world.meeting(room)
        if meeting is not None:
            meeting.guest_policy = "ASK_MODERATOR"
            inside = {person.user_id for person in meeting.connected}
            _knock(play, meeting, next((one for one in play.rosters[occurrence] if one.user_id not in inside), None))
    return True


def _knock(play: Play, meeting: Meeting, person: Person | None) -> None:
    if person is None:
        return
    url = play.client.join_url(
        meeting.meeting_id,
        full_name=person.full_name,
        password=meeting.attendee_pw or "",
        user_id=person.user_id,
        extra={"guest": "true", "redirect": "false"},
    )
    with urllib.request.urlopen(url) as answer:
        assert b"guestWait" in answer.read()


def _replaced(play: Play) -> bool:
    """Between two polls the room ends and somebody else makes it again; all who were in are in again at once."""
    if play.once("replaced", 0.65):
        for room in play.rooms.values():
            _replace(play, room)
    elif "replaced" in play.done:
        provision.sweep(play.context, play.clock)
    return True


def _replace(play: Play, room: str) -> None:
    meeting = play.world.meeting(room)
    if meeting is not None:
        people = meeting.connected
        play.world.end_from_inside(room)
        _create(play, room, meta=meeting.metadata)
        for person in people:
            play.world.join(room, person.user_id, person.full_name, person.role, device=person.device)


def _mixed(play: Play) -> bool:
    """All of it in one class, but a second meeting by our own hand: somebody else makes that one."""
    play.world.faults.clear()
    for trouble in (_promoting, _breaking_out, _knocking, _replaced, _stepping):
        trouble(play)
    if not _blip(play) or 0.8 <= play.share() < 0.95:  # the poller is dead
        return False
    (_outage if 0.4 <= play.share() < 0.6 else _flaky)(play)
    return _doubled(play)


def _promoting(play: Play) -> bool:
    for room in play.rooms.values():
        meeting = play.world.meeting(room)
        for person in meeting.connected if meeting else []:
            play.world.promote(room, person.user_id, "MODERATOR" if play.share() > 0.5 else "VIEWER")
    return True


SCENARIOS = (
    Scenario("none"),
    Scenario("quick rejoins: ghosts beside the new connection", _rejoining),
    Scenario("namesakes, no user id, telephone, recorders", _strangers),
    Scenario("roles change in class", tick=_promoting),
    Scenario("two meetings in one class", _two_runs, _end_in_the_middle),
    Scenario("breakout rooms", tick=_breaking_out),
    Scenario("guests wait at the door", _let_in_late, _knocking),
    Scenario("`createTime` replaced between two polls", tick=_replaced, lost_polls=1),
    Scenario("one notFound between good polls", tick=_blip, lost_polls=1),
    Scenario("every poll twice", tick=_doubled),
    Scenario("one poll in five fails", tick=_flaky, lost_polls=1),
    Scenario("server down for a fifth of the class", tick=_outage),
    Scenario("poller dead for a fifth of the class", tick=_crashed),
    Scenario("wall clock steps 20 s forward, later back", tick=_stepping, slack=20),
    Scenario("all of these in one class", _all_of_them, _mixed, lost_polls=3, slack=20),
)


@dataclass(frozen=True)
class Result:
    """What came of one scenario."""

    name: str
    people: int
    median: float
    ninety_fifth: float
    worst: float
    of_the_bound: float  #: the largest share of their own bound that anybody's error took
    judged: int
    right: int
    credited_in_the_dark: float

    @property
    def holds(self) -> bool:
        return self.of_the_bound <= 1 and self.right == self.judged and self.credited_in_the_dark == 0


def measure(scenario: Scenario, era: Era, size: Size) -> Result:
    """Play one scenario, and compare."""
    with _stage(scenario, era, size) as play:
        _perform(play, scenario)
        return _compare(play, scenario, era)


@contextmanager
def _stage(scenario: Scenario, era: Era, size: Size) -> Iterator[Play]:
    clock = Clock(START - timedelta(minutes=10))
    world = World(SECRET, profile=PROFILES[era.profile], clock=clock.timestamp, seed=size.seed)
    with tempfile.TemporaryDirectory() as folder, serve(world) as running:
        context = contexts.make(_settings(Path(folder), era.period))
        migrate.upgrade(context.database)
        number = servers.add(context, "simulated", running.base_url, SECRET, clock())
        with context.database.write() as session:
            session.get_one(Server, number).leave_latency_seconds = era.latency
        client = bbb.Client(bbb.Endpoint(running.base_url, SECRET))
        play = Play(context, world, Director(world), clock, size, era.period, client)
        _cast(play, scenario)
        yield play
        client.close()
        context.database.dispose()


def _settings(folder: Path, period: float) -> Settings:
    return Settings(
        data_dir=folder,
        secret_key="a key for the benchmark only",
        timezone="UTC",
        poll_period_seconds=period,
        tolerance_seconds=3 * period,
        lead_seconds=240,
        read_timeout_seconds=10,
    )


def _cast(play: Play, scenario: Scenario) -> None:
    """Courses, rosters, rooms and scripts."""
    length, dice = play.window.seconds, random.Random(play.size.seed)
    scripts = {}
    for number in range(play.size.occurrences):
        own = crowd(play.size.seed * 1000 + number, PEOPLE, length=length, prefix=f"c{number}-")
        with play.context.database.write() as session:
            course = Course(code=f"c{number}", title=f"Course {number}", timezone="UTC", options={})
            session.add(course)
            session.flush()
            for person, _ in own:
                role = "moderator" if person.role == "MODERATOR" else "viewer"
                row = {"user_id": person.user_id, "full_name": person.full_name, "role": role}
                session.add(Participant(course_id=course.id, **row))
        made = arrange.add(play.context, f"c{number}", play.window.start, play.window.end, play.clock())
        play.occurrences.append(made)
        play.rosters[made] = [script.person for script in own]
        scripts[made] = scenario.scripts(own, dice, length)
    play.clock.true = START - timedelta(seconds=230)
    provision.sweep(play.context, play.clock)
    token = {meeting.metadata["mtz-occurrence"]: meeting.meeting_id for meeting in play.world.meetings()}
    for occurrence, own in scripts.items():
        play.rooms[occurrence] = token[str(occurrence)]
        play.director.cast(play.rooms[occurrence], own, START.timestamp())


def _perform(play: Play, scenario: Scenario) -> None:
    """Second by second, to a quarter of an hour after the end, polls at their period."""
    stop, next_poll = play.window.end + timedelta(minutes=15), play.clock.true
    play.looked = play.clock.true
    while play.clock.true < stop:
        play.director.step()
        if play.clock.true >= next_poll:
            next_poll += timedelta(seconds=play.period)
            if scenario.tick(play):
                play.look()
            if play.clock.true >= play.window.end:
                end.sweep(play.context, play.clock)
        play.clock.true += timedelta(seconds=1)
    fold.settle(play.context, play.occurrences, play.clock)


def _compare(play: Play, scenario: Scenario, era: Era) -> Result:
    truth = _truth(play)
    coming = (1 + 2 * scenario.lost_polls) * play.period + era.longest
    step = timedelta(seconds=scenario.slack)
    known, dark = minus([play.window], merge(play.dark)), merge(play.dark)
    inmost = [Span(span.start + step, span.end - step) for span in dark if span.seconds > 2 * scenario.slack]
    errors, shares, verdicts, unseen = [], [], [], 0.0
    for sitting in report.judge(play.context, Wanted(), play.clock()):
        for person in (person for person in sitting.people if not person.guest):
            stays = merge(Span(stay.first_seen, stay.last_seen) for stay in person.stays)
            true = truth.get((sitting.occurrence.id, person.user_id or ""), [])
            # A wrong clock also moves the ends of what lies between the times when nobody could look.
            pieces = sum(len(clip(true, part)) for part in known)
            moved = scenario.slack * max(pieces, 1)
            seconds, bound = _within(true, known), coming * max(len(clip(true, play.window)), 1) + moved
            errors.append(abs(_within(stays, known) - seconds))
            shares.append(errors[-1] / bound)
            unseen += _within(stays, inmost)
            if _far_from_thresholds(seconds, play, bound):
                verdicts.append(person.mark.status == _status(seconds, play))
    ordered = sorted(errors)
    spread = (statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1], max(shares))
    return Result(scenario.name, len(ordered), *spread, len(verdicts), sum(verdicts), unseen)


def _truth(play: Play) -> dict[tuple[int, str], list[Span]]:
    """Who was really there, by occurrence and person."""
    occurrences = {room: occurrence for occurrence, room in play.rooms.items()}
    found: dict[tuple[int, str], list[Span]] = {}
    for stay in play.world.truth():
        if stay.meeting_id not in occurrences:
            continue  # a breakout room
        left = stay.left_at if stay.left_at is not None else play.clock.timestamp()
        span = Span(datetime.fromtimestamp(stay.joined_at, UTC), datetime.fromtimestamp(left, UTC))
        found.setdefault((occurrences[stay.meeting_id], stay.user_id), []).append(span)
    return {key: merge(spans) for key, spans in found.items()}


def _within(spans: Sequence[Span], known: Sequence[Span]) -> float:
    return sum(piece.seconds for part in known for piece in clip(spans, part))


def _status(seconds: float, play: Play) -> str:
    share, settings = 100 * seconds / play.window.seconds, play.context.settings
    if share >= settings.present_percent:
        return "present"
    return "partial" if share >= settings.partial_percent else "absent"


def _far_from_thresholds(seconds: float, play: Play, bound: float) -> bool:
    settings = play.context.settings
    edges = (settings.present_percent, settings.partial_percent)
    return all(abs(seconds - play.window.seconds * edge / 100) > bound for edge in edges)


# The page

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
MARK = "<!-- made by `python -m benchmarks.accuracy`; what stands below is overwritten -->"


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = [
        "| Trouble | People | Median, s | 95th, s | Worst, s | Of own bound | Statuses right | Unseen, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        lines.append(
            f"| {each.name} | {each.people} | {each.median:.1f} | {each.ninety_fifth:.1f} | {each.worst:.1f} | "
            f"{each.of_the_bound:.2f} | {each.right} of {each.judged} | {each.credited_in_the_dark:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logs.configure(_settings(Path(), 30), "CRITICAL")
    size = Size(occurrences=2 if given.quick else 20, seed=given.seed)
    parts, good = [], True
    for era in (ERAS["D"], ERAS["B"]):
        results = []
        for scenario in SCENARIOS:
            results.append(measure(scenario, era, size))
            print(f"{era.profile} {results[-1]}", file=sys.stderr)
        good = good and all(each.holds for each in results)
        parts.append(_section(era, size, results))
    text = "\n\n".join(parts)
    if given.quick:
        print(text)
    else:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").split(MARK)[0] + f"{MARK}\n\n{text}\n", encoding="utf-8")
    sys.exit(not good)


def _section(era: Era, size: Size, results: Sequence[Result]) -> str:
    title = f"## A server that lists people for {era.shortest:g} to {era.longest:g} s after they left"
    said = f"{size.occurrences} classes of {size.minutes} minutes with {PEOPLE} people a row, polled every "
    known = f"{era.period:g} s, `leave_latency_seconds` {era.latency:g}, seed {size.seed}."
    return f"{title}\n\n{said}{known}\n\n{table(results)}"


if __name__ == "__main__":
    main()
