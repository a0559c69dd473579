"""What the judge looks at: the tables, what the servers know, and what follows from both."""

from collections import defaultdict
from datetime import UTC, datetime
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import func, select

from tests.chaos.measures import PERIOD, SETTINGS
from worker.domain.spans import Span, clip, merge, minus
from worker.store.tables import Event, Gap, Meeting, Occurrence, Stay


def instant(seconds):
    return datetime.fromtimestamp(seconds, UTC)


class Instance(NamedTuple):
    """One run of a meeting on a server, as long as the server's API could show it."""

    server: int
    meeting_id: str
    internal_id: str
    span: Span
    ended_at: datetime
    end_reason: str | None


class Facts:
    def __init__(self, seen):
        self.seen = seen
        slack = seen.plan.slack
        #: Of a coming or going, of a loop's return, of a late end, seconds.
        self.bound = 2 * PERIOD + slack
        #: A room left behind is looked for once its server is believed again, asked to end, and asked again, seconds.
        self.orphan = (SETTINGS["server_up_after"] + 1) * PERIOD + SETTINGS["end_retry_seconds"] + 2 * PERIOD + slack
        #: A forgotten room is believed gone after several misses in a row, then asked for again, seconds.
        self.reopen = (SETTINGS["gone_after"] + 2) * PERIOD + slack
        self.waves = merge(Span(instant(wave.began), instant(wave.ended)) for wave in seen.waves)
        with seen.context.database.read() as session:
            self.meetings = list(session.scalars(select(Meeting).order_by(Meeting.id)))
            self.occurrences = {each.id: each for each in session.scalars(select(Occurrence))}
            self.stays, self.gaps = defaultdict(list), defaultdict(list)
            for row in session.scalars(select(Stay)):
                self.stays[row.occurrence_id, row.attendee_key].append(Span(row.first_seen, row.last_seen))
            for row in session.scalars(select(Gap)):
                self.gaps[row.occurrence_id].append(Span(row.first_at, row.last_at))
            self.kinds = dict(session.execute(select(Event.kind, func.count()).group_by(Event.kind)).all())
        self.rooms = {meeting.external_id: meeting.occurrence_id for meeting in self.meetings}
        self.instances = [each for key, school in seen.schools.items() for each in _instances(key, school)]
        self.truth, self.unseeable = self._truth()

    def _truth(self):
        """When each person was in a room of each class, on whichever server; and when in one that it had forgotten."""
        found, forgotten = defaultdict(list), defaultdict(list)
        for school in self.seen.schools.values():
            for stay in school.truth:
                since, until = stay["joined_at"], stay["left_at"] or school.state["now"]
                key = (self.rooms.get(stay["meeting_id"]), stay["user_id"])
                found[key].append(Span(instant(since), instant(until)))
                forgotten[key] += [Span(instant(at), instant(until)) for at in school.forgot_at if since < at < until]
        return {key: merge(spans) for key, spans in found.items()}, forgotten

    def outside(self, spans):
        """What of these no wave of faults touches."""
        return minus(spans, self.waves)

    def split(self, by_room):
        """The longest that people sat in two rooms of one class at once, wherever that came from, seconds."""
        inside = defaultdict(list)
        for key, school in self.seen.schools.items():
            for stay in school.truth:
                until = stay["left_at"] or school.state["now"]
                inside[key, stay["meeting_id"]].append(Span(instant(stay["joined_at"]), instant(until)))
        longest = 0.0
        for room, instances in by_room.items():
            for one, two in combinations(instances, 2):
                if one.server != two.server:
                    there = [clip(merge(inside[each.server, room]), each.span) for each in (one, two)]
                    both = [span for each in there[0] for span in clip(there[1], each)]
                    longest = max(longest, sum(span.seconds for span in both))
        return longest

    def without_room(self, lesson):
        """When within its time no server showed a room of this class."""
        window = Span(instant(lesson.starts_at), instant(lesson.ends_at))
        open_ = [each.span for each in self.instances if self.rooms[each.meeting_id] == lesson.occurrence_id]
        return minus([window], merge(open_))

    def pairs(self):
        """Each person of each class, with the window of it, the truth, and what was found; all within the window."""
        for lesson in self.seen.lessons:
            window = Span(instant(lesson.starts_at), instant(lesson.ends_at))
            dark = clip(merge(self.gaps[lesson.occurrence_id]), window)
            for person in lesson.people:
                key = (lesson.occurrence_id, person.user_id)
                yield key, clip(self.truth.get(key, ()), window), clip(merge(self.stays[key]), window), dark


def _instances(key, school):
    for each in school.history:
        until = each["ended_at"] or school.state["now"]
        forgotten = [at for at in school.forgot_at if each["created_at"] < at < until]
        span = Span(instant(each["created_at"]), instant(min([until, *forgotten])))
        yield Instance(key, each["meeting_id"], each["internal_id"], span, instant(until), each["end_reason"])
