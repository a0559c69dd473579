"""A school in its first hours of a Monday: one class over, one going on, the others to come; played, not written.

For the tests with a browser and for the pictures. The clock is turned by hand, the server is simulated, the people are
the simulator's own.
"""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from tests.conftest import SECRET, Clock
from tests.operations.stage import Stage
from tests.web.conftest import PASSWORD
from worker.domain.holidays import Holiday
from worker.operations import context as contexts
from worker.operations import pulse
from worker.operations.installation import servers
from worker.operations.timetable import holidays
from worker.operations.timetable.import_roster import import_roster
from worker.operations.timetable.import_timetable import import_timetable
from worker.settings import Settings
from worker.simulator import Director, World, crowd, serve
from worker.store.tables import Course, Meeting, Occurrence, Participant, Pulse
from worker.store.upsert import put
from worker.timetables import read_roster, read_timetable
from worker.web import access, serving

__all__ = ["Occurrence", "Participant", "School", "opened"]

TIMETABLE = """code,title,cron,minutes,teacher_id,teacher_name,record
ALG-101,Algebra · جبر,0 8 * * 6;1;3,90,t-1,دکتر شیرین عبادیان,always
PHY-201,Physics · فیزیک,0 10 * * 6;1,90,t-2,استاد کامران پارسا,never
CHE-110,Chemistry · شیمی,0 10 * * 0;1;2,75,t-1,دکتر شیرین عبادیان,manual
LIT-300,Literature · ادبیات,0 13 * * 6;1;3,90,t-3,Dr. Ada Byron,always
HIS-120,History · تاریخ,0 15 * * 0;1;2,60,t-4,Prof. Omar Khayyam,never
"""
#: Monday 2 March 2026, 07:30 in Tehran.
BEGINS = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LENGTH = 90 * 60
SIZES = {"ALG-101": 14, "PHY-201": 22, "CHE-110": 9}


@dataclass
class School:
    """Everything a test needs to go on with the play."""

    context: contexts.Context
    clock: Clock
    world: World
    director: Director
    url: str

    def __post_init__(self):
        self.stage = Stage(self.context, self.clock)
        self.cast = set()
        self.codes = {}  # of courses, by their numbers

    def minutes(self, count, step=60):
        """The day goes on: every loop each minute, and everybody does what they have to do."""
        for _ in range(count * 60 // step):
            self.clock.advance(seconds=step)
            self.director.step()
            self.stage.provision()
            self._seat()
            self.director.step()
            self.stage.poll()
            self.stage.end()
            self.beat()

    def _seat(self):
        """Who is enrolled in a class whose room has just opened will come."""
        with self.context.database.read() as session:
            rows = session.scalars(select(Meeting).where(Meeting.closed_at.is_(None))).all()
        for meeting in rows:
            sitting = self.stage.occurrence(meeting.occurrence_id)
            code = self.codes[sitting.course_id]
            if sitting.id not in self.cast and code in SIZES:
                self.cast.add(sitting.id)
                self.director.cast(meeting.external_id, people(code), sitting.starts_at.timestamp())

    def over(self):
        """The number of the class that is over."""
        return next(row.id for row in self.stage.rows(Occurrence) if row.settled_at is not None)

    def going_on(self):
        """The number of a class that is going on."""
        return self.stage.live()[0].occurrence_id

    def online(self):
        """People online, as the tables say."""
        return sum(each.people for each in self.stage.live())

    def beat(self):
        """Every loop has just run."""
        with self.context.database.write() as session:
            for loop in pulse.LOOPS:
                row = {"loop": loop, "started_at": self.clock(), "ended_at": self.clock()}
                put(session, Pulse, row, ["loop"])


def people(code):
    """Who comes to a course, and when."""
    return crowd(7, SIZES[code], length=LENGTH, prefix=code[:3].lower(), gap=300)


def rosters():
    """Everybody who comes but the last, and one who never does."""
    lines = ["course,user_id,full_name,role"]
    for code in SIZES:
        for person, _ in people(code)[:-1]:
            name = person.full_name.replace(",", " ")
            lines.append(f"{code},{person.user_id},{name},{person.role.lower()}")
        lines.append(f"{code},{code[:3].lower()}-absent,Nora Jalali,viewer")
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def opened(folder, template, *, language="en", minutes=190):
    """The school, played for so many minutes and served. ``template`` is a migrated SQLite file."""
    path = folder / "school.db"
    path.write_bytes(template.read_bytes())
    settings = Settings(
        data_dir=folder, database_url=f"sqlite:///{path}", secret_key="a key for tests only", language=language
    )
    context, clock = contexts.make(settings), Clock()
    clock.now = BEGINS
    simulated = serve(World(SECRET, profile="E", clock=clock.timestamp))
    try:
        with serving.Beside(context, "127.0.0.1", 0, clock=clock) as page:
            school = School(context, clock, simulated.world, Director(simulated.world), page.url)
            _furnish(school, folder, simulated.base_url)
            school.minutes(minutes)
            yield school
    finally:
        simulated.stop()
        for _, client in context.connect._known.values():
            client.close()
        context.database.dispose()


def _furnish(school, folder, url):
    context, now = school.context, school.clock()
    for name, role, teacher in (("admin", "admin", None), ("teacher", "teacher", "t-1"), ("viewer", "viewer", None)):
        access.add(context, name, PASSWORD, role, now, teacher)
    servers.add(context, "class-1", url, SECRET, now, capacity=200)
    sheet, roster = folder / "timetable.csv", folder / "roster.csv"
    sheet.write_text(_quoted(TIMETABLE), encoding="utf-8")
    roster.write_text(rosters(), encoding="utf-8")
    import_timetable(context, read_timetable(sheet, timezone="Asia/Tehran"), now)
    import_roster(context, read_roster(roster), now)
    holidays.add(context, Holiday((now + timedelta(days=2)).date(), "Founders' day · روز بنیان‌گذار"), now)
    with context.database.read() as session:
        school.codes = dict(session.execute(select(Course.id, Course.code)).all())


def _quoted(text):
    """Several days in one field: commas, within quotes."""
    lines = [line.split(",") for line in text.splitlines()]
    return "\n".join(",".join(f'"{cell.replace(";", ",")}"' for cell in line) for line in lines) + "\n"
