"""A meeting as XML. Rendered once and kept until something changes."""

import time

from worker.simulator.meeting import MODERATOR, Connection, Meeting
from worker.simulator.profiles import Profile
from worker.simulator.wire import escape, tag, tags


def created(meeting: Meeting) -> str:
    """The body of an answer to `create`."""
    parent = meeting.parent.internal_id if meeting.parent else "bbb-none"
    return "".join(
        (
            tags(meetingID=meeting.meeting_id, internalMeetingID=meeting.internal_id, parentMeetingID=parent),
            _passwords(meeting),
            tags(createTime=meeting.create_time, voiceBridge=meeting.voice_bridge, dialNumber=meeting.dial_number),
            tags(createDate=_date(meeting), hasUserJoined=meeting.used, duration=meeting.duration),
            tag("hasBeenForciblyEnded", meeting.ended_at is not None),
        )
    )


def info(meeting: Meeting, profile: Profile, now: float, *, listed: bool = False) -> bytes:
    """The inside of getMeetingInfo, or of one <meeting> of getMeetings, which may group digits and hide attendees."""
    if now >= meeting.cached_until or not meeting.cache:
        meeting.cache.clear()
        meeting.cached_until = meeting.next_change(now)
    key = (listed and profile.thousands, not listed or profile.bulk_attendees)
    if key not in meeting.cache:
        meeting.cache[key] = _render(meeting, profile, now, *key).encode("utf-8", "replace")
    return meeting.cache[key]


def _render(meeting: Meeting, profile: Profile, now: float, grouped: bool, attendees: bool) -> str:
    people = meeting.listed(now)
    return "".join(
        (
            _identity(meeting),
            _passwords(meeting),
            _condition(meeting, people, now, number(meeting.duration, grouped and profile.duration_thousands)),
            _counts(meeting, people, now, grouped),
            _attendees(people, profile) if attendees else "",
            "<metadata>" + "".join(tag(key, value) for key, value in meeting.metadata.items()) + "</metadata>",
            _rooms(meeting),
        )
    )


def _identity(meeting: Meeting) -> str:
    return tags(
        meetingName=meeting.name,
        meetingID=meeting.meeting_id,
        internalMeetingID=meeting.internal_id,
        createTime=meeting.create_time,
        createDate=_date(meeting),
        voiceBridge=meeting.voice_bridge,
        dialNumber=meeting.dial_number,
    )


def _condition(meeting: Meeting, people: list[Connection], now: float, duration: str) -> str:
    return tags(
        running=bool(people),
        duration=duration,
        hasUserJoined=meeting.used,
        recording=meeting.record,
        hasBeenForciblyEnded=meeting.ended_at is not None,
        startTime=meeting.start_time,
        endTime=_end_time(meeting, now),
    )


def number(value: int, grouped: bool) -> str:
    return f"{value:,}" if grouped else str(value)


def _end_time(meeting: Meeting, now: float) -> int:
    if meeting.ended_at is not None:
        return int(meeting.ended_at * 1000)
    emptied = meeting.emptied_at()
    return int(emptied * 1000) if emptied is not None and emptied <= now else 0


def _counts(meeting: Meeting, people: list[Connection], now: float, grouped: bool) -> str:
    counted = meeting.counted(now)
    moderators = sum(person.role == MODERATOR for person in people)
    counts = {
        "participantCount": len(counted),
        "listenerCount": sum(_listens(person) for person in counted),
        "voiceParticipantCount": sum(not _listens(person) for person in counted),
        "videoCount": sum(person.presenter for person in counted),
        "maxUsers": meeting.max_participants,
        "moderatorCount": moderators,
    }
    return "".join(tag(name, number(count, grouped)) for name, count in counts.items())


def _listens(person: Connection) -> bool:
    return person.role != MODERATOR


def _attendees(people: list[Connection], profile: Profile) -> str:
    return "<attendees>" + "".join(_attendee(person, profile) for person in people) + "</attendees>"


def _attendee(person: Connection, profile: Profile) -> str:
    # The only text that is built thousands of times a second: no helper calls here.
    listens, dial_in = _listens(person), person.user_id.startswith("v_")
    return (
        f"<attendee><userID>{escape(person.user_id)}</userID><fullName>{escape(person.full_name)}</fullName>"
        f"<role>{'DIAL-IN-USER' if dial_in else person.role}</role>"
        f"<isPresenter>{_word(person.presenter)}</isPresenter><isListeningOnly>{_word(listens)}</isListeningOnly>"
        f"<hasJoinedVoice>{_word(not listens)}</hasJoinedVoice><hasVideo>{_word(person.presenter)}</hasVideo>"
        f"<clientType>{'DIAL-IN' if dial_in else 'HTML5'}</clientType>{_customdata(person, profile)}</attendee>"
    )


def _word(value: bool) -> str:
    return "true" if value else "false"


def _customdata(person: Connection, profile: Profile) -> str:
    if not person.customdata and not profile.empty_customdata:
        return ""
    # The names become elements unchecked: a bad one spoils the whole answer, as on the real server.
    return "<customdata>" + "".join(tag(name, value) for name, value in person.customdata.items()) + "</customdata>"


def _rooms(meeting: Meeting) -> str:
    text = tag("isBreakout", meeting.is_breakout)
    if meeting.parent is not None:
        text += tags(parentMeetingID=meeting.parent.internal_id, sequence=meeting.sequence, freeJoin=meeting.free_join)
    rooms = "".join(tag("breakout", room.meeting_id) for room in meeting.breakouts if room.ended_at is None)
    return text + (f"<breakoutRooms>{rooms}</breakoutRooms>" if rooms else "")


def _passwords(meeting: Meeting) -> str:
    return "".join(
        tag(name, value)
        for name, value in (("attendeePW", meeting.attendee_pw), ("moderatorPW", meeting.moderator_pw))
        if value is not None
    )


def _date(meeting: Meeting) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(meeting.created_at))
