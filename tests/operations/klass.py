"""A class that was held, for tests of what comes after: rows as the loops leave them, without playing it."""

from datetime import timedelta

from worker.operations.attendance import fold
from worker.operations.timetable import arrange
from worker.store.tables import Attendee, EndedObservation, Meeting, Server


class Held:
    """One sitting of an hour from 09:00, its room open from the start, polled every half minute."""

    def __init__(self, stage, server_id, occurrence):
        self.stage, self.server_id, self.occurrence = stage, server_id, occurrence
        self.start = stage.occurrence(occurrence).starts_at
        with stage.context.database.write() as session:
            meeting = Meeting(
                occurrence_id=occurrence,
                server_id=server_id,
                external_id=f"mtz-{occurrence}",
                internal_id=f"run-{occurrence}",
                create_time=int(self.start.timestamp() * 1000),
                passwords=b"",
                state="open",
                requested_at=self.start,
                opened_at=self.start + timedelta(seconds=1),
            )
            session.add(meeting)
            session.flush()
            self.meeting = meeting.id

    def at(self, minute):
        return self.start + timedelta(minutes=minute)

    def saw(self, *stretches):
        """``(from minute, to minute, {user_id: (name, role)})``; a name alone is a viewer's."""
        numbers = {}
        with self.stage.context.database.write() as session:
            for first, last, people in stretches:
                who = [(key, *((how, "VIEWER") if isinstance(how, str) else how)) for key, how in people.items()]
                for each in who:
                    if each not in numbers:
                        numbers[each] = len(numbers) + 1
                        user_id, name, role = each
                        row = {"user_id": user_id, "full_name": name, "role": role}
                        session.add(Attendee(meeting_id=self.meeting, number=numbers[each], **row))
                session.add(
                    EndedObservation(
                        meeting_id=self.meeting,
                        first_at=self.at(first),
                        last_at=self.at(last),
                        polls=1,
                        attendees=" ".join(str(numbers[each]) for each in who),
                    )
                )
        return self

    def over(self, minute=60, reason="ended"):
        """Its room went, and it is settled."""
        with self.stage.context.database.write() as session:
            meeting = session.get_one(Meeting, self.meeting)
            meeting.state, meeting.close_reason = "closed", reason
            meeting.closed_at = meeting.missed_at = self.at(minute)
        self.stage.clock.now = max(self.stage.clock.now, self.at(max(minute, 60)))
        assert self.stage.settle(self.occurrence) == 1
        return self

    def latency(self, seconds):
        with self.stage.context.database.write() as session:
            session.get_one(Server, self.server_id).leave_latency_seconds = seconds
        return self

    def stays(self):
        kept = self.stage.kept_stays(self.occurrence)
        minutes = [
            ((s.first_seen - self.start).total_seconds() / 60, (s.last_seen - self.start).total_seconds() / 60)
            for s in kept
        ]
        return [(stay.attendee_key, *pair, stay.source) for stay, pair in zip(kept, minutes, strict=True)]


def add(stage, code, *, at=0):
    """Another sitting of the course, an hour from so many minutes hence."""
    start = stage.clock() + timedelta(minutes=at)
    return arrange.add(stage.context, code, start, start + timedelta(hours=1), stage.clock())


def refold(stage, **wanted):
    wanted = {"course": None, "since": None, "until": None} | wanted
    return fold.refold(stage.context, *wanted.values(), stage.clock())
