"""A stage for the loops: what they left in the tables, what the servers know, and crashes between any two lines."""

from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select

from worker.operations.attendance import fold, poll
from worker.operations.meetings import end, provision
from worker.operations.recordings import harvest
from worker.operations.reports import report
from worker.operations.timetable import plan
from worker.store.tables import Event, Gap, Meeting, Occurrence, Server, Stay


class Stage:
    """One installation and its clock."""

    def __init__(self, context, clock):
        self.context, self.clock = context, clock

    # The loops

    def plan(self):
        return plan.sweep(self.context, self.clock())

    def provision(self):
        return provision.sweep(self.context, self.clock)

    def poll(self):
        return poll.sweep(self.context, self.clock)

    def end(self):
        return end.sweep(self.context, self.clock)

    def harvest(self):
        return harvest.sweep(self.context, self.clock)

    def settle(self, occurrence_id):
        return fold.settle(self.context, [occurrence_id], self.clock)

    def polls(self, times, *, every=30):
        """So many polls, the clock going on after each."""
        for _ in range(times):
            self.poll()
            self.clock.advance(seconds=every)

    def tick(self, *, seconds=30):
        """Every loop once, and the clock goes on."""
        self.provision()
        self.poll()
        self.end()
        self.clock.advance(seconds=seconds)

    def run_until(self, done, *, seconds=30, ticks=600):
        """Ticks until ``done()``."""
        for _ in range(ticks):
            if done():
                return
            self.tick(seconds=seconds)
        raise AssertionError("it never came to that")

    # What they left

    def rows(self, table, *conditions):
        with self.context.database.read() as session:
            return list(session.scalars(select(table).where(*conditions).order_by(*table.__table__.primary_key)))

    def meetings(self):
        return self.rows(Meeting)

    def live(self):
        return self.rows(Meeting, Meeting.closed_at.is_(None))

    def only_meeting(self):
        (meeting,) = self.meetings()
        return meeting

    def occurrence(self, occurrence_id):
        (found,) = self.rows(Occurrence, Occurrence.id == occurrence_id)
        return found

    def server(self, running):
        (found,) = self.rows(Server, Server.id == running.server_id)
        return found

    def stays(self, occurrence_id):
        """Stays as ``(key, first_seen, last_seen)``, folded now and kept nowhere."""
        return [(stay.key, stay.first_seen, stay.last_seen) for stay in self.folded(occurrence_id)[0]]

    def gaps(self, occurrence_id):
        return [(gap.start, gap.end) for gap in self.folded(occurrence_id)[1]]

    def folded(self, occurrence_id):
        with self.context.database.read() as session:
            occurrence = session.get_one(Occurrence, occurrence_id)
            return fold.folded(session, self.context, occurrence, self.clock())

    def kept_stays(self, occurrence_id):
        return self.rows(Stay, Stay.occurrence_id == occurrence_id)

    def kept_gaps(self, occurrence_id):
        return self.rows(Gap, Gap.occurrence_id == occurrence_id)

    def marks(self, **wanted):
        rows = report.attendance_rows(self.context, report.Wanted(**wanted), self.clock())
        return {row["user_id"]: row for row in rows}

    def story(self, kind=None):
        """The kinds of all events in order, or the events of one kind."""
        events = self.rows(Event)
        return [each.kind for each in events] if kind is None else [each for each in events if each.kind == kind]


class Crash(BaseException):
    """The process is gone: nothing catches this, as nothing catches SIGKILL."""


class _Fuse:
    """Blows at the given boundary, counted from 0: a crash for good, an error once."""

    def __init__(self, at, error):
        self.left, self._error = at, error

    def pass_(self):
        if self.left == 0:
            self.left -= self._error is not Crash
            raise self._error
        self.left -= 1


class _Database:
    """A boundary before each write, and one after its commit."""

    def __init__(self, database, fuse):
        self._database, self._fuse = database, fuse
        self.read = database.read

    @contextmanager
    def write(self):
        self._fuse.pass_()
        with self._database.write() as session:
            yield session
        self._fuse.pass_()


class _Client:
    """A boundary before each call, and one after its answer."""

    def __init__(self, client, fuse):
        self._client, self._fuse = client, fuse

    def __getattr__(self, name):
        def call(*given, **named):
            self._fuse.pass_()
            answer = getattr(self._client, name)(*given, **named)
            self._fuse.pass_()
            return answer

        return call


def crashing(context, *, at, error=Crash):
    """Surroundings that end at boundary ``at``: before or after a transaction or a call to a server.

    With another ``error`` that one is raised, once.
    """
    fuse = _Fuse(at, error)
    return replace(
        context,
        database=_Database(context.database, fuse),
        connect=lambda server: _Client(context.connect(server), fuse),
    )
