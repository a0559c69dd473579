"""Recordings on a server that lists none but links to them from its past sessions: Meetingz (E92, E93).

A session names neither room nor run: it is matched by its name and by a start within the life of a run of ours, and
what is found that way is marked so. Where two classes fit, each is asked for alone; what stays unclear is not guessed.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from worker import bbb
from worker.domain import matching
from worker.operations.context import Context
from worker.store.tables import Course, Meeting, Occurrence


def ask(context: Context, client: bbb.Client, meetings: Sequence[Meeting]) -> list[bbb.Recording]:
    """What the server remembers of these closed runs, as recordings whose id is the run's. Raises bbb.Error."""
    by_number = {each.id: each for each in meetings}
    runs = _runs(context, meetings)
    clear, unclear = _matched(runs, _with_links(client, [each.external_id for each in meetings]))
    if unclear:
        clear |= _asked_alone(client, [run for run in runs if run.number in unclear], by_number)
    return [_recording(by_number[number], session) for number, session in clear.items()]


def _runs(context: Context, meetings: Sequence[Meeting]) -> list[matching.Run]:
    ids = [each.occurrence_id for each in meetings]
    wanted = select(Occurrence.id, Course.title).join(Course, Occurrence.course_id == Course.id)
    with context.database.read() as session:
        titles = dict(session.execute(wanted.where(Occurrence.id.in_(ids))).all())
    return [
        matching.Run(each.id, titles[each.occurrence_id], each.opened_at, each.closed_at)
        for each in meetings
        if each.opened_at is not None and each.closed_at is not None
    ]


def _with_links(client: bbb.Client, external_ids: Sequence[str]) -> list[bbb.PastSession]:
    return [each for each in client.sessions(list(dict.fromkeys(external_ids))) if _links(each)]


def _matched(
    runs: Sequence[matching.Run], sessions: Sequence[bbb.PastSession]
) -> tuple[dict[int, bbb.PastSession], set[int]]:
    known = [matching.Session(key, each.name, each.started_at) for key, each in enumerate(sessions)]
    clear, unclear = matching.match(runs, known)
    return {number: sessions[key] for number, key in clear.items()}, unclear


def _asked_alone(
    client: bbb.Client, runs: Sequence[matching.Run], meetings: dict[int, Meeting]
) -> dict[int, bbb.PastSession]:
    """A server that answers for one room only tells them apart; one that always answers for all does not."""
    found: dict[int, bbb.PastSession] = {}
    for run in runs:
        sessions = _with_links(client, [meetings[run.number].external_id])
        clear, _ = _matched([run], sessions)
        found |= clear
    taken = [each.session_id for each in found.values()]
    return {number: each for number, each in found.items() if taken.count(each.session_id) == 1}


def _links(session: bbb.PastSession) -> dict[str, str]:
    links = {"video": session.recording_url, "plain": session.plain_recording_url}
    if links["plain"] == links["video"]:
        del links["plain"]
    return {name: url for name, url in links.items() if url}


def _recording(meeting: Meeting, session: bbb.PastSession) -> bbb.Recording:
    assert meeting.internal_id is not None
    return bbb.Recording(
        record_id=meeting.internal_id,
        meeting_id=meeting.external_id,
        name=session.name,
        state="published",
        published=True,
        start_time_ms=_milliseconds(session.started_at),
        end_time_ms=_milliseconds(session.ended_at),
        participants=session.user_count,
        playbacks=tuple(bbb.Playback(name, url) for name, url in _links(session).items()),
    )


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp() * 1000)
