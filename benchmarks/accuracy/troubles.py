"""What happens to servers, rooms, pollers and clocks while classes go on."""

import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.accuracy.stage import Play
from worker import bbb
from worker.errors import Conflict
from worker.operations.attendance import exact, poll
from worker.operations.meetings import provision
from worker.operations.timetable import arrange
from worker.simulator import Fault, Person
from worker.simulator.meeting import Meeting

#: One class in so many has somebody at its door at a poll.
_KNOCKS = 10


def ended(play: Play) -> None:
    """In the middle the teacher ends the room."""
    for room in play.strikes("end", 0.5):
        play.world.end_from_inside(room)


def opened_again(play: Play) -> bool:
    """The teacher finds out, and has it opened again as soon as it can be."""
    if play.share() < 0.5 or "opened" in play.done:
        return True
    waiting = [each for each in play.rooms if f"again {each}" not in play.done]
    for occurrence in waiting:
        try:
            arrange.reopen(play.context, occurrence, play.clock())
            play.done.add(f"again {occurrence}")
        except Conflict:
            continue
    provision.sweep(play.context, play.clock)
    if not waiting and len(play.world.meetings()) == len(play.rooms):
        play.done.add("opened")
    return True


def outage(play: Play) -> bool:
    """The server answers nothing for a fifth of the class."""
    play.world.faults.clear()
    if 0.4 <= play.share() < 0.6:
        play.world.faults.add(Fault("http_500"))
    return True


def crashed(play: Play) -> bool:
    """The poller is dead for a fifth of the class."""
    return not 0.4 <= play.share() < 0.6


def doubled(play: Play) -> bool:
    """Two beats, two workers: every poll is made twice."""
    play.look()
    return True


def flaky(play: Play) -> bool:
    """One poll in five fails, never for longer than the tolerance allows."""
    count = int(play.clock.true.timestamp() // play.era.period)
    play.world.faults.clear()
    if count % 5 == 0:
        play.world.faults.add(Fault("html_502", call="getMeetings"))
    return True


def blip(play: Play) -> bool:
    """Twice the server knows no meeting for one poll."""
    ledger = play.world._ledger
    tick = round(play.share() * play.window.seconds / play.era.period)
    if tick in (20, 50):
        kept, ledger.live = ledger.live, {}
        poll.sweep(play.context, play.clock)
        ledger.live = kept
        return False
    return True


def stepping(play: Play) -> bool:
    """The wall clock is set forward, and later back, by 20 s."""
    play.clock.ahead = timedelta(seconds=20 if 0.3 <= play.share() < 0.7 else 0)
    return True


def breaking_out(play: Play) -> bool:
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


def knocking(play: Play) -> bool:
    """People who are not in ask at the door, over HTTP, and are told to wait."""
    for occurrence, room in play.rooms.items():
        meeting = play.world.meeting(room)
        if meeting is not None and play.dice.randrange(_KNOCKS) == 0:
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


def replaced(play: Play) -> None:
    """Between two polls the room ends and somebody else makes it again; all who were in are in again at once."""
    for room in play.strikes("replace", 0.65):
        meeting = play.world.meeting(room)
        if meeting is not None:
            people = meeting.connected
            play.world.end_from_inside(room)
            _create(play, room, meta=meeting.metadata)
            for person in people:
                play.world.join(room, person.user_id, person.full_name, person.role, device=person.device)


def found_again(play: Play) -> bool:
    """Provision goes on looking."""
    if play.share() >= 0.65:
        provision.sweep(play.context, play.clock)
    return True


def promoting(play: Play) -> bool:
    """Everybody is a moderator from the middle on."""
    role = "MODERATOR" if play.share() > 0.5 else "VIEWER"
    for room in play.rooms.values():
        meeting = play.world.meeting(room)
        for person in meeting.connected if meeting else []:
            if person.role != role:
                play.world.promote(room, person.user_id, role)
    return True


def mixed(play: Play) -> bool:
    """All of it in one class."""
    play.world.faults.clear()
    for trouble in (promoting, breaking_out, knocking, found_again, stepping):
        trouble(play)
    if not blip(play) or 0.8 <= play.share() < 0.95:  # the poller is dead
        return False
    (outage if 0.4 <= play.share() < 0.6 else flaky)(play)
    return doubled(play)


def told_afterwards(play: Play) -> None:
    """Each server sends its own report of each of its meetings."""
    for record in play.world.history():
        if record.meeting_id in play.rooms.values() and record.ended_at is not None:
            exact.accept(play.context, _report(play, record.internal_id), play.server_id, play.clock())


def _report(play: Play, internal_id: str) -> dict[str, Any]:
    record = next(each for each in play.world.history() if each.internal_id == internal_id)
    people: dict[str, dict[str, Any]] = {}
    for stay in play.world.truth():
        if stay.internal_id == internal_id and stay.left_at is not None:
            each = {"joins": [{"timestamp": _iso(stay.joined_at)}], "lefts": [{"timestamp": _iso(stay.left_at)}]}
            person = people.setdefault(stay.user_id, {"ext_user_id": stay.user_id, "name": stay.full_name})
            person.setdefault("sessions", []).append(each)
    data = {"start": _iso(record.created_at), "finish": _iso(record.ended_at), "attendees": list(people.values())}
    return {"meeting_id": record.meeting_id, "internal_meeting_id": internal_id, "data": data}


def _iso(seconds: float | None) -> str:
    assert seconds is not None
    return datetime.fromtimestamp(seconds, UTC).isoformat()
