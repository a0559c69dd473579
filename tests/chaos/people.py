"""Who comes to class: scripts by seed, and a crowd that plays them on the servers, behind the program's back.

A person finds the room as a join link does, by the program's tables. Whoever is put out of a room goes in again while
the script says so; whoever sits in a room that the server's web application has forgotten leaves it after a moment.
"""

import threading
import time
from typing import NamedTuple

import httpx
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.measures import NOTICE
from worker.store.tables import Meeting


class Person(NamedTuple):
    user_id: str
    name: str
    role: str
    #: From when to when they want to be in, epoch seconds.
    spans: tuple[tuple[float, float], ...]

    def wants(self, now):
        return any(start <= now < end for start, end in self.spans)


class Lesson(NamedTuple):
    occurrence_id: int
    code: str
    starts_at: float
    ends_at: float
    recorded: bool
    people: tuple[Person, ...]


def cast(random, code, starts_at, ends_at, size):
    """A teacher and some others: early, late, gone for a while in the middle, still there after the end."""
    people = [
        Person(f"{code}-t", f"Teacher of {code}", "MODERATOR", ((starts_at - 4, ends_at + random.choice((1, 60))),))
    ]
    for number in range(1, size):
        first = starts_at + random.uniform(-4, 12)
        last = ends_at + random.uniform(-10, 4)
        spans = ((first, last),)
        if random.random() < 0.3:
            away = random.uniform(first + 6, last - 16)
            spans = ((first, away), (away + random.uniform(6, 12), last))
        people.append(Person(f"{code}-{number}", f"Learner {number}", "VIEWER", spans))
    return tuple(people)


class Crowd:
    """Plays the lessons in a thread of its own."""

    def __init__(self, database, schools, lessons):
        self._database, self._schools, self._lessons = database, schools, lessons
        self._rooms = {}  # occurrence -> (server id, external id), as last read
        self._inside = {}  # (occurrence, user) -> (server id, external id, internal id)
        self._notices = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self):
        while not self._stopping.wait(0.4):
            self._read_rooms()
            live = {key: self._live(school) for key, school in self._schools.items()}
            for lesson in self._lessons:
                if lesson.starts_at - 6 <= time.time() <= lesson.ends_at + 90:
                    for person in lesson.people:
                        self._move(lesson, person, live)

    def _read_rooms(self):
        open_ = select(Meeting.occurrence_id, Meeting.server_id, Meeting.external_id)
        open_ = open_.where(Meeting.closed_at.is_(None), Meeting.state != "requested")
        try:
            with self._database.read() as session:
                self._rooms = {number: (server, room) for number, server, room in session.execute(open_)}
        except SQLAlchemyError:
            pass  # the door to the rooms is shut for a moment; people go on by what they know

    def _live(self, school):
        """Internal ids by external id; None where it cannot be asked."""
        try:
            if not school.frozen:
                return {each["meeting_id"]: each["internal_id"] for each in school.see("state")["meetings"]}
        except httpx.HTTPError:
            pass
        return None

    def _move(self, lesson, person, live):
        key, now = (lesson.occurrence_id, person.user_id), time.time()
        place = self._inside.get(key)
        if place is not None:
            self._stay_or_leave(key, person, place, live, now)
        elif person.wants(now) and (room := self._rooms.get(lesson.occurrence_id)):
            self._enter(key, person, room, live)

    def _enter(self, key, person, room, live):
        server, external = room
        internal = (live[server] or {}).get(external)
        if internal is None:
            return
        names = {"user_id": person.user_id, "full_name": person.name, "role": person.role}
        if self._do(server, "join", meeting_id=external, **names):
            self._inside[key] = (server, external, internal)

    def _stay_or_leave(self, key, person, place, live, now):
        server, external, internal = place
        if live[server] is None:
            return
        gone = live[server].get(external) != internal
        noticed = self._notices.setdefault(key, now + NOTICE * (hash(key[1]) % 100) / 100) if gone else now
        if (not person.wants(now) or (gone and now >= noticed)) and self._do(
            server, "leave", meeting_id=external, user_id=person.user_id
        ):
            self._inside.pop(key)
            self._notices.pop(key, None)

    def _do(self, server, what, **values):
        school = self._schools[server]
        if school.frozen:
            return False
        try:
            return school.do(what, **values)
        except httpx.HTTPError:
            return False
