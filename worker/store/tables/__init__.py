"""The tables. Constraints, not care, keep a meeting from opening twice; docs/tables.md draws them.

All times are UTC. Enumerations are stored by their words. A row of history is never overwritten by a plan.
"""

from worker.store.tables.access import CallbackSeen, SignInFailure, Token, User
from worker.store.tables.attendance import Correction, ExactStay, Gap, Stay
from worker.store.tables.base import Base, Installation
from worker.store.tables.meetings import Attendee, EndedObservation, Meeting, Observation, OngoingObservation, Server
from worker.store.tables.recordings import File, Playback, Recording
from worker.store.tables.running import Alarm, Delivery, Event, LoadPoint, Pulse
from worker.store.tables.timetable import Course, CourseKey, Holiday, Occurrence, Participant, Slot

__all__ = [
    "Alarm",
    "Attendee",
    "Base",
    "CallbackSeen",
    "Correction",
    "Course",
    "CourseKey",
    "Delivery",
    "EndedObservation",
    "Event",
    "ExactStay",
    "File",
    "Gap",
    "Holiday",
    "Installation",
    "LoadPoint",
    "Meeting",
    "Observation",
    "Occurrence",
    "OngoingObservation",
    "Participant",
    "Playback",
    "Pulse",
    "Recording",
    "Server",
    "SignInFailure",
    "Slot",
    "Stay",
    "Token",
    "User",
]
