"""Sets the demo up, runs the embedded stack against the simulated server, and sums up."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy import func, select

from worker import clock, exports, settings
from worker.demo import cast, verdict
from worker.demo.cast import Play
from worker.demo.verdict import Accuracy
from worker.domain.ledger import State
from worker.embedded import Embedded
from worker.operations import context as contexts
from worker.operations.attendance import fold
from worker.operations.context import Context
from worker.operations.installation import identity, servers
from worker.operations.meetings import rooms
from worker.operations.recordings import catalogue, ledger, lifetime
from worker.operations.reports import report, tables_of_reports
from worker.operations.reports.report import Wanted
from worker.operations.timetable import arrange, import_roster, import_timetable, sittings
from worker.operations.timetable.sittings import Sitting
from worker.settings import Settings
from worker.simulator import Director, World, serve
from worker.store import migrate
from worker.store.tables import Event, Meeting
from worker.timetables import read_roster, read_timetable

_ZONE = "Asia/Tehran"
#: The simulated server's own clocks run this many times faster, in a demo of a minute.
_HURRY = 50
#: Seconds that worker and beat need before they open the first room.
_STARTING = 2
_OURS = ("meetingz.db", "meetingz.db-wal", "meetingz.db-shm", "secret.key", "timetable.csv", "roster.csv")
_SECRET = "simulated"  # noqa: S105 - of a server that lives for a minute on this machine


@dataclass(slots=True)
class Scene:
    """What there is to show at one moment."""

    now: datetime
    done: float  #: 0 to 1
    sittings: list[Sitting]
    events: list[Event]
    ledger: dict[int, State]  #: of recordings, by occurrence


Show = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo, set up."""

    context: Context
    world: World
    plays: dict[int, Play]  #: by occurrence
    starts_at: datetime
    unit: float
    out: Path

    @property
    def deadline(self) -> datetime:
        return self.starts_at + timedelta(seconds=(60 - cast.STARTS) * self.unit + 20)


@contextmanager
def set_up(seconds: float, out: Path, seed: int) -> Iterator[Stage]:
    """A new embedded installation in ``out``, and a simulated server beside it."""
    unit = seconds / 60
    _clear(out)
    context = contexts.make(_settings(unit, out))
    migrate.upgrade(context.database)
    world = World(_SECRET, seed=seed, scale=_HURRY / unit, minute_seconds=60)
    plays = cast.plays(unit, seed)
    with serve(world) as server:
        servers.add(context, "simulated", server.base_url, _SECRET, clock.now())
        _bring_in(context, plays, out)
        starts_at = clock.now() + timedelta(seconds=cast.STARTS * unit + _STARTING)
        by_occurrence = _timetable(context, plays, starts_at, unit)
        director = Director(world)
        _cast(context, director, by_occurrence, starts_at)
        director.run_in_thread()
        try:
            yield Stage(context, world, by_occurrence, starts_at, unit, out)
        finally:
            director.stop()
            context.database.dispose()


class _Alone(Settings):
    """Nothing of the installation around reaches the demo: not its database, nor its servers, nor its alarms."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _settings(unit: float, out: Path) -> Settings:
    return _Alone(
        data_dir=out,
        origin="meetingz-demo",
        language=settings.load().language,
        timezone=_ZONE,
        lead_seconds=cast.LEAD * unit,
        grace_seconds=cast.GRACE * unit,
        plan_period_seconds=30 * unit,
        provision_period_seconds=0.5 * unit,
        poll_period_seconds=unit,
        end_period_seconds=unit,
        harvest_period_seconds=2 * unit,
        tolerance_seconds=3 * unit,
        end_retry_seconds=4 * unit,
        late_seconds=5 * unit,
        left_early_seconds=5 * unit,
        spread_seconds=unit,
        warn_seconds=5 * unit,
        recording_first_seconds=unit,
        recording_longest_seconds=2 * unit,
        download_reserve_bytes=0,
    )


def _clear(out: Path) -> None:
    """Only what an earlier demo wrote."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (*_OURS, *(f"attendance.{kind}" for kind in ("csv", "xlsx", "html"))):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "recordings", ignore_errors=True)


def _bring_in(context: Context, plays: tuple[Play, ...], out: Path) -> None:
    """The timetable and the rosters come from files, as they do at a school."""
    # Half a week from now, so that the weekly slots do not get in the way of the sittings that begin in seconds.
    day = (clock.now() + timedelta(days=3)).strftime("%w")
    lines = ["code,title,cron,minutes,teacher_name,record"]
    lines += [f'{p.code},"{p.title}",0 9 * * {day},90,"{p.teacher}",{p.record}' for p in plays]
    (out / "timetable.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    people = ["course,user_id,full_name,role"]
    for play in plays:
        for person, _ in play.scripts:
            people.append(f'{play.code},{person.user_id},"{person.full_name}",{person.role.lower()}')
        people.append(f'{play.code},{play.absentee[0]},"{play.absentee[1]}",viewer')
    (out / "roster.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    now = clock.now()
    import_timetable.import_timetable(context, read_timetable(out / "timetable.csv", timezone=_ZONE), now)
    import_roster.import_roster(context, read_roster(out / "roster.csv"), now)
    for play in plays:
        lifetime.policy(context, play.code, {"download": play.record == "always"}, now)


def _timetable(context: Context, plays: tuple[Play, ...], starts_at: datetime, unit: float) -> dict[int, Play]:
    """A sitting of each course that begins within seconds."""
    ends_at = starts_at + timedelta(seconds=cast.LASTS * unit)
    return {arrange.add(context, play.code, starts_at, ends_at, clock.now()): play for play in plays}


def _cast(context: Context, director: Director, plays: dict[int, Play], starts_at: datetime) -> None:
    with context.database.write() as session:
        token = identity.token(session)
    for occurrence, play in plays.items():
        director.cast(rooms.external_id(token, occurrence), list(play.scripts), starts_at.timestamp())


def run(stage: Stage, show: Show) -> None:
    """Run the loops until every class is settled and every recording found, or the time is over."""
    with Embedded(stage.context):
        while True:
            scene = look(stage)
            show(scene)
            if scene.done >= 1 or scene.now > stage.deadline:
                return
            time.sleep(min(0.25, stage.unit / 4))


def look(stage: Stage) -> Scene:
    """The demo as it stands."""
    now = clock.now()
    with stage.context.database.read() as session:
        mine = sittings.find(session, now, since=stage.starts_at, until=stage.starts_at + timedelta(seconds=1))
        events = session.scalars(select(Event).where(Event.occurrence_id.is_not(None)).order_by(Event.id)).all()
        found = sum(_is_home(each) for each in catalogue.listed(session))
        states = ledger.states_of(session, stage.context.settings, [each.occurrence.id for each in mine], now)
    whole = (60 - cast.STARTS) * stage.unit
    done = min(0.99, max(0.0, (now - stage.starts_at).total_seconds() / whole))
    settled = all(each.occurrence.settled_at is not None for each in mine)
    wanted = sum(play.record == "always" for play in stage.plays.values())
    return Scene(now, 1.0 if settled and found >= wanted else done, mine, list(events), states)


def _is_home(recording: dict[str, Any]) -> bool:
    """Published there, and every file that it gives archived here."""
    states = {each["state"] for each in recording["files"]}
    return recording["state"] == "published" and "stored" in states and not states & {"wanted", "fetching"}


def sum_up(stage: Stage) -> dict[str, Any]:
    """What came out, as one document; ``ok`` where every course ended as it should and the errors are small."""
    scene = look(stage)
    rows = list(report.attendance_rows(stage.context, wanted(stage), scene.now))
    occurrences = {each.meeting.external_id: each.occurrence.id for each in scene.sittings if each.meeting}
    gap = _longest_gap(stage, scene)
    accuracy = verdict.compare(rows, stage.world.truth(), occurrences, scene.now, gap)
    courses = [_course(stage, each, rows) for each in scene.sittings]
    with stage.context.database.read() as session:
        found = catalogue.listed(session)
    period = stage.context.settings.poll_period_seconds
    problems = _problems(stage, courses, accuracy, found)
    return {
        "ok": not problems,
        "problems": problems,
        "courses": courses,
        "accuracy": asdict(accuracy) | {"poll_period_seconds": period, "longest_gap_seconds": gap},
        "recordings": found,
        "ledger": {stage.plays[number].code: state for number, state in scene.ledger.items()},
        "files": [str(path) for path in _write(stage, scene.now)],
    }


def _longest_gap(stage: Stage, scene: Scene) -> float:
    """The longest time between two looks at a room that differ, in seconds: somebody may have come or gone in it."""
    with stage.context.database.read() as session:
        rooms = [run for each in scene.sittings for run in fold.load(session, each.occurrence.id)]
    return verdict.longest_gap(rooms)


def _problems(
    stage: Stage, courses: list[dict[str, Any]], accuracy: Accuracy, found: list[dict[str, Any]]
) -> list[str]:
    """What did not come out as it should, in words."""
    problems = [
        f"{each['course']}: {each['state']}, {each['rooms']} rooms, {each['closed']}; it should be held and end with "
        f"{each['expected_closed']}"
        for each in courses
        if not each["as_expected"]
    ]
    problems += [f"presence of {person} is further from the truth than polling explains" for person in accuracy.beyond]
    recorded = {play.code for play in stage.plays.values() if play.record == "always"}
    missing = recorded - {each["course"] for each in found if _is_home(each)}
    return problems + [f"no recording of {code} is archived" for code in sorted(missing)]


def wanted(stage: Stage) -> Wanted:
    return Wanted(since=stage.starts_at, until=stage.starts_at + timedelta(seconds=1))


def _course(stage: Stage, each: Sitting, rows: list[report.Row]) -> dict[str, Any]:
    play = stage.plays[each.occurrence.id]
    with stage.context.database.read() as session:
        opened = select(func.count()).where(Meeting.occurrence_id == each.occurrence.id, Meeting.opened_at.is_not(None))
        runs = session.scalar(opened) or 0
    closed = each.meeting.close_reason if each.meeting else None
    statuses = [row["status"] for row in rows if row["occurrence"] == each.occurrence.id]
    expected = each.state == "held" and closed == play.ending and runs >= play.least_runs
    return {
        "course": play.code,
        "occurrence": each.occurrence.id,
        "state": each.state,
        "rooms": runs,
        "closed": closed,
        "expected_closed": play.ending,
        "as_expected": expected,
        "people": {status: statuses.count(status) for status in ("present", "partial", "absent", "unknown")},
    }


def _write(stage: Stage, now: datetime) -> list[Path]:
    written = []
    for kind in ("csv", "xlsx", "html"):
        path = stage.out / f"attendance.{kind}"
        table = tables_of_reports.make(stage.context, "attendance", wanted(stage), stage.context.settings.language, now)
        exports.write(table, kind, path)
        written.append(path)
    return written
