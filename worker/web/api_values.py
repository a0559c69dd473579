"""What the API says, as values: the words of the command line's JSON. All times are UTC, ISO 8601."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from worker.domain.calendars import LAST_YEAR
from worker.operations.attendance.corrections import Corrected
from worker.operations.timetable.sittings import Sitting
from worker.store.tables import Course, Participant, Server, Slot

#: A time that somebody sends. Farther away there are days that not every zone and calendar has.
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
]


class Trouble(BaseModel):
    """One line: what is wrong and what to do."""

    detail: str


class LiveClass(BaseModel):
    """An open room."""

    course: str
    occurrence: int
    participants: int
    moderators: int
    server: str


class Live(BaseModel):
    """Who is on, now, and in all."""

    at: datetime
    meetings: int
    participants: int
    moderators: int
    courses: list[LiveClass]


class CourseValue(BaseModel):
    """What is taught."""

    id: int
    code: str
    title: str
    teacher_id: str | None
    teacher_name: str | None
    timezone: str
    record: str
    archived: bool

    @classmethod
    def of(cls, row: Course) -> "CourseValue":
        return cls(
            id=row.id,
            code=row.code,
            title=row.title,
            teacher_id=row.teacher_id,
            teacher_name=row.teacher_name,
            timezone=row.timezone,
            record=row.record,
            archived=row.archived_at is not None,
        )


class SlotValue(BaseModel):
    """The rule by which a course recurs."""

    cron: str
    minutes: int
    every_weeks: int

    @classmethod
    def of(cls, row: Slot) -> "SlotValue":
        return cls(cron=row.cron, minutes=row.minutes, every_weeks=row.every_weeks)


class PersonValue(BaseModel):
    """Somebody who is enrolled."""

    user_id: str
    full_name: str
    role: str

    @classmethod
    def of(cls, row: Participant) -> "PersonValue":
        return cls(user_id=row.user_id, full_name=row.full_name, role=row.role)


class CourseWhole(BaseModel):
    """A course with its slots and its roster."""

    course: CourseValue
    slots: list[SlotValue]
    roster: list[PersonValue]


class OccurrenceValue(BaseModel):
    """One dated sitting."""

    id: int
    course: str
    title: str
    starts_at: datetime
    ends_at: datetime
    closes_at: datetime
    state: Literal["planned", "open", "live", "held", "missed", "cancelled"]
    server: str | None
    meeting_id: str | None
    internal_meeting_id: str | None
    cancelled: bool

    @classmethod
    def of(cls, each: Sitting) -> "OccurrenceValue":
        row, meeting = each.occurrence, each.meeting
        return cls(
            id=row.id,
            course=each.course.code,
            title=each.course.title,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            closes_at=row.closes_at,
            state=each.state,
            server=each.server,
            meeting_id=meeting and meeting.external_id,
            internal_meeting_id=meeting and meeting.internal_id,
            cancelled=row.cancelled_at is not None,
        )


class Fact(BaseModel):
    """One line of a story."""

    at: datetime
    kind: str
    actor: str | None
    detail: str | None


class AttendanceValue(BaseModel):
    """One person in one sitting; seconds and percent of the planned window."""

    course: str
    occurrence: int
    user_id: str | None
    full_name: str
    role: str
    status: str
    late: bool
    left_early: bool
    first_seen: datetime | None
    last_seen: datetime | None
    seconds_present: float
    seconds_unknown: float
    percent: float
    joins: int
    guest: bool
    observed_status: str
    corrected_by: str | None
    correction_reason: str | None


class ServerValue(BaseModel):
    """One server with its load and health."""

    name: str
    enabled: bool
    draining: bool
    healthy: bool
    meetings: int
    people: int
    capacity: int | None
    weight: float
    last_error: str | None

    @classmethod
    def of(cls, row: Server) -> "ServerValue":
        return cls.model_validate(row, from_attributes=True)


class Pulse(BaseModel):
    """A loop's pulse; ``age_seconds`` since the end of its last sweep, null where it has never run."""

    loop: str
    ok: bool
    age_seconds: float | None


Text = Field(min_length=1, max_length=500)


class Cancel(BaseModel):
    """Why."""

    reason: str = Text


class Span(BaseModel):
    """From when to when; offsets are required."""

    starts_at: Moment
    ends_at: Moment


class Extend(BaseModel):
    """Minutes beyond the present end."""

    minutes: float = Field(gt=0, le=1440)


class Correct(BaseModel):
    """Whose status, what it shall be, and why."""

    user_id: str = Field(min_length=1, max_length=256)
    status: Corrected
    reason: str = Text


class JoinAsked(BaseModel):
    """Who is to join."""

    user_id: str = Field(min_length=1, max_length=128)
    name: str = Field(min_length=1, max_length=256)
    role: Literal["viewer", "moderator"] = "viewer"


class JoinLink(BaseModel):
    """A signed link: a credential."""

    url: str


RecordingAction = Literal["publish", "unpublish", "delete"]
ServerAction = Literal["drain", "enable", "disable"]


class Done(BaseModel):
    """It is done."""

    done: bool
